// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/pair_rules.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/strings.h"
#include "plugins/request_transformer/operations.h"

namespace sluice::plugins {

namespace {

using Problem = std::optional<std::string>;

Problem check_header(std::string_view name) {
  bool valid = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alpha(c) || is_ascii_digit(c) || c == '-' || c == '_';
  });
  if (valid) return std::nullopt;
  return fmt::format("'{}' is not a valid header", name);
}

Problem check_value(const PairView& pair) {
  if (pair.value.empty()) return fmt::format("key '{}' has no value", pair.name);
  return std::nullopt;
}

/// A value with a line break would end the header and begin another.
Problem check_header_value(const PairView& pair) {
  if (pair.value.find_first_of(std::string_view("\r\n\0", 3)) == pair.value.npos) return std::nullopt;
  return fmt::format("the value of '{}' contains a line break", pair.name);
}

}  // namespace

schema::Rule header_entry() {
  return schema::text([](std::string_view text) { return check_header(PairView::split(text).name); });
}

schema::Rule pair_entry() {
  return schema::text([](std::string_view text) { return check_value(PairView::split(text)); });
}

schema::Rule header_pair_entry() {
  return schema::text([](std::string_view text) {
    PairView pair = PairView::split(text);
    Problem problem = check_value(pair);
    if (!problem) problem = check_header_value(pair);
    return problem ? problem : check_header(pair.name);
  });
}

schema::Rule header_rename_entry() {
  return schema::text([](std::string_view text) {
    PairView pair = PairView::split(text);
    Problem problem = check_value(pair);
    if (!problem) problem = check_header(pair.name);
    if (!problem && pair.value.find("$(") == pair.value.npos) problem = check_header(pair.value);
    return problem;
  });
}

}  // namespace sluice::plugins
