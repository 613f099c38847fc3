// SPDX-License-Identifier: Apache-2.0
#include "schema/entity_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace sluice::schema {
namespace {

std::string quoted_list(const FieldNames& names) {
  std::string result;
  for (const auto& name : names) {
    if (!result.empty()) result += ", ";
    result += '\'' + name + '\'';
  }
  return result;
}

Json name_array(const FieldNames& names) {
  Json::Array items;
  for (const auto& name : names) items.emplace_back(name);
  return items;
}

bool any(const CheckInput& input, const FieldNames& names) {
  return std::ranges::any_of(names, [&](const std::string& name) { return input.has(name); });
}

FieldNames present(const CheckInput& input, const FieldNames& names) {
  FieldNames result;
  std::ranges::copy_if(names, std::back_inserter(result), [&](const std::string& name) { return input.has(name); });
  return result;
}

std::string with_argument(std::string text, std::string_view argument) {
  if (const auto at = text.find("%s"); at != std::string::npos) text.replace(at, 2, argument);
  return text;
}

/// Reports at a field named by a dotted path below the checked record.
void add_at(const CheckInput& input, std::string_view dotted, std::string message, Violations& violations) {
  Violation violation;
  violation.message = std::move(message);
  std::string_view rest = dotted;
  while (!rest.empty()) {
    const auto dot = rest.find('.');
    violation.path.push_back({std::string(rest.substr(0, dot)), 0, false});
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  }
  Violations one;
  one.add(std::move(violation));
  violations.merge(input.path, std::move(one));
}

bool is_secret_reference(const Json* value) {
  return value != nullptr && value->is_string() && is_reference(value->as_string());
}

bool satisfies(const Rule& rule, const Json* value) {
  static const Json kNull;
  if (value == nullptr) return rule.sees_null && !rule.check(kNull);
  return !rule.check(*value);
}

Json rule_object(const Rule& rule) {
  Json::Object result;
  if (!rule.name.empty()) result.set(rule.name, rule.argument);
  return result;
}

std::string at_least_message(const CheckInput& input, const std::string& list) {
  return (input.updating ? "when updating, " : "") + ("at least one of these fields must be non-empty: " + list);
}

}  // namespace

const Json* CheckInput::find(std::string_view dotted) const {
  std::string_view rest = dotted;
  if (!prefix.empty() && rest.starts_with(prefix)) rest.remove_prefix(prefix.size());
  const Json::Object* at = &document;
  while (true) {
    const auto dot = rest.find('.');
    const Json* value = at->find(rest.substr(0, dot));
    if (value == nullptr || value->is_null()) return nullptr;
    if (dot == std::string_view::npos) return value;
    if (!value->is_object()) return nullptr;
    at = &value->as_object();
    rest.remove_prefix(dot + 1);
  }
}

bool CheckInput::has(std::string_view dotted) const {
  const Json* value = find(dotted);
  if (value == nullptr) return false;
  if (value->is_string()) return !value->as_string().empty();
  if (value->is_array()) return !value->as_array().empty();
  if (value->is_object()) return !value->as_object().empty();
  return true;
}

EntityCheck at_least_one_of(FieldNames names) {
  Json argument = name_array(names);
  return {.name = "at_least_one_of",
          .argument = std::move(argument),
          .run = [names = std::move(names)](const CheckInput& input, Violations& violations) {
            if (!any(input, names)) violations.add_entity(input.path, at_least_message(input, quoted_list(names)));
          }};
}

EntityCheck only_one_of(FieldNames names) {
  Json argument = name_array(names);
  return {.name = "only_one_of",
          .argument = std::move(argument),
          .run = [names = std::move(names)](const CheckInput& input, Violations& violations) {
            if (present(input, names).size() == 1) return;
            violations.add_entity(input.path, "exactly one of these fields must be non-empty: " + quoted_list(names));
          }};
}

EntityCheck mutually_required(FieldNames names) {
  Json argument = name_array(names);
  FieldNames sources = names;
  return {.name = "mutually_required",
          .argument = std::move(argument),
          .run =
              [names = std::move(names)](const CheckInput& input, Violations& violations) {
                const auto given = present(input, names).size();
                if (given == 0 || given == names.size()) return;
                violations.add_entity(input.path, "all or none of these fields must be set: " + quoted_list(names));
              },
          .sources = std::move(sources),
          .only_when_valid = true};
}

EntityCheck mutually_exclusive(FieldNames names) {
  Json argument = name_array(names);
  FieldNames sources = names;
  return {.name = "mutually_exclusive",
          .argument = std::move(argument),
          .run =
              [names = std::move(names)](const CheckInput& input, Violations& violations) {
                if (present(input, names).size() <= 1) return;
                violations.add_entity(input.path,
                                      "only one or none of these fields must be set: " + quoted_list(names));
              },
          .sources = std::move(sources),
          .only_when_valid = true};
}

