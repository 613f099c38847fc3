// SPDX-License-Identifier: Apache-2.0
#include "cli/lint/functions.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/strings.h"
#include "cli/lint/json_schema.h"
#include "expr/regex.h"

namespace sluice::cli::lint {
namespace {

using Remarks = std::vector<Remark>;
using Make = Result<Function> (*)(const Json& options);

std::string quoted(const Subject& subject) {
  return "\"" + subject.name + "\"";
}

bool is_falsy(const Json* value) {
  if (value == nullptr || value->is_null()) return true;
  if (value->is_bool()) return !value->as_bool();
  if (value->is_number()) return value->number() == 0;
  return value->is_string() && value->as_string().empty();
}

Remarks unless(bool fine, std::string message) {
  return fine ? Remarks{} : Remarks{{std::move(message)}};
}

// Presence
// -------------------------------------------------------------------------------------------------------------------

Result<Function> make_truthy(const Json&) {
  return [](const Subject& s) { return unless(!is_falsy(s.value), quoted(s) + " property must be truthy"); };
}
Result<Function> make_falsy(const Json&) {
  return [](const Subject& s) { return unless(is_falsy(s.value), quoted(s) + " property must be falsy"); };
}
Result<Function> make_defined(const Json&) {
  return [](const Subject& s) { return unless(s.value != nullptr, quoted(s) + " property must be defined"); };
}
Result<Function> make_undefined(const Json&) {
  return [](const Subject& s) { return unless(s.value == nullptr, quoted(s) + " property must be undefined"); };
}

Result<std::vector<std::string>> property_names(const Json& options) {
  const Json* list = options.find("properties");
  if (list == nullptr || !list->is_array() || list->as_array().size() < 2) {
    return fail(Errc::Invalid, "functionOptions.properties: expected two names or more");
  }
  std::vector<std::string> names;
  for (const Json& name : list->as_array()) names.push_back(name.is_string() ? name.as_string() : to_json(name));
  return names;
}

Result<Function> make_count_of(const Json& options, bool exactly_one) {
  TRY(auto names, property_names(options));
  return [names = std::move(names), exactly_one](const Subject& s) -> Remarks {
    if (s.value == nullptr || !s.value->is_object()) return {};
    const auto present = std::ranges::count_if(names, [&](const auto& name) { return s.value->find(name) != nullptr; });
    const std::string list = "\"" + join(names, "\", \"") + "\"";
    if (exactly_one) return unless(present == 1, "exactly one of " + list + " must be defined");
    return unless(present > 0, "at least one of " + list + " must be defined");
  };
}
Result<Function> make_xor(const Json& options) {
  return make_count_of(options, true);
}
Result<Function> make_or(const Json& options) {
  return make_count_of(options, false);
}

// Values
// -------------------------------------------------------------------------------------------------------------------

Result<Function> make_enumeration(const Json& options) {
  const Json* values = options.find("values");
  if (values == nullptr || !values->is_array()) return fail(Errc::Invalid, "functionOptions.values: expected an array");
  return [values = values->as_array()](const Subject& s) -> Remarks {
    if (s.value == nullptr || s.value->is_object() || s.value->is_array()) return {};
    return unless(std::ranges::find(values, *s.value) != values.end(),
                  to_json(*s.value) + " must be equal to one of the allowed values: " + to_json(Json(values)));
  };
}

Result<Function> make_length(const Json& options) {
  const Json* least = options.find("min");
  const Json* most = options.find("max");
  const auto is_limit = [](const Json* limit) { return limit == nullptr || limit->is_number(); };
  if ((least == nullptr && most == nullptr) || !is_limit(least) || !is_limit(most)) {
    return fail(Errc::Invalid, "functionOptions: expected min, max or both, as numbers");
  }
  const double minimum = least != nullptr ? least->number() : 0;
  const double maximum = most != nullptr ? most->number() : 1e300;
  return [minimum, maximum](const Subject& s) -> Remarks {
    if (s.value == nullptr) return {};
    double size = 0;
    if (s.value->is_string()) {
      size = static_cast<double>(s.value->as_string().size());
    } else if (s.value->is_array()) {
      size = static_cast<double>(s.value->as_array().size());
    } else if (s.value->is_object()) {
      size = static_cast<double>(s.value->as_object().size());
    } else if (s.value->is_number()) {
      size = s.value->number();
    } else {
      return {};
    }
    if (size < minimum) return {{quoted(s) + " must be longer than " + to_json(Json(minimum))}};
    return unless(size <= maximum, quoted(s) + " must be shorter than " + to_json(Json(maximum)));
  };
}

/// `/pattern/flags` or a bare pattern; null for an absent one.
Result<expr::RegexRef> regex_of(const Json* option) {
  if (option == nullptr) return expr::RegexRef{};
  if (!option->is_string()) return fail(Errc::Invalid, "functionOptions: a pattern is a string");
  std::string pattern = option->as_string();
  if (const std::size_t end = pattern.rfind('/'); pattern.starts_with('/') && end > 0) {
    const bool ignore_case = pattern.find('i', end) != std::string::npos;
    pattern = (ignore_case ? "(?i)" : "") + pattern.substr(1, end - 1);
  }
  return expr::Regex::compile(pattern, expr::RegexDialect::Rust);
}

Result<Function> make_pattern(const Json& options) {
  const Json* wanted = options.find("match");
  const Json* unwanted = options.find("notMatch");
  if (wanted == nullptr && unwanted == nullptr)
    return fail(Errc::Invalid, "functionOptions: expected match or notMatch");
  TRY(const auto match, regex_of(wanted));
  TRY(const auto avoid, regex_of(unwanted));
  return [match, avoid](const Subject& s) -> Remarks {
    if (s.value == nullptr || !s.value->is_string()) return {};
    const std::string& text = s.value->as_string();
    const auto found = [&](const expr::RegexRef& regex) {
      return regex->search(text, expr::Anchor::None) == expr::Matched::Yes;
    };
    Remarks remarks;
    if (match && !found(match))
      remarks.push_back({"\"" + text + "\" must match the pattern \"" + match->pattern() + "\""});
    if (avoid && found(avoid))
      remarks.push_back({"\"" + text + "\" must not match the pattern \"" + avoid->pattern() + "\""});
    return remarks;
  };
}

Result<Function> make_casing(const Json& options) {
  static const std::map<std::string, std::pair<std::string, std::string>, std::less<>> kShapes = {
      {"flat", {"[a-z][a-z{d}]*", "[a-z{d}]+"}},
      {"camel", {"[a-z][a-z{d}]*(?:[A-Z{d}](?:[a-z{d}]+|$))*", "[A-Za-z{d}]+"}},
      {"pascal", {"[A-Z][a-z{d}]*(?:[A-Z{d}](?:[a-z{d}]+|$))*", "[A-Za-z{d}]+"}},
      {"kebab", {"[a-z][a-z{d}]*(?:-[a-z{d}]+)*", "[a-z{d}-]+"}},
      {"cobol", {"[A-Z][A-Z{d}]*(?:-[A-Z{d}]+)*", "[A-Z{d}-]+"}},
      {"snake", {"[a-z][a-z{d}]*(?:_[a-z{d}]+)*", "[a-z{d}_]+"}},
      {"macro", {"[A-Z][A-Z{d}]*(?:_[A-Z{d}]+)*", "[A-Z{d}_]+"}},
  };
  const Json* type = options.find("type");
  const auto at = type != nullptr && type->is_string() ? kShapes.find(type->as_string()) : kShapes.end();
  if (at == kShapes.end()) {
    return fail(Errc::Invalid, "functionOptions.type: expected flat, camel, pascal, kebab, cobol, snake or macro");
  }
  const Json* no_digits = options.find("disallowDigits");
  const bool digits = no_digits == nullptr || !no_digits->is_bool() || !no_digits->as_bool();
  std::string shape = at->second.first;
  for (std::size_t i = shape.find("{d}"); i != shape.npos; i = shape.find("{d}"))
    shape.replace(i, 3, digits ? "0-9" : "");
  std::string pattern = "^" + shape + "$";
  const Json* separator = options.find("separator");
  const Json* mark = separator != nullptr ? separator->find("char") : nullptr;
  if (mark != nullptr && mark->is_string() && mark->as_string().size() == 1) {
    const Json* leading = separator->find("allowLeading");
    const std::string sign = "\\x" + to_hex(mark->as_string());
    const bool may_lead = leading != nullptr && leading->is_bool() && leading->as_bool();
    pattern = "^" + (may_lead ? sign + "?" : std::string()) + "(?:" + shape + ")(?:" + sign + "(?:" + shape + "))*$";
  }
  TRY(const auto regex, expr::Regex::compile(pattern, expr::RegexDialect::Rust));
  return [regex, name = at->first](const Subject& s) -> Remarks {
    if (s.value == nullptr || !s.value->is_string() || s.value->as_string().empty()) return {};
    return unless(regex->search(s.value->as_string(), expr::Anchor::None) == expr::Matched::Yes,
                  "\"" + s.value->as_string() + "\" must be " + name + " case");
  };
}

Result<Function> make_alphabetical(const Json& options) {
  const Json* key = options.find("keyedBy");
  std::string keyed_by = key != nullptr && key->is_string() ? key->as_string() : "";
  return [keyed_by = std::move(keyed_by)](const Subject& s) -> Remarks {
    std::vector<std::string> texts;
    if (s.value != nullptr && s.value->is_object()) {
      for (const auto& [name, value] : s.value->as_object()) texts.push_back(name);
    } else if (s.value != nullptr && s.value->is_array()) {
      for (const Json& element : s.value->as_array()) {
        const Json* text = keyed_by.empty() ? &element : element.find(keyed_by);
        texts.push_back(text == nullptr ? "" : text->is_string() ? text->as_string() : to_json(*text));
      }
    }
    const auto at = std::ranges::is_sorted_until(texts);
    if (at == texts.end()) return {};
    return {{"properties must follow the alphabetical order: \"" + *at + "\" must stand before \"" + *(at - 1) + "\""}};
  };
}

Result<Function> make_schema(const Json& options) {
  const Json* schema = options.find("schema");
  if (schema == nullptr) return fail(Errc::Invalid, "functionOptions.schema: required field missing");
  const Json* all = options.find("allErrors");
  const bool every = all != nullptr && all->is_bool() && all->as_bool();
  return [schema = *schema, every](const Subject& s) -> Remarks {
    if (s.value == nullptr) return {};
    Remarks remarks;
    for (SchemaProblem& problem : check_schema(schema, *s.value)) {
      std::string what = problem.path.empty() ? quoted(s) : "\"" + problem.path.back().name + "\"";
      if (!problem.path.empty() && problem.path.back().is_index)
        what = "element " + std::to_string(problem.path.back().index);
      remarks.push_back({what + " " + problem.message, std::move(problem.path)});
      if (!every) break;
    }
    return remarks;
  };
}

Result<Function> make_typed_enum(const Json&) {
  return [](const Subject& s) -> Remarks {
    const Json* values = s.value != nullptr ? s.value->find("enum") : nullptr;
    const Json* type = s.value != nullptr ? s.value->find("type") : nullptr;
    if (values == nullptr || !values->is_array() || type == nullptr) return {};
    Remarks remarks;
    const Json schema = Json::Object{{"type", *type}};
    for (std::size_t i = 0; i < values->as_array().size(); ++i) {
      const Json& value = values->as_array()[i];
      if (check_schema(schema, value).empty()) continue;
      remarks.push_back({"enum value " + to_json(value) + " must be \"" +
                             (type->is_string() ? type->as_string() : to_json(*type)) + "\"",
                         {{"enum", 0, false}, {{}, i, true}}});
    }
    return remarks;
  };
}

void collect_references(const Json& value, std::set<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (name == "$ref" && member.is_string()) out.insert(member.as_string());
      collect_references(member, out);
    }
  } else if (value.is_array()) {
    for (const Json& element : value.as_array()) collect_references(element, out);
  }
}

