// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace sluice::schema {

/// What a value of one field must be. A rule looks at values of the field's own type only and, unless `sees_null`,
/// never at null. Several rules of a field run in Kong's order of validators; the first that is broken is reported.
struct Rule {
  std::string name;  // as `/schemas` calls it, e.g. "between"; empty for a function, which is not shown
  Json argument;     // as `/schemas` prints it
  std::function<std::optional<std::string>(const Json&)> broken;  // what is wrong, or nothing
  bool sees_null = false;
  std::optional<std::string> message = {};  // replaces the standard one

  /// The same rule with another message.
  [[nodiscard]] Rule err(std::string text) && {
    message = std::move(text);
    return std::move(*this);
  }
  /// What is wrong with `value` in the words of this rule.
  [[nodiscard]] std::optional<std::string> check(const Json& value) const;
};

using Names = std::initializer_list<std::string_view>;
using TextTest = std::function<bool(std::string_view)>;
/// What is wrong with a text, or nothing.
using TextCheck = std::function<std::optional<std::string>(std::string_view)>;

// Values ------------------------------------------------------------------------------------------------------------
Rule equal_to(Json value);
Rule not_equal_to(Json value);
Rule must_be_null();  // also for conditional(..., then): `value must be null`
Rule required();      // for conditional(..., then): `required field missing`
Rule one_of(Names values);
Rule one_of(Json::Array values);
Rule not_one_of(Names values);

// Numbers -----------------------------------------------------------------------------------------------------------
Rule greater_than(double bound);
Rule between(double low, double high);
Rule port();       // 0..65535
Rule timeout();    // milliseconds, 0..2^31-2
Rule timestamp();  // greater than 0

// Lengths: characters of a string as octets, elements of an array or set, entries of a map
// -----------------------------
Rule len_eq(std::size_t n);
Rule len_min(std::size_t n);
Rule len_max(std::size_t n);
inline Rule non_empty() {
  return len_min(1);
}

// Strings -----------------------------------------------------------------------------------------------------------
Rule starts_with(std::string prefix);
/// `invalid value: <text>` unless the test says yes. `pattern` is what `/schemas` shows as "match"; may be empty.
Rule match(TextTest test, std::string pattern = {});
Rule match_none(TextTest test, std::string message);
/// Any check that words its own message.
Rule text(TextCheck check);
Rule is_regex();  // RE2 syntax, in which `(?<n>` may be written for `(?P<n>`
Rule is_regex(TextTest compiles);
Rule uuid();
Rule header_name();
Rule cookie_name();
Rule http_method();  // upper-case letters
Rule path();         // starts with '/', no empty segments, RFC 3986 characters, valid percent-encoding
Rule url();          // has a scheme and a host
Rule host();         // name or address, no port
Rule host_with_optional_port();
Rule wildcard_host();  // host in which the first or last label may be '*'
Rule sni();            // name, neither address nor port
Rule wildcard_sni();
Rule ip();
Rule cidr();
Rule ip_or_cidr();
Rule utf8_name();
Rule tag();
Rule lua_code();  // accepts any text: code is compiled where it runs

// Arrays, sets, maps ------------------------------------------------------------------------------------------------
Rule contains(Json value);
/// Every element passes `rule`; only for conditional(..., if): a field's own elements carry their rules in .each().
Rule elements(Rule rule);
/// At most one of the groups has elements in the set.
Rule mutually_exclusive_subsets(std::vector<std::vector<std::string>> groups);

// Anything ----------------------------------------------------------------------------------------------------------
Rule custom(std::function<std::optional<std::string>(const Json&)> check);

/// The position of a rule in Kong's order of validators, by its name.
int rule_order(std::string_view name);
/// `a, b, c`, as messages print lists of values.
std::string comma_list(const Json::Array& values);

/// Whether the text is a reference to a secret, `{vault://name/resource...}`.
bool is_reference(std::string_view text);

}  // namespace sluice::schema
