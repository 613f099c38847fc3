// SPDX-License-Identifier: Apache-2.0
#include "schema/rule.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace sluice::schema {
namespace {

constexpr std::array<std::string_view, 24> kOrder = {"eq",          "ne",        "not_one_of",
                                                     "one_of",      "gt",        "timestamp",
                                                     "uuid",        "is_regex",  "between",
                                                     "len_eq",      "len_min",   "len_max",
                                                     "starts_with", "not_match", "match_none",
                                                     "match",       "match_all", "match_any",
                                                     "contains",    "",          "mutually_exclusive_subsets",
                                                     "required",    "elements",  "?"};

std::string plain_text(const Json& value) {
  return value.is_string() ? value.as_string() : to_json(value);
}

std::string number_text(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) {
    return std::to_string(static_cast<std::int64_t>(value));
  }
  return fmt::format("{}", value);
}

Json number_argument(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value))) return static_cast<std::int64_t>(value);
  return value;
}

Json::Array to_array(Names values) {
  Json::Array items;
  for (auto value : values) items.emplace_back(value);
  return items;
}

std::size_t length(const Json& value) {
  if (value.is_string()) return value.as_string().size();
  if (value.is_array()) return value.as_array().size();
  if (value.is_object()) return value.as_object().size();
  return 0;
}

template <class Test>
Rule length_rule(std::string name, std::size_t n, std::string message, Test test) {
  return {std::move(name), n, [=](const Json& value) -> std::optional<std::string> {
            // An empty map or array of a document may have been written as the other: both are length 0.
            if (test(length(value))) return std::nullopt;
            return message;
          }};
}

}  // namespace

std::optional<std::string> Rule::check(const Json& value) const {
  if (value.is_null() && !sees_null) return std::nullopt;
  auto problem = broken(value);
  if (problem && message) return message;
  return problem;
}

int rule_order(std::string_view name) {
  return static_cast<int>(std::ranges::find(kOrder, name) - kOrder.begin());
}

std::string comma_list(const Json::Array& values) {
  std::string result;
  for (const auto& value : values) {
    if (!result.empty()) result += ", ";
    result += plain_text(value);
  }
  return result;
}

Rule equal_to(Json value) {
  Json argument = value;
  return {"eq", std::move(argument), [value = std::move(value)](const Json& given) -> std::optional<std::string> {
            if (given == value) return std::nullopt;
            return "value must be " + plain_text(value);
          }};
}

Rule not_equal_to(Json value) {
  Json argument = value;
  return {"ne", std::move(argument), [value = std::move(value)](const Json& given) -> std::optional<std::string> {
            if (!(given == value)) return std::nullopt;
            return "value must not be " + plain_text(value);
          }};
}

Rule must_be_null() {
  Rule rule = equal_to(nullptr);
  rule.sees_null = true;
  return rule;
}

Rule required() {
  return {.name = "required",
          .argument = true,
          .broken = [](const Json& value) -> std::optional<std::string> {
            if (!value.is_null()) return std::nullopt;
            return "required field missing";
          },
          .sees_null = true,
          .message = {}};
}

Rule one_of(Json::Array values) {
  Json argument = values;
  return {"one_of", std::move(argument), [values = std::move(values)](const Json& given) -> std::optional<std::string> {
            if (std::ranges::find(values, given) != values.end()) return std::nullopt;
            return "expected one of: " + comma_list(values);
          }};
}

Rule one_of(Names values) {
  return one_of(to_array(values));
}

Rule not_one_of(Names names) {
  Json::Array values = to_array(names);
  Json argument = values;
  return {"not_one_of", std::move(argument),
          [values = std::move(values)](const Json& given) -> std::optional<std::string> {
            if (std::ranges::find(values, given) == values.end()) return std::nullopt;
            return "must not be one of: " + comma_list(values);
          }};
}

Rule greater_than(double bound) {
  return {"gt", number_argument(bound), [bound](const Json& value) -> std::optional<std::string> {
            if (value.number() > bound) return std::nullopt;
            return "value must be greater than " + number_text(bound);
          }};
}

Rule between(double low, double high) {
  return {"between", Json::Array{number_argument(low), number_argument(high)},
          [=](const Json& value) -> std::optional<std::string> {
            if (value.number() >= low && value.number() <= high) return std::nullopt;
            return fmt::format("value should be between {} and {}", number_text(low), number_text(high));
          }};
}

Rule port() {
  return between(0, 65535);
}

Rule timeout() {
  return between(0, 2147483646);
}

Rule timestamp() {
  return {"timestamp", true, [](const Json& value) -> std::optional<std::string> {
            if (value.is_number() && value.number() > 0) return std::nullopt;
            return "expected a valid timestamp";
          }};
}

Rule len_eq(std::size_t n) {
  return length_rule("len_eq", n, fmt::format("length must be {}", n), [n](std::size_t size) { return size == n; });
}

Rule len_min(std::size_t n) {
  return length_rule("len_min", n, fmt::format("length must be at least {}", n),
                     [n](std::size_t size) { return size >= n; });
}

Rule len_max(std::size_t n) {
  return length_rule("len_max", n, fmt::format("length must be at most {}", n),
                     [n](std::size_t size) { return size <= n; });
}

Rule contains(Json value) {
  Json argument = value;
  return {"contains", std::move(argument), [value = std::move(value)](const Json& given) -> std::optional<std::string> {
            if (given.is_array() && std::ranges::find(given.as_array(), value) != given.as_array().end()) {
              return std::nullopt;
            }
            return "expected to contain: " + plain_text(value);
          }};
}

Rule elements(Rule rule) {
  Json argument = Json::Object{{"type", "string"}, {rule.name, rule.argument}};
  return {"elements", std::move(argument), [rule = std::move(rule)](const Json& given) -> std::optional<std::string> {
            if (!given.is_array()) return "expected an array";
            for (const auto& item : given.as_array()) {
              if (auto problem = rule.check(item)) return problem;
            }
            return std::nullopt;
          }};
}

Rule mutually_exclusive_subsets(std::vector<std::vector<std::string>> groups) {
  Json::Array argument;
  for (const auto& group : groups) {
    Json::Array names(group.begin(), group.end());
    argument.emplace_back(std::move(names));
  }
  auto check = [groups = std::move(groups)](const Json& given) -> std::optional<std::string> {
    std::vector<std::string> used;
    for (const auto& group : groups) {
      std::vector<std::string> found;
      for (const auto& item : given.as_array()) {
        if (item.is_string() && std::ranges::find(group, item.as_string()) != group.end()) {
          found.push_back('\'' + item.as_string() + '\'');
        }
      }
      if (!found.empty()) used.push_back(fmt::format("({})", fmt::join(found, ", ")));
    }
    if (used.size() < 2) return std::nullopt;
    return fmt::format("these sets are mutually exclusive: {}", fmt::join(used, ", "));
  };
  return {"mutually_exclusive_subsets", std::move(argument), std::move(check)};
}

Rule custom(std::function<std::optional<std::string>(const Json&)> check) {
  return {{}, {}, std::move(check)};
}

bool is_reference(std::string_view text) {
  constexpr std::string_view kStart = "{vault://";
  if (!text.starts_with(kStart) || !text.ends_with('}')) return false;
  text.remove_prefix(kStart.size());
  text.remove_suffix(1);
  // A name and a resource, "env/my-secret"; options and keys are looked at when the reference is resolved.
  const auto slash = text.find('/');
  return slash != std::string_view::npos && slash > 0 && slash + 1 < text.size();
}

}  // namespace sluice::schema
