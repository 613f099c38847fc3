// SPDX-License-Identifier: Apache-2.0
#include "cli/lint/json_schema.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "base/strings.h"
#include "expr/regex.h"

namespace sluice::cli::lint {
namespace {

using schema::PathPart;
constexpr int kMaxDepth = 64;  // a schema may refer to itself

bool is_type(const Json& value, const std::string& type) {
  if (type == "integer") {
    return value.is_int() || (value.is_double() && std::floor(value.number()) == value.number());
  }
  return type == value.type_name();
}

std::size_t characters_in(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  std::vector<SchemaProblem> run(const Json& value) {
    check(root_, value);
    return std::move(problems_);
  }

 private:
  void check(const Json& schema, const Json& value) {
    if (schema.is_bool() && !schema.as_bool()) return report("is not allowed");
    if (!schema.is_object() || depth_ > kMaxDepth) return;
    ++depth_;
    if (const Json* reference = schema.find("$ref")) {
      if (const Json* target = resolve(*reference)) check(*target, value);
    }
    check_type(schema, value);
    check_values(schema, value);
    check_combinations(schema, value);
    if (value.is_number()) check_number(schema, value.number());
    if (value.is_string()) check_string(schema, value.as_string());
    if (value.is_array()) check_array(schema, value.as_array());
    if (value.is_object()) check_object(schema, value.as_object());
    --depth_;
  }

  void check_type(const Json& schema, const Json& value) {
    const Json* type = schema.find("type");
    if (type == nullptr) return;
    if (type->is_string()) {
      if (!is_type(value, type->as_string())) report("must be " + type->as_string());
    } else if (type->is_array()) {
      const auto fits = [&](const Json& one) { return one.is_string() && is_type(value, one.as_string()); };
      if (std::ranges::none_of(type->as_array(), fits)) report("must be one of the types " + to_json(*type));
    }
  }

  void check_values(const Json& schema, const Json& value) {
    if (const Json* only = schema.find("const"); only != nullptr && !(*only == value))
      report("must be " + to_json(*only));
    const Json* values = schema.find("enum");
    if (values == nullptr || !values->is_array()) return;
    if (std::ranges::find(values->as_array(), value) == values->as_array().end()) {
      report("must be one of " + to_json(*values));
    }
  }

  void check_combinations(const Json& schema, const Json& value) {
    if (const Json* all = list(schema, "allOf")) {
      for (const Json& part : all->as_array()) check(part, value);
    }
    const auto matching = [&](const Json& parts) {
      return std::ranges::count_if(parts.as_array(), [&](const Json& part) { return fits(part, value); });
    };
    if (const Json* any = list(schema, "anyOf"); any != nullptr && matching(*any) == 0) {
      report("must match one of several schemas");
    }
    if (const Json* one = list(schema, "oneOf"); one != nullptr && matching(*one) != 1) {
      report("must match exactly one of several schemas");
    }
    if (const Json* none = schema.find("not"); none != nullptr && fits(*none, value)) report("is not allowed");
    if (const Json* condition = schema.find("if")) {
      const Json* branch = schema.find(fits(*condition, value) ? "then" : "else");
      if (branch != nullptr) check(*branch, value);
    }
  }

  void check_number(const Json& schema, double value) {
    const auto bound = [&](const char* name, const char* words, const std::function<bool(double)>& holds) {
      const Json* limit = schema.find(name);
      if (limit != nullptr && limit->is_number() && !holds(limit->number())) report(words + to_json(*limit));
    };
    bound("minimum", "must be at least ", [&](double limit) { return value >= limit; });
    bound("maximum", "must be at most ", [&](double limit) { return value <= limit; });
    bound("exclusiveMinimum", "must be greater than ", [&](double limit) { return value > limit; });
    bound("exclusiveMaximum", "must be less than ", [&](double limit) { return value < limit; });
    bound("multipleOf", "must be a multiple of ",
          [&](double step) { return step == 0 || std::fabs(std::remainder(value, step)) < 1e-9; });
  }

  void check_string(const Json& schema, const std::string& value) {
    check_size(schema, "minLength", "maxLength", characters_in(value), " characters");
    const Json* pattern = schema.find("pattern");
    if (pattern != nullptr && pattern->is_string() && !matches(pattern->as_string(), value)) {
      report("must match the pattern " + to_json(*pattern));
    }
  }

  void check_array(const Json& schema, const Json::Array& value) {
    check_size(schema, "minItems", "maxItems", value.size(), " elements");
    const Json* unique = schema.find("uniqueItems");
    if (unique != nullptr && unique->is_bool() && unique->as_bool()) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (std::find(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(i), value[i]) !=
            value.begin() + static_cast<std::ptrdiff_t>(i)) {
          report("must not have the same element twice");
          break;
        }
      }
    }
    const Json* prefix = list(schema, "prefixItems");
    const std::size_t fixed = prefix != nullptr ? prefix->as_array().size() : 0;
    const Json* items = schema.find("items");
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Json* element = i < fixed ? &prefix->as_array()[i] : items;
      if (element != nullptr) inside({{}, i, true}, *element, value[i]);
    }
    const Json* contained = schema.find("contains");
    if (contained != nullptr && std::ranges::none_of(value, [&](const Json& one) { return fits(*contained, one); })) {
      report("must contain an element that matches");
    }
  }

  void check_object(const Json& schema, const Json::Object& value) {
    check_size(schema, "minProperties", "maxProperties", value.size(), " properties");
    if (const Json* required = list(schema, "required")) require(required->as_array(), value);
    const Json* dependent = schema.find("dependentRequired");
    if (dependent != nullptr && dependent->is_object()) {
      for (const auto& [name, names] : dependent->as_object()) {
        if (value.contains(name) && names.is_array()) require(names.as_array(), value);
      }
    }
    for (const auto& [name, member] : value) check_member(schema, name, member);
  }

  void require(const Json::Array& names, const Json::Object& value) {
    for (const Json& name : names) {
      if (name.is_string() && !value.contains(name.as_string())) {
        report("must have required property \"" + name.as_string() + "\"");
      }
    }
  }

  void check_member(const Json& schema, const std::string& name, const Json& member) {
    const Json* names = schema.find("propertyNames");
    if (names != nullptr) inside({name, 0, false}, *names, Json(name));
    bool known = false;
    const Json* properties = schema.find("properties");
    if (const Json* own = properties != nullptr ? properties->find(name) : nullptr) {
      known = true;
      inside({name, 0, false}, *own, member);
    }
    const Json* patterns = schema.find("patternProperties");
    if (patterns != nullptr && patterns->is_object()) {
      for (const auto& [pattern, own] : patterns->as_object()) {
        if (!matches(pattern, name)) continue;
        known = true;
        inside({name, 0, false}, own, member);
      }
    }
    const Json* others = schema.find("additionalProperties");
    if (known || others == nullptr) return;
    if (others->is_bool() && !others->as_bool()) return report("must not have the property \"" + name + "\"");
    inside({name, 0, false}, *others, member);
  }

  // Means
  // -----------------------------------------------------------------------------------------------------------------

  void check_size(const Json& schema, const char* least, const char* most, std::size_t size, const char* unit) {
    const Json* minimum = schema.find(least);
    const Json* maximum = schema.find(most);
    const auto count = static_cast<double>(size);
    if (minimum != nullptr && minimum->is_number() && count < minimum->number()) {
      report("must have at least " + to_json(*minimum) + unit);
    }
    if (maximum != nullptr && maximum->is_number() && count > maximum->number()) {
      report("must have at most " + to_json(*maximum) + unit);
    }
  }

  void inside(PathPart part, const Json& schema, const Json& value) {
    path_.push_back(std::move(part));
    check(schema, value);
    path_.pop_back();
  }

  [[nodiscard]] bool fits(const Json& schema, const Json& value) {
    const std::size_t before = problems_.size();
    check(schema, value);
    const bool fine = problems_.size() == before;
    problems_.resize(before);
    return fine;
  }

  [[nodiscard]] const Json* resolve(const Json& reference) const {
    if (!reference.is_string() || !reference.as_string().starts_with('#')) return nullptr;
    const Json* at = &root_;
    const std::string_view pointer = std::string_view(reference.as_string()).substr(1);
    if (pointer.empty()) return at;
    for (std::string_view raw : split(pointer.substr(1), '/')) {
      std::string name = percent_decode_lenient(raw);
      for (std::size_t i = name.find('~'); i != name.npos; i = name.find('~', i + 1)) {
        name.replace(i, 2, name.substr(i, 2) == "~1" ? "/" : "~");
      }
      at = at->find(name);
      if (at == nullptr) return nullptr;
    }
    return at;
  }

  /// A pattern that we cannot compile matches everything: the schema's author is told elsewhere.
  [[nodiscard]] bool matches(const std::string& pattern, const std::string& text) {
    auto [at, fresh] = regexes_.try_emplace(pattern);
    if (fresh) at->second = expr::Regex::compile(pattern, expr::RegexDialect::Rust).value_or(nullptr);
    return at->second == nullptr || at->second->search(text, expr::Anchor::None) == expr::Matched::Yes;
  }

  [[nodiscard]] static const Json* list(const Json& schema, std::string_view name) {
    const Json* found = schema.find(name);
    return found != nullptr && found->is_array() ? found : nullptr;
  }

  void report(std::string message) { problems_.push_back({path_, std::move(message)}); }

  const Json& root_;
  std::vector<SchemaProblem> problems_;
  std::vector<PathPart> path_;
  std::map<std::string, expr::RegexRef> regexes_;
  int depth_ = 0;
};

}  // namespace

std::vector<SchemaProblem> check_schema(const Json& schema, const Json& value) {
  return Checker(schema).run(value);
}

}  // namespace sluice::cli::lint