EntityCheck mutually_exclusive_sets(FieldNames set1, FieldNames set2) {
  Json argument = Json::Object{{"set1", name_array(set1)}, {"set2", name_array(set2)}};
  FieldNames sources = set1;
  sources.insert(sources.end(), set2.begin(), set2.end());
  return {.name = "mutually_exclusive_sets",
          .argument = std::move(argument),
          .run =
              [set1 = std::move(set1), set2 = std::move(set2)](const CheckInput& input, Violations& violations) {
                const auto first = present(input, set1);
                const auto second = present(input, set2);
                if (first.empty() || second.empty()) return;
                violations.add_entity(input.path, fmt::format("these sets are mutually exclusive: ({}), ({})",
                                                              quoted_list(first), quoted_list(second)));
              },
          .sources = std::move(sources),
          .only_when_valid = true};
}

EntityCheck distinct(FieldNames names) {
  Json argument = name_array(names);
  return {.name = "distinct",
          .argument = std::move(argument),
          .run = [names = std::move(names)](const CheckInput& input, Violations& violations) {
            std::vector<const Json*> seen;
            for (const auto& name : names) {
              if (!input.has(name)) continue;
              const Json* value = input.find(name);
              if (std::ranges::any_of(seen, [&](const Json* other) { return *other == *value; })) {
                violations.add_entity(input.path, "values of these fields must be distinct: " + quoted_list(names));
                return;
              }
              seen.push_back(value);
            }
          }};
}

EntityCheck conditional(std::string if_field, Rule if_match, std::string then_field, Rule then_match,
                        std::optional<std::string> then_err) {
  Json argument = Json::Object{{"if_field", if_field},
                               {"if_match", rule_object(if_match)},
                               {"then_field", then_field},
                               {"then_match", rule_object(then_match)}};
  if (then_err) argument.as_object().set("then_err", *then_err);
  return {.name = "conditional",
          .argument = std::move(argument),
          .run = [=](const CheckInput& input, Violations& violations) {
            static const Json kNull;
            const Json* if_value = input.find(if_field);
            const Json* then_value = input.find(then_field);
            if (is_secret_reference(if_value) || is_secret_reference(then_value)) return;
            if (!satisfies(if_match, if_value)) return;
            auto problem = then_match.check(then_value != nullptr ? *then_value : kNull);
            if (!problem) return;
            add_at(input, then_field, std::move(*problem), violations);
            violations.add_entity(
                input.path, then_err
                                ? with_argument(*then_err, if_field)
                                : fmt::format("failed conditional validation given value of field '{}'", if_field));
          }};
}

EntityCheck conditional_at_least_one_of(std::string if_field, ConditionalFields then,
                                        std::optional<ConditionalFields> otherwise) {
  Json argument = Json::Object{{"if_field", if_field},
                               {"if_match", rule_object(then.match)},
                               {"then_at_least_one_of", name_array(then.at_least_one_of)}};
  if (then.err) argument.as_object().set("then_err", *then.err);
  if (otherwise) {
    argument.as_object().set("else_match", rule_object(otherwise->match));
    argument.as_object().set("else_then_at_least_one_of", name_array(otherwise->at_least_one_of));
    if (otherwise->err) argument.as_object().set("else_then_err", *otherwise->err);
  }
  return {.name = "conditional_at_least_one_of",
          .argument = std::move(argument),
          .run = [=](const CheckInput& input, Violations& violations) {
            const Json* value = input.find(if_field);
            if (value == nullptr) return;
            const ConditionalFields* wanted = &then;
            if (!satisfies(then.match, value)) {
              if (!otherwise || !satisfies(otherwise->match, value)) return;
              wanted = &*otherwise;
            }
            if (any(input, wanted->at_least_one_of)) return;
            const std::string list = quoted_list(wanted->at_least_one_of);
            violations.add_entity(input.path,
                                  wanted->err ? with_argument(*wanted->err, list) : at_least_message(input, list));
          }};
}

EntityCheck custom_check(std::function<std::optional<std::string>(const CheckInput&)> check) {
  return custom_check_all([check = std::move(check)](const CheckInput& input, Violations& violations) {
    if (auto problem = check(input)) violations.add_entity(input.path, std::move(*problem));
  });
}

EntityCheck custom_check_all(std::function<void(const CheckInput&, Violations&)> check) {
  return {.name = {}, .argument = {}, .run = std::move(check), .sources = {}, .only_when_valid = true};
}

}  // namespace sluice::schema
