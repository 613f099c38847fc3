// SPDX-License-Identifier: Apache-2.0
#include "plugins/json_schema/draft4.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "expr/regex.h"

namespace sluice::plugins {
namespace {

// A schema that refers to itself without going deeper into the value would never end; values are 128 deep at most.
constexpr int kMaxDepth = 1024;

enum TypeBit : std::uint8_t {
  NullBit = 1,
  BooleanBit = 2,
  IntegerBit = 4,
  NumberBit = 8,
  StringBit = 16,
  ArrayBit = 32,
  ObjectBit = 64
};
constexpr std::array<std::pair<std::string_view, TypeBit>, 7> kTypes = {{{"null", NullBit},
                                                                         {"boolean", BooleanBit},
                                                                         {"integer", IntegerBit},
                                                                         {"number", NumberBit},
                                                                         {"string", StringBit},
                                                                         {"array", ArrayBit},
                                                                         {"object", ObjectBit}}};

bool is_whole(double number) {
  return std::trunc(number) == number;
}

unsigned types_of(const Json& value) {
  if (value.is_null()) return NullBit;
  if (value.is_bool()) return BooleanBit;
  if (value.is_number()) return is_whole(value.number()) ? IntegerBit | NumberBit : NumberBit;
  if (value.is_string()) return StringBit;
  return value.is_array() ? ArrayBit : ObjectBit;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

/// A size with bounds.
struct Bounds {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();
  [[nodiscard]] bool hold(std::size_t size) const { return size >= least && size <= most; }
};

using Pattern = std::shared_ptr<const expr::Regex>;

}  // namespace

/// One schema; null pointers and empty lists are keywords that are not there.
struct Draft4::Node {
  const Node* reference = nullptr;  // then nothing else counts
  unsigned types = 0;               // 0: any
  const Json* enumeration = nullptr;

  std::optional<double> multiple_of, maximum, minimum;
  bool exclusive_maximum = false, exclusive_minimum = false;

  Bounds length, items_count, members_count;
  Pattern pattern;

  const Node* items = nullptr;     // every one
  std::vector<const Node*> tuple;  // or by position
  bool is_tuple = false;
  const Node* further_items = nullptr;
  bool refuses_further_items = false;
  bool unique = false;

  std::vector<std::string> required;
  std::map<std::string, const Node*, std::less<>> properties;
  std::vector<std::pair<Pattern, const Node*>> patterns;
  const Node* further_members = nullptr;
  bool refuses_further_members = false;
  std::vector<std::pair<std::string, const Node*>> depending_schemas;
  std::vector<std::pair<std::string, std::vector<std::string>>> depending_members;

  std::vector<const Node*> all_of, any_of, one_of;
  const Node* inverted = nullptr;
};

// --- Compiling ----------------------------------------------------------------------------------------------------

class Draft4::Compiler {
 public:
  explicit Compiler(Draft4& made) : made_(made) {}

  Result<const Node*> schema(const Json& value, const std::string& where) {
    if (!value.is_object()) return wrong(where, "a schema is an object");
    if (const auto found = known_.find(&value); found != known_.end()) return found->second;
    Node& node = made_.nodes_.emplace_back();
    known_.emplace(&value, &node);  // first: it may refer to itself
    if (const Json* reference = value.find("$ref")) {
      TRY(node.reference, refer(*reference, where + "/$ref"));
      return &node;
    }
    TRY(general(value, where, node));
    TRY(numbers(value, where, node));
    TRY(texts(value, where, node));
    TRY(arrays(value, where, node));
    TRY(objects(value, where, node));
    TRY(combinations(value, where, node));
    return &node;
  }

 private:
  static std::unexpected<Error> wrong(const std::string& where, std::string_view why) {
    return fail(Errc::Invalid, std::string(where.empty() ? "the schema" : where).append(": ").append(why));
  }

