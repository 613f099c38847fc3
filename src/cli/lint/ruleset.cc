// SPDX-License-Identifier: Apache-2.0
#include "cli/lint/ruleset.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/files.h"

namespace sluice::cli::lint {
namespace {

constexpr int kMaxExtends = 16;

std::string text_of(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

std::string where_of(std::vector<schema::PathPart> path) {
  return PathMatch{nullptr, std::move(path), {}}.where();
}

/// Fills in `{{error}}`, `{{property}}`, `{{path}}`, `{{value}}` and `{{description}}`.
std::string message_of(const std::string& pattern, const std::map<std::string, std::string>& values) {
  std::string message = pattern;
  for (const auto& [name, value] : values) {
    const std::string hole = "{{" + name + "}}";
    for (std::size_t at = message.find(hole); at != message.npos; at = message.find(hole, at + value.size())) {
      message.replace(at, hole.size(), value);
    }
  }
  return message;
}

/// The list itself, or the one value.
std::vector<Json> as_list(const Json& value) {
  return value.is_array() ? value.as_array() : std::vector<Json>{value};
}

}  // namespace

Result<Severity> parse_severity(const Json& value) {
  if (value.is_int() && value.as_int() >= 0 && value.as_int() <= 3) return static_cast<Severity>(value.as_int());
  if (value.is_bool()) return value.as_bool() ? Severity::Warn : Severity::Off;
  const std::string text = value.is_string() ? value.as_string() : to_json(value);
  for (const Severity severity : {Severity::Error, Severity::Warn, Severity::Info, Severity::Hint, Severity::Off}) {
    if (text == to_string(severity)) return severity;
  }
  return fail(Errc::Invalid, "unknown severity '" + text + "': expected error, warn, info, hint or off");
}

std::string_view to_string(Severity severity) {
  constexpr std::string_view kNames[] = {"error", "warn", "info", "hint", "off"};
  return kNames[static_cast<std::size_t>(severity)];
}

Result<Ruleset> Ruleset::load(const std::string& path) {
  Ruleset ruleset;
  TRY(ruleset.add_file(path, 0));
  if (ruleset.rules_.empty()) return fail(Errc::Invalid, path + ": there are no rules");
  return ruleset;
}

Result<> Ruleset::add_file(const std::string& path, int depth) {
  if (depth > kMaxExtends) return fail(Errc::Invalid, path + ": extends itself");
  TRY(const Json file, read_document(path));
  if (const Json* extends = file.find("extends")) {
    for (const Json& entry : as_list(*extends)) {
      const Json& name = entry.is_array() && !entry.as_array().empty() ? entry.as_array().front() : entry;
      if (!name.is_string() || name.as_string().starts_with("spectral:")) {
        return fail(Errc::Unsupported, path + ": extends: only files can be extended, not " + to_json(name));
      }
      const std::filesystem::path other = std::filesystem::path(path).parent_path() / name.as_string();
      TRY(add_file(other.string(), depth + 1));
    }
  }
  if (const Json* aliases = file.find("aliases"); aliases != nullptr && aliases->is_object()) {
    for (const auto& [name, value] : aliases->as_object()) {
      auto& paths = aliases_["#" + name];
      for (const Json& one : as_list(value)) paths.push_back(one.is_string() ? one.as_string() : to_json(one));
    }
  }
  const Json* rules = file.find("rules");
  if (rules == nullptr) return {};
  if (!rules->is_object()) return fail(Errc::Invalid, path + ": rules: expected an object");
  for (const auto& [name, description] : rules->as_object()) {
    auto added = add_rule(name, description);
    if (!added) return fail(path + ": rule " + name + ": ", added.error());
  }
  return {};
}

Result<> Ruleset::add_rule(const std::string& name, const Json& description) {
  if (!description.is_object()) {  // a rule of an extended file gets another severity
    const auto at = rules_.find(name);
    if (at == rules_.end()) return fail(Errc::Invalid, "there is no such rule to change");
    TRY(at->second.severity, parse_severity(description));
    return {};
  }
  Rule rule;
  rule.description = text_of(description, "description");
  rule.message = text_of(description, "message");
  if (rule.message.empty()) rule.message = rule.description.empty() ? "{{error}}" : "{{description}}";
  if (const Json* severity = description.find("severity")) {
    TRY(rule.severity, parse_severity(*severity));
  }
  const Json* recommended = description.find("recommended");
  if (recommended != nullptr && recommended->is_bool() && !recommended->as_bool()) rule.severity = Severity::Off;
  const Json* given = description.find("given");
  const Json* then = description.find("then");
  if (given == nullptr) return fail(Errc::Invalid, "given: required field missing");
  if (then == nullptr) return fail(Errc::Invalid, "then: required field missing");
  for (const Json& one : as_list(*given)) {
    TRY(add_given(rule, one));
  }
  for (const Json& one : as_list(*then)) {
    TRY(add_check(rule, one));
  }
  rules_[name] = std::move(rule);
  return {};
}

Result<> Ruleset::add_given(Rule& rule, const Json& given) {
  if (!given.is_string()) return fail(Errc::Invalid, "given: expected a path");
  const std::string& text = given.as_string();
  if (!text.starts_with('#')) {
    TRY(JsonPath path, JsonPath::parse(text));
    rule.given.push_back(std::move(path));
    return {};
  }
  const std::string name = text.substr(0, text.find_first_of(".[~^"));
  const auto at = aliases_.find(name);
  if (at == aliases_.end()) return fail(Errc::Invalid, "given: there is no alias " + name);
  for (const std::string& start : at->second) {
    TRY(JsonPath path, JsonPath::parse(start + text.substr(name.size())));
    rule.given.push_back(std::move(path));
  }
  return {};
}

Result<> Ruleset::add_check(Rule& rule, const Json& then) {
  const std::string function = text_of(then, "function");
  if (function.empty()) return fail(Errc::Invalid, "then.function: required field missing");
  const Json* options = then.find("functionOptions");
  Check check;
  check.field = text_of(then, "field");
  TRY(check.function, make_function(function, options != nullptr ? *options : Json::object()));
  if (check.field.starts_with('$')) {
    TRY(JsonPath::parse(check.field));  // so that it cannot fail later
  }
  rule.checks.push_back(std::move(check));
  return {};
}

std::vector<Finding> Ruleset::lint(Json& document) const {
  std::vector<Finding> findings;
  for (const auto& [name, rule] : rules_) {
    if (rule.severity == Severity::Off) continue;
    for (const JsonPath& path : rule.given) {
      for (const PathMatch& match : path.select(document)) judge(name, rule, match, document, findings);
    }
  }
  return findings;
}

void Ruleset::judge(const std::string& name, const Rule& rule, const PathMatch& match, Json& document,
                    std::vector<Finding>& out) {
  const auto apply = [&](const Check& check, const Json* value, std::vector<schema::PathPart> path) {
    Subject subject{value, {}, &document};
    if (!path.empty()) subject.name = path.back().is_index ? std::to_string(path.back().index) : path.back().name;
    for (Remark& remark : check.function(subject)) {
      auto full = path;
      std::ranges::move(remark.path, std::back_inserter(full));
      const std::string where = where_of(std::move(full));
      std::map<std::string, std::string> values = {{"error", std::move(remark.message)},
                                                   {"property", subject.name},
                                                   {"path", where},
                                                   {"description", rule.description},
                                                   {"value", value != nullptr ? to_json(*value) : ""}};
      out.push_back({name, rule.severity, message_of(rule.message, values), where});
    }
  };
  for (const Check& check : rule.checks) {
    if (match.value == nullptr) {
      const Json own_name(match.name);
      apply(check, &own_name, match.path);
    } else if (check.field.empty()) {
      apply(check, match.value, match.path);
    } else if (check.field == "@key") {
      if (!match.value->is_object()) continue;
      for (const auto& [member, value] : match.value->as_object()) {
        const Json member_name(member);
        auto path = match.path;
        path.push_back({member, 0, false});
        apply(check, &member_name, std::move(path));
      }
    } else if (check.field.starts_with('$')) {
      for (const PathMatch& inner : JsonPath::parse(check.field)->select(*match.value)) {
        auto path = match.path;
        path.insert(path.end(), inner.path.begin(), inner.path.end());
        apply(check, inner.value, std::move(path));
      }
    } else {
      auto path = match.path;
      const Json* value = match.value;
      for (std::size_t from = 0; from <= check.field.size();) {  // "a.b" reaches into a
        const std::size_t dot = std::min(check.field.find('.', from), check.field.size());
        const std::string part = check.field.substr(from, dot - from);
        value = value != nullptr ? value->find(part) : nullptr;
        path.push_back({part, 0, false});
        from = dot + 1;
      }
      apply(check, value, std::move(path));
    }
  }
}

}  // namespace sluice::cli::lint
