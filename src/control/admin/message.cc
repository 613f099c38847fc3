// SPDX-License-Identifier: Apache-2.0
#include "control/admin/message.h"

#include <algorithm>

#include "base/strings.h"

namespace sluice::control::admin {
namespace {

constexpr std::size_t kMaxArguments = 1000;

}  // namespace

Query::Query(std::string_view text) {
  for (const std::string_view piece : split(text, '&')) {
    if (piece.empty()) continue;
    if (arguments_.size() == kMaxArguments) return;
    const std::size_t equals = piece.find('=');
    const std::string_view value = equals == piece.npos ? std::string_view{} : piece.substr(equals + 1);
    arguments_.emplace_back(form_decode(piece.substr(0, equals)), form_decode(value));
  }
}

const std::string* Query::find(std::string_view name) const {
  const auto at = std::ranges::find_if(arguments_, [&](const auto& argument) { return argument.first == name; });
  return at != arguments_.end() ? &at->second : nullptr;
}

bool Query::enabled(std::string_view name) const {
  const std::string* value = find(name);
  return value != nullptr && (*value == "1" || *value == "true" || *value == "on" || *value == "yes");
}

Reply Reply::text(int status, std::string body) {
  Reply reply;
  reply.status = status;
  reply.body = std::move(body);
  return reply;
}

Reply Reply::json(int status, const Json& body) {
  return text(status, to_json(body));
}

Reply Reply::message(int status, std::string_view message) {
  return json(status, Json::Object{{"message", message}});
}

Reply Reply::empty(int status) {
  return text(status, {});
}

}  // namespace sluice::control::admin
