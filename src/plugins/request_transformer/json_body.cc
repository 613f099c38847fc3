// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/json_body.h"

#include <utility>

#include "base/json.h"

namespace sluice::plugins {

namespace {

/// Lua's notion of presence: false counts as absent, null does not.
bool is_truthy(const Json* value) {
  return value != nullptr && !(value->is_bool() && !value->as_bool());
}

/// A text becomes a list, a list grows, and any other value is lost; an object keeps what it has.
void append_to(Json& value, std::string_view added) {
  if (value.is_array()) {
    value.as_array().emplace_back(added);
  } else if (value.is_string()) {
    value = Json::Array{std::move(value), Json(added)};
  } else if (!value.is_object()) {
    value = Json::Array{Json(added)};
  }
}

void rename(Json::Object& members, std::string_view name, std::string_view new_name) {
  Json* value = members.find(name);
  if (value == nullptr || name == new_name) return;
  Json moved = std::move(*value);
  members.erase(name);
  members.set(new_name, std::move(moved));
}

}  // namespace

std::optional<std::string> edit_json(std::string_view content, const RenderedOperationsView& operations) {
  Json document = Json::object();
  if (content.empty()) {
    if (operations.add.empty() && operations.append.empty()) return std::nullopt;
  } else {
    auto parsed = parse_json(content);
    if (!parsed || !parsed->is_object()) return std::nullopt;
    document = std::move(*parsed);
  }
  Json::Object& members = document.as_object();
  for (std::string_view name : operations.remove) members.erase(name);
  for (const auto& [name, new_name] : operations.rename) rename(members, name, new_name);
  for (const auto& [name, value] : operations.replace) {
    if (is_truthy(members.find(name))) members.set(name, value);
  }
  for (const auto& [name, value] : operations.add) {
    if (!is_truthy(members.find(name))) members.set(name, value);
  }
  for (const auto& [name, value] : operations.append) append_to(members[name], value);
  return to_json(document);
}

}  // namespace sluice::plugins
