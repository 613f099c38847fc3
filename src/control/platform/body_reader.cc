// SPDX-License-Identifier: Apache-2.0
#include "control/platform/body_reader.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice::control::platform {
namespace {

std::string quantity(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " character" : " characters");
}

/// How many characters a valid UTF-8 text has.
std::size_t length_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

void BodyReader::require(std::string_view name) {
  if (body_.find(name) == nullptr) add({std::string(name), "required", "is a required field"});
}

std::optional<std::string> BodyReader::text(std::string_view name, std::size_t least, std::size_t most) {
  know(name);
  const Json* value = body_.find(name);
  if (value == nullptr) return std::nullopt;
  return text_of(std::string(name), *value, least, most);
}

std::optional<std::string> BodyReader::choice(std::string_view name, std::span<const std::string_view> choices) {
  know(name);
  const Json* value = body_.find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string() && std::ranges::find(choices, value->as_string()) != choices.end()) {
    return value->as_string();
  }
  Json::Array all(choices.begin(), choices.end());
  add({std::string(name), "enum", "must be one of " + join(choices, ", "), "body", std::move(all)});
  return std::nullopt;
}

std::optional<bool> BodyReader::boolean(std::string_view name) {
  know(name);
  const Json* value = body_.find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->as_bool();
  add({std::string(name), "is_boolean", "must be a boolean"});
  return std::nullopt;
}

std::optional<std::int64_t> BodyReader::integer(std::string_view name, std::int64_t least, std::int64_t most) {
  know(name);
  const Json* value = body_.find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_int() && value->as_int() >= least && value->as_int() <= most) return value->as_int();
  const std::string range = std::to_string(least) + " and " + std::to_string(most);
  add({std::string(name), "is_integer", "must be an integer between " + range});
  return std::nullopt;
}

std::vector<InvalidParameter> BodyReader::finish() {
  for (const auto& [name, value] : body_.as_object()) {
    if (std::ranges::find(known_, name) != known_.end()) continue;
    add({name, "unknown_property", "property " + name + " should not exist"});
  }
  return std::move(wrong_);
}

std::optional<std::string> BodyReader::text_of(std::string field, const Json& value, std::size_t least,
                                               std::size_t most) {
  if (!value.is_string()) {
    add({std::move(field), "is_string", "must be a string"});
    return std::nullopt;
  }
  const std::size_t length = length_of(value.as_string());
  InvalidParameter wrong{std::move(field), "", ""};
  if (length < least) {
    wrong.rule = "min_length";
    wrong.reason = "must have at least " + quantity(least);
    wrong.bound = static_cast<std::int64_t>(least);
  } else if (length > most) {
    wrong.rule = "max_length";
    wrong.reason = "must not have more than " + quantity(most);
    wrong.bound = static_cast<std::int64_t>(most);
  } else {
    return value.as_string();
  }
  add(std::move(wrong));
  return std::nullopt;
}

std::vector<InvalidParameter> no_object() {
  return {{.field = "body", .rule = "is_object", .reason = "request format is invalid"}};
}

}  // namespace sluice::control::platform
