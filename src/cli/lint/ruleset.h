// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/json_path.h"
#include "cli/lint/functions.h"

namespace sluice::cli::lint {

/// Worst first.
enum class Severity : std::uint8_t { Error, Warn, Info, Hint, Off };
Result<Severity> parse_severity(const Json& value);
std::string_view to_string(Severity severity);

struct Finding {
  std::string rule;
  Severity severity = Severity::Warn;
  std::string message;
  std::string where;  // `services[0].protocol`, `$` for the document
};

/// Rules in Spectral's form: `rules`, `extends` (files), `aliases`.
class Ruleset {
 public:
  /// A file with the rule files that it extends. Errors name file and rule.
  static Result<Ruleset> load(const std::string& path);

  /// Everything found, by place in the document within each rule. The document is only read.
  [[nodiscard]] std::vector<Finding> lint(Json& document) const;

 private:
  struct Check {
    std::string field;  // empty: the selected value; "@key": the names of its members; a path; a member's name
    Function function;
  };
  struct Rule {
    std::string description;
    std::string message;
    Severity severity = Severity::Warn;
    std::vector<JsonPath> given;
    std::vector<Check> checks;
  };

  Result<> add_file(const std::string& path, int depth);
  Result<> add_rule(const std::string& name, const Json& description);
  Result<> add_given(Rule& rule, const Json& given);
  static Result<> add_check(Rule& rule, const Json& then);
  static void judge(const std::string& name, const Rule& rule, const PathMatch& match, Json& document,
                    std::vector<Finding>& out);

  std::map<std::string, Rule> rules_;
  std::map<std::string, std::vector<std::string>> aliases_;
};

}  // namespace sluice::cli::lint