Result<Function> make_unreferenced(const Json& options) {
  const Json* location = options.find("reusableObjectsLocation");
  if (location == nullptr || !location->is_string()) {
    return fail(Errc::Invalid, "functionOptions.reusableObjectsLocation: required field missing");
  }
  return [place = location->as_string()](const Subject& s) -> Remarks {
    if (s.value == nullptr || !s.value->is_object()) return {};
    std::set<std::string> references;
    collect_references(*s.document, references);
    Remarks remarks;
    for (const auto& [name, value] : s.value->as_object()) {
      const std::string pointer = place + "/" + name;
      const auto at = references.lower_bound(pointer);
      const bool used = at != references.end() && (*at == pointer || at->starts_with(pointer + "/"));
      if (!used)
        remarks.push_back({"potential orphaned reusable object has been detected: " + name, {{name, 0, false}}});
    }
    return remarks;
  };
}

}  // namespace

Result<Function> make_function(const std::string& name, const Json& options) {
  static const std::map<std::string, Make, std::less<>> kFunctions = {
      {"alphabetical", make_alphabetical},
      {"casing", make_casing},
      {"defined", make_defined},
      {"undefined", make_undefined},
      {"truthy", make_truthy},
      {"falsy", make_falsy},
      {"enumeration", make_enumeration},
      {"length", make_length},
      {"pattern", make_pattern},
      {"schema", make_schema},
      {"typedEnum", make_typed_enum},
      {"unreferencedReusableObject", make_unreferenced},
      {"xor", make_xor},
      {"or", make_or},
  };
  const auto at = kFunctions.find(name);
  if (at == kFunctions.end()) return fail(Errc::Unsupported, "unknown function '" + name + "'");
  return at->second(options);
}

}  // namespace sluice::cli::lint
