// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/json_member.h"

namespace sluice::sync::wire {
namespace {

constexpr std::size_t kMaxText = 1024;

}  // namespace

Result<std::string> text_member(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  if (member == nullptr || !member->is_string()) {
    return fail(Errc::Invalid, "no text \"" + std::string(name) + '"', Blame::Upstream);
  }
  if (member->as_string().size() > kMaxText) {
    return fail(Errc::TooLarge, '"' + std::string(name) + "\" is too long", Blame::Upstream);
  }
  return member->as_string();
}

Result<std::string> optional_text(const Json& object, std::string_view name) {
  const Json* member = object.find(name);
  if (member == nullptr || member->is_null()) return std::string();
  return text_member(object, name);
}

Result<const Json*> only_element(const Json& params) {
  if (!params.is_array() || params.as_array().size() != 1 || !params.as_array().front().is_object()) {
    return fail(Errc::Invalid, "params are no list of one object", Blame::Upstream);
  }
  return &params.as_array().front();
}

}  // namespace sluice::sync::wire
