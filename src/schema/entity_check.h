// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "schema/rule.h"
#include "schema/violations.h"

namespace sluice::schema {

/// What a rule over several fields sees: the record with its defaults filled in.
struct CheckInput {
  const Json::Object& document;
  const PathView& path;
  bool updating = false;    // messages differ when an entity is changed in part
  std::string_view prefix;  // names start with it although the document is the thing it names: "config."

  /// The value at a dotted name; null when it is absent or null.
  [[nodiscard]] const Json* find(std::string_view dotted) const;
  /// Neither absent nor null nor an empty string, array or map.
  [[nodiscard]] bool has(std::string_view dotted) const;
};

/// A rule over several fields of a record. Dotted names reach into records.
struct EntityCheck {
  std::string name;  // as `/schemas` calls it; empty for a function, which is not shown
  Json argument;
  std::function<void(const CheckInput&, Violations&)> run;
  std::vector<std::string> sources = {};  // the fields it reads; none means all
  bool only_when_valid = false;           // not run when one of its sources is already reported
};

using FieldNames = std::vector<std::string>;

EntityCheck at_least_one_of(FieldNames names);
EntityCheck only_one_of(FieldNames names);
EntityCheck mutually_required(FieldNames names);
EntityCheck mutually_exclusive(FieldNames names);
EntityCheck mutually_exclusive_sets(FieldNames set1, FieldNames set2);
EntityCheck distinct(FieldNames names);

/// When `if_field` satisfies `if_match`, `then_field` must satisfy `then_match`.
EntityCheck conditional(std::string if_field, Rule if_match, std::string then_field, Rule then_match,
                        std::optional<std::string> then_err = {});

/// When `if_field` satisfies `if_match`, one of `then_fields` must be there; `%s` in the message is their list. With
/// `otherwise`, the same again for values that do not satisfy `if_match`.
struct ConditionalFields {
  Rule match;
  FieldNames at_least_one_of;
  std::optional<std::string> err = {};
};
EntityCheck conditional_at_least_one_of(std::string if_field, ConditionalFields then,
                                        std::optional<ConditionalFields> otherwise = {});

/// Says what is wrong with the whole record, or nothing.
EntityCheck custom_check(std::function<std::optional<std::string>(const CheckInput&)> check);
/// The same for checks that report several things, or about single fields.
EntityCheck custom_check_all(std::function<void(const CheckInput&, Violations&)> check);

}  // namespace sluice::schema