  /// `#` and a JSON pointer (RFC 6901) below it.
  Result<const Node*> refer(const Json& reference, const std::string& where) {
    if (!reference.is_string() || !reference.as_string().starts_with('#'))
      return wrong(where, "only references within the schema are known");
    const Json* at = &made_.document_;
    TRY(const std::string pointer, percent_decode(std::string_view(reference.as_string()).substr(1)));
    if (!pointer.empty() && pointer.front() != '/') return wrong(where, "not a JSON pointer");
    std::string_view rest = pointer;
    while (!rest.empty()) {
      rest.remove_prefix(1);
      const std::size_t end = std::min(rest.find('/'), rest.size());
      at = step(*at, unescaped(rest.substr(0, end)));
      if (at == nullptr) return wrong(where, "refers to nothing");
      rest.remove_prefix(end);
    }
    return schema(*at, pointer);
  }
  static std::string unescaped(std::string_view token) {
    std::string text;
    for (std::size_t i = 0; i < token.size(); ++i) {
      const bool escape = token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1');
      text.push_back(escape ? (token[++i] == '0' ? '~' : '/') : token[i]);
    }
    return text;
  }
  static const Json* step(const Json& from, const std::string& token) {
    if (!from.is_array()) return from.find(token);
    const auto index = parse_int<std::size_t>(token);
    return index && *index < from.as_array().size() ? &from.as_array()[*index] : nullptr;
  }

  Result<> general(const Json& value, const std::string& where, Node& node) {
    if (const Json* type = value.find("type")) {
      const Json::Array single{*type};
      for (const Json& name : type->is_array() ? type->as_array() : single) {
        const auto* known = std::ranges::find_if(
            kTypes, [&](const auto& one) { return name.is_string() && name.as_string() == one.first; });
        if (known == kTypes.end()) return wrong(where + "/type", "unknown type");
        node.types |= known->second;
      }
      if (node.types == 0) return wrong(where + "/type", "names no type");
    }
    node.enumeration = value.find("enum");
    if (node.enumeration != nullptr && (!node.enumeration->is_array() || node.enumeration->as_array().empty()))
      return wrong(where + "/enum", "must be an array with at least one element");
    if (const Json* definitions = value.find("definitions")) {  // judged, used or not
      std::map<std::string, const Node*, std::less<>> unused;
      TRY(members(*definitions, where + "/definitions", unused));
    }
    return {};
  }

  Result<> numbers(const Json& value, const std::string& where, Node& node) {
    TRY(number(value, "multipleOf", where, node.multiple_of));
    TRY(number(value, "maximum", where, node.maximum));
    TRY(number(value, "minimum", where, node.minimum));
    TRY(flag(value, "exclusiveMaximum", where, node.exclusive_maximum));
    TRY(flag(value, "exclusiveMinimum", where, node.exclusive_minimum));
    if (node.multiple_of && *node.multiple_of <= 0) return wrong(where + "/multipleOf", "must be above 0");
    if (node.exclusive_maximum && !node.maximum) return wrong(where + "/exclusiveMaximum", "needs maximum");
    if (node.exclusive_minimum && !node.minimum) return wrong(where + "/exclusiveMinimum", "needs minimum");
    return {};
  }

  Result<> texts(const Json& value, const std::string& where, Node& node) {
    TRY(bounds(value, "minLength", "maxLength", where, node.length));
    if (const Json* pattern = value.find("pattern")) {
      if (!pattern->is_string()) return wrong(where + "/pattern", "must be a string");
      TRY(node.pattern, regex(pattern->as_string(), where + "/pattern"));
    }
    return {};
  }

  Result<> arrays(const Json& value, const std::string& where, Node& node) {
    TRY(bounds(value, "minItems", "maxItems", where, node.items_count));
    TRY(flag(value, "uniqueItems", where, node.unique));
    if (const Json* items = value.find("items")) {
      node.is_tuple = items->is_array();
      if (node.is_tuple) {
        TRY(list(*items, where + "/items", node.tuple));
      } else {
        TRY(node.items, schema(*items, where + "/items"));
      }
    }
    return further(value, "additionalItems", where, node.further_items, node.refuses_further_items);
  }

  Result<> objects(const Json& value, const std::string& where, Node& node) {
    TRY(bounds(value, "minProperties", "maxProperties", where, node.members_count));
    if (const Json* required = value.find("required")) {
      TRY(node.required, names(*required, where + "/required"));
    }
    if (const Json* properties = value.find("properties")) {
      TRY(members(*properties, where + "/properties", node.properties));
    }
    if (const Json* patterns = value.find("patternProperties")) {
      std::map<std::string, const Node*, std::less<>> by_pattern;
      TRY(members(*patterns, where + "/patternProperties", by_pattern));
      for (const auto& [pattern, schema] : by_pattern) {
        TRY(Pattern compiled, regex(pattern, where + "/patternProperties/" + pattern));
        node.patterns.emplace_back(std::move(compiled), schema);
      }
    }
    TRY(further(value, "additionalProperties", where, node.further_members, node.refuses_further_members));
    const Json* dependencies = value.find("dependencies");
    if (dependencies == nullptr) return {};
    if (!dependencies->is_object()) return wrong(where + "/dependencies", "must be an object");
    for (const auto& [name, needed] : dependencies->as_object()) {
      const std::string place = where + "/dependencies/" + name;
      if (needed.is_array()) {
        TRY(auto list_of_names, names(needed, place));
        node.depending_members.emplace_back(name, std::move(list_of_names));
      } else {
        TRY(const Node* made, schema(needed, place));
        node.depending_schemas.emplace_back(name, made);
      }
    }
    return {};
  }

