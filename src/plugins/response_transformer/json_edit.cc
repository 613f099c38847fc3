// SPDX-License-Identifier: Apache-2.0
#include "plugins/response_transformer/json_edit.h"

#include <cstdint>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::plugins {

namespace {

log::Counted parse_failed(log::Level::Info, "response_transformer.not_json");

/// Lua's notion of presence: false counts as absent, null does not.
bool is_truthy(const Json* value) {
  return value != nullptr && !(value->is_bool() && !value->as_bool());
}

/// A text becomes a list, a list grows, and any other value is lost; an object keeps what it has.
void append_to(Json& value, const Json& added) {
  if (value.is_array()) {
    value.as_array().push_back(added);
  } else if (value.is_string()) {
    value = Json::Array{std::move(value), added};
  } else if (!value.is_object()) {
    value = Json::Array{added};
  }
}

}  // namespace

std::optional<Json> typed_value(std::string_view text, std::string_view type) {
  if (type == "boolean") return Json(text == "true");
  if (type != "number") return Json(text);
  text = trim(text);
  if (auto whole = parse_int<std::int64_t>(text)) return Json(*whole);
  if (auto number = parse_double(text)) return Json(*number);
  return std::nullopt;
}

void JsonEdit::apply(Json::Object& members) const {
  for (const std::string& name : remove) members.erase(name);
  for (const auto& [name, new_name] : rename) {
    Json* value = members.find(name);
    if (value == nullptr || name == new_name) continue;
    Json moved = std::move(*value);
    members.erase(name);
    members.set(new_name, std::move(moved));
  }
  for (const auto& [name, value] : replace) {
    if (is_truthy(members.find(name))) members.set(name, value);
  }
  for (const auto& [name, value] : add) {
    if (!is_truthy(members.find(name))) members.set(name, value);
  }
  for (const auto& [name, value] : append) append_to(members[name], value);
}

Task<Result<http::Chunk>> JsonEditReader::read() {
  if (too_long_) return inner_.read();
  return read_whole();
}

Task<Result<http::Chunk>> JsonEditReader::read_whole() {
  for (bool last = false; !last;) {
    CO_TRY(auto chunk, co_await inner_.read());
    content_.append(chunk.bytes);
    last = chunk.last;
    if (content_.size() > limit_) {
      too_long_ = true;
      co_return http::Chunk{content_, last};
    }
  }
  transform();
  co_return http::Chunk{content_, true};
}

void JsonEditReader::transform() {
  auto document = parse_json(content_);
  if (!document) {
    parse_failed.hit({{"message", "body transform failed: failed parsing json body"}});
    return;
  }
  if (!document->is_object()) return;
  edit_.apply(document->as_object());
  content_ = to_json(*document);
}

}  // namespace sluice::plugins