  Result<> combinations(const Json& value, const std::string& where, Node& node) {
    for (auto [keyword, into] :
         {std::pair("allOf", &node.all_of), std::pair("anyOf", &node.any_of), std::pair("oneOf", &node.one_of)}) {
      const Json* schemas = value.find(keyword);
      if (schemas == nullptr) continue;
      if (!schemas->is_array() || schemas->as_array().empty())
        return wrong(where + "/" + keyword, "must be an array with at least one schema");
      TRY(list(*schemas, where + "/" + keyword, *into));
    }
    if (const Json* inverted = value.find("not")) {
      TRY(node.inverted, schema(*inverted, where + "/not"));
    }
    return {};
  }

  static Result<> number(const Json& value, const char* keyword, const std::string& where, std::optional<double>& out) {
    const Json* given = value.find(keyword);
    if (given == nullptr) return {};
    if (!given->is_number()) return wrong(where + "/" + keyword, "must be a number");
    out = given->number();
    return {};
  }
  static Result<> flag(const Json& value, const char* keyword, const std::string& where, bool& out) {
    const Json* given = value.find(keyword);
    if (given == nullptr) return {};
    if (!given->is_bool()) return wrong(where + "/" + keyword, "must be a boolean");
    out = given->as_bool();
    return {};
  }
  static Result<> bounds(const Json& value, const char* least, const char* most, const std::string& where,
                         Bounds& out) {
    for (auto [keyword, into] : {std::pair(least, &out.least), std::pair(most, &out.most)}) {
      const Json* given = value.find(keyword);
      if (given == nullptr) continue;
      if (!given->is_number() || given->number() < 0 || !is_whole(given->number()))
        return wrong(where + "/" + keyword, "must be a whole number of at least 0");
      *into = static_cast<std::size_t>(std::min(given->number(), 1e15));
    }
    return {};
  }
  static Result<std::vector<std::string>> names(const Json& value, const std::string& where) {
    std::vector<std::string> found;
    if (!value.is_array() || value.as_array().empty()) return wrong(where, "must be an array with at least one name");
    for (const Json& name : value.as_array()) {
      if (!name.is_string()) return wrong(where, "names are strings");
      found.push_back(name.as_string());
    }
    return found;
  }
  static Result<Pattern> regex(const std::string& pattern, const std::string& where) {
    auto compiled = expr::Regex::compile(pattern, expr::RegexDialect::Pcre);
    if (!compiled) return wrong(where, compiled.error().what);
    return *std::move(compiled);
  }
  Result<> list(const Json& schemas, const std::string& where, std::vector<const Node*>& out) {
    for (std::size_t i = 0; i < schemas.as_array().size(); ++i) {
      TRY(const Node* made, schema(schemas.as_array()[i], where + "/" + std::to_string(i)));
      out.push_back(made);
    }
    return {};
  }
  Result<> members(const Json& schemas, const std::string& where,
                   std::map<std::string, const Node*, std::less<>>& out) {
    if (!schemas.is_object()) return wrong(where, "must be an object");
    for (const auto& [name, value] : schemas.as_object()) {
      TRY(out[name], schema(value, where + "/" + name));
    }
    return {};
  }
  Result<> further(const Json& value, const char* keyword, const std::string& where, const Node*& out, bool& refused) {
    const Json* given = value.find(keyword);
    if (given == nullptr) return {};
    if (given->is_bool()) {
      refused = !given->as_bool();
      return {};
    }
    TRY(out, schema(*given, where + "/" + keyword));
    return {};
  }

  Draft4& made_;
  std::unordered_map<const Json*, const Node*> known_;
};

Draft4::Draft4(Json document) : document_(std::move(document)) {}
Draft4::~Draft4() = default;

Result<std::shared_ptr<const Draft4>> Draft4::compile(std::string_view schema) {
  TRY(Json document, parse_json(schema));
  std::shared_ptr<Draft4> made(new Draft4(std::move(document)));  // the constructor is ours alone
  Compiler compiler(*made);
  TRY(made->root_, compiler.schema(made->document_, {}));
  return made;
}

// --- Judging ------------------------------------------------------------------------------------------------------

class Draft4::Judge {
 public:
  [[nodiscard]] bool accepts(const Node& node, const Json& value) {
    if (++depth_ > kMaxDepth) return false;
    const bool accepted = node.reference != nullptr
                              ? accepts(*node.reference, value)
                              : general(node, value) && content(node, value) && combinations(node, value);
    --depth_;
    return accepted;
  }

 private:
  static bool general(const Node& node, const Json& value) {
    if (node.types != 0 && (node.types & types_of(value)) == 0) return false;
    return node.enumeration == nullptr ||
           std::ranges::find(node.enumeration->as_array(), value) != node.enumeration->as_array().end();
  }
  bool content(const Node& node, const Json& value) {
    if (value.is_number()) return number(node, value.number());
    if (value.is_string()) return text(node, value.as_string());
    if (value.is_array()) return array(node, value.as_array());
    return !value.is_object() || object(node, value.as_object());
  }
  static bool number(const Node& node, double value) {
    if (node.maximum && (value > *node.maximum || (node.exclusive_maximum && value == *node.maximum))) return false;
    if (node.minimum && (value < *node.minimum || (node.exclusive_minimum && value == *node.minimum))) return false;
    if (!node.multiple_of) return true;
    // 0.3 is a multiple of 0.1 although their doubles are not exactly.
    const double times = value / *node.multiple_of;
    return std::abs(times - std::round(times)) <= 1e-9 * std::max(1.0, std::abs(times));
  }
  static bool text(const Node& node, const std::string& value) {
    if (!node.length.hold(code_points(value))) return false;
    return !node.pattern || node.pattern->search(value, expr::Anchor::None) == expr::Matched::Yes;
  }
  bool array(const Node& node, const Json::Array& value) {
    if (!node.items_count.hold(value.size())) return false;
    if (node.unique) {
      for (std::size_t i = 1; i < value.size(); ++i) {
        if (std::find(value.begin(), value.begin() + static_cast<std::ptrdiff_t>(i), value[i]) !=
            value.begin() + static_cast<std::ptrdiff_t>(i))
          return false;
      }
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
      const Node* schema = node.items;
      if (node.is_tuple) {
        if (i >= node.tuple.size() && node.refuses_further_items) return false;
        schema = i < node.tuple.size() ? node.tuple[i] : node.further_items;
      }
      if (schema != nullptr && !accepts(*schema, value[i])) return false;
    }
    return true;
  }
  bool object(const Node& node, const Json::Object& value) {
    if (!node.members_count.hold(value.size())) return false;
    const auto has = [&](const std::string& name) { return value.contains(name); };
    if (!std::ranges::all_of(node.required, has)) return false;
    for (const auto& [name, member] : value) {
      if (!member_accepted(node, name, member)) return false;
    }
    for (const auto& [name, needed] : node.depending_members) {
      if (value.contains(name) && !std::ranges::all_of(needed, has)) return false;
    }
    return std::ranges::all_of(node.depending_schemas, [&](const auto& dependency) {
      return !value.contains(dependency.first) || accepts(*dependency.second, Json(value));
    });
  }
  bool member_accepted(const Node& node, const std::string& name, const Json& member) {
    bool known = false;
    if (const auto found = node.properties.find(name); found != node.properties.end()) {
      known = true;
      if (!accepts(*found->second, member)) return false;
    }
    for (const auto& [pattern, schema] : node.patterns) {
      if (pattern->search(name, expr::Anchor::None) != expr::Matched::Yes) continue;
      known = true;
      if (!accepts(*schema, member)) return false;
    }
    if (known) return true;
    return !node.refuses_further_members && (node.further_members == nullptr || accepts(*node.further_members, member));
  }
  bool combinations(const Node& node, const Json& value) {
    const auto fits = [&](const Node* schema) { return accepts(*schema, value); };
    if (!std::ranges::all_of(node.all_of, fits)) return false;
    if (!node.any_of.empty() && !std::ranges::any_of(node.any_of, fits)) return false;
    if (!node.one_of.empty() && std::ranges::count_if(node.one_of, fits) != 1) return false;
    return node.inverted == nullptr || !accepts(*node.inverted, value);
  }

  int depth_ = 0;
};

bool Draft4::accepts(const Json& value) const {
  return Judge().accepts(*root_, value);
}

}  // namespace sluice::plugins
