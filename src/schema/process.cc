// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <span>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/uuid.h"
#include "schema/codec.h"
#include "schema/record_base.h"

namespace sluice::schema {
namespace {

constexpr std::string_view kRequired = "required field missing";

/// 32 letters and digits, as Kong generates keys and secrets: 190 bits.
std::string random_string() {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kLength = 32;
  std::string text;
  while (text.size() < kLength) {
    std::array<unsigned char, 64> octets{};
    fill_random(std::as_writable_bytes(std::span(octets)));
    for (auto octet : octets) {
      // 248 is the largest multiple of 62 below 256: above it, early letters would be likelier.
      if (octet < 248 && text.size() < kLength) text += kAlphabet[octet % kAlphabet.size()];
    }
  }
  return text;
}

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string_view wrong_type(Type type) {
  switch (type) {
    case Type::Boolean:
      return "expected a boolean";
    case Type::Integer:
      return "expected an integer";
    case Type::Number:
      return "expected a number";
    case Type::String:
      return "expected a string";
    case Type::Array:
      return "expected an array";
    case Type::Set:
      return "expected a set";
    case Type::Map:
      return "expected a map";
    case Type::Record:
    case Type::Foreign:
      return "expected a record";
    case Type::Any:
      return {};
  }
  return {};
}

/// Lua, and with it Kong's clients, cannot tell an empty array from an empty map: either is taken for the other.
void turn_empty(Json& value, Type type) {
  const bool list = type == Type::Array || type == Type::Set;
  if (list && value.is_object() && value.as_object().empty()) value = Json::array();
  if ((type == Type::Map || type == Type::Record) && value.is_array() && value.as_array().empty()) {
    value = Json::object();
  }
}

bool take_type(Json& value, Type type) {
  turn_empty(value, type);
  switch (type) {
    case Type::Any:
      return true;
    case Type::Boolean:
      return value.is_bool();
    case Type::Integer:
      if (value.is_double()) value = number_json(value.number());
      return value.is_int();
    case Type::Number:
      if (value.is_double()) value = number_json(value.number());
      return value.is_number();
    case Type::String:
      return value.is_string();
    case Type::Array:
    case Type::Set:
      return value.is_array();
    case Type::Map:
    case Type::Record:
    case Type::Foreign:
      return value.is_object();
  }
  return false;
}

/// Identities are compared as text in many places: they have one form.
void lower_case(Json& id) {
  for (char& c : id.as_string()) c = ascii_lower(c);
}

void drop_repeated(Json::Array& items) {
  constexpr std::size_t kFew = 16;
  if (items.size() <= kFew) {
    auto end = items.begin();
    for (auto& item : items) {
      if (std::find(items.begin(), end, item) != end) continue;
      if (&*end != &item) *end = std::move(item);
      ++end;
    }
    items.erase(end, items.end());
    return;
  }
  std::unordered_set<std::string, StringHash, std::equal_to<>> seen;
  std::erase_if(items, [&](const Json& item) { return !seen.insert(to_json(item)).second; });
}

}  // namespace

/// One pass over one document.
class Processor {
 public:
  explicit Processor(const ProcessOptions& options)
      : options_(options), now_(options.now != 0 ? options.now : wall_clock()) {}

  void record(const RecordBase& base, Json& document, const PathView& path, Violations& violations,
              const Json* current) {
    turn_empty(document, Type::Record);
    if (!document.is_object()) {
      if (checking()) violations.add(path, std::string(wrong_type(Type::Record)));
      return;
    }
    Violations found;
    if (expand_shorthands(base, document.as_object(), found) && checking())
      return violations.merge(path, std::move(found));
    const RecordBase* special = base.cases_ ? base.cases_(document.as_object(), found) : nullptr;
    if (!found.empty() && checking()) return violations.merge(path, std::move(found));

    find_unknown(base, document.as_object(), found);
    fill(base, special, document.as_object(), found, current);
    if (checking()) run_checks(base, special, document.as_object(), path.parent == nullptr, found);
    if (found.empty() && checking()) {
      for (const auto& change : base.normalizations_) change(document.as_object(), current, found);
      if (options_.transform) {
        for (const auto& change : base.transforms_) change(document.as_object(), current, found);
      }
    }
    if (!found.empty()) violations.merge(path, std::move(found));
  }

 private:
  [[nodiscard]] bool checking() const { return options_.mode != Mode::Select; }

  // Shorthands --------------------------------------------------------------------------------------------------------

  /// Whether something is wrong: then Kong looks no further.
  bool expand_shorthands(const RecordBase& base, Json::Object& document, Violations& found) {
    const PathView root;
    for (const auto& shorthand : base.shorthands_) {
      Json* given = document.find(shorthand.field.name);
      if (given == nullptr) continue;
      // A shorthand that shares its name with a field was expanded in the patch: the row holds the field.
      if (options_.mode != Mode::Insert && base.find_field(shorthand.field.name) != nullptr) continue;
      Json value = std::move(*given);
      document.erase(shorthand.field.name);
      const std::size_t before = found.size();
      check_value(shorthand.field, value, root.member(shorthand.field.name), found);
      if (found.size() != before || clashes(shorthand, document, value, found)) continue;
      auto members = shorthand.expand(value);
      if (!members) {
        found.add(root.member(shorthand.field.name), members.error());
        continue;
      }
      merge_members(document, std::move(*members), shorthand.field.deprecation.has_value());
    }
    return !found.empty();
  }

  static bool clashes(const Shorthand& shorthand, const Json::Object& document, const Json& value, Violations& found) {
    if (value.is_null() || shorthand.translated_to.empty()) return false;
    const Json* at = document.find(shorthand.translated_to.front());
    std::string dotted = shorthand.translated_to.front();
    for (std::size_t i = 1; i < shorthand.translated_to.size() && at != nullptr; ++i) {
      at = at->find(shorthand.translated_to[i]);
      dotted += '.' + shorthand.translated_to[i];
    }
    if (at == nullptr || at->is_null() || *at == value) return false;
    const auto text = [](const Json& json) { return json.is_string() ? json.as_string() : to_json(json); };
    const PathView root;
    found.add(root.member(shorthand.field.name),
              fmt::format("both deprecated and new field are used but their values mismatch: {} = {} vs {} = {}",
                          shorthand.field.name, text(value), dotted, text(*at)));
    return true;
  }

  /// Where both the old and the new name are given, the new one counts, unless the shorthand is no old name at all.
  static void merge_members(Json::Object& document, Json::Object members, bool keep_given) {
    for (auto& [name, value] : members) {
      Json& slot = document[name];
      if (slot.is_object() && value.is_object()) {
        merge_members(slot.as_object(), std::move(value.as_object()), keep_given);
      } else if (!keep_given || slot.is_null()) {
        slot = std::move(value);
      }
    }
  }

  // Fields ------------------------------------------------------------------------------------------------------------

  void find_unknown(const RecordBase& base, const Json::Object& document, Violations& found) {
    if (!checking()) return;
    for (const auto& [name, value] : document) {
      if (base.find_field(name) != nullptr) continue;
      if (options_.ignore_unknown) {
        if (options_.ignored != nullptr) ++*options_.ignored;
        continue;
      }
      const PathView root;
      found.add(root.member(name), "unknown field");
    }
  }

  /// Rebuilds the document in the order of the description.
  void fill(const RecordBase& base, const RecordBase* special, Json::Object& document, Violations& found,
            const Json* current) {
    Json::Object result;
    result.reserve(base.fields_.size());
    const PathView root;
    for (const auto& declared : base.fields_) {
      const Field* chosen = special != nullptr ? special->find_field(declared.name) : nullptr;
      const Field& field = chosen != nullptr ? *chosen : declared;
      const Json* before = current != nullptr ? current->find(field.name) : nullptr;
      const PathView path = root.member(field.name);
      Json* given = document.find(field.name);
      Json value = given != nullptr ? std::move(*given) : missing(field);
      fill_automatic(field, value, given != nullptr);
      if (given != nullptr || field.record || value.is_null()) value_at(field, value, path, found, before);
      if (field.immutable && options_.mode == Mode::Update && before != nullptr && !before->is_null() &&
          !(*before == value)) {
        found.add(path, "immutable field cannot be updated");
      }
      result.append(field.name, std::move(value));
    }
    document = std::move(result);
  }

  static Json missing(const Field& field) {
    if (field.preset) return *field.preset;
    if (field.required && field.record) return Json::object();
    return nullptr;
  }

  void fill_automatic(const Field& field, Json& value, bool given) const {
    if (field.automatic == Auto::None || !checking()) return;
    const bool insert = options_.mode == Mode::Insert;
    switch (field.automatic) {
      case Auto::Uuid:
        if (insert && !given) value = Uuid::random().to_string();
        break;
      case Auto::RandomString:
        if (insert && !given) value = random_string();
        break;
      case Auto::CreatedAt:
        if (insert && value.is_null()) value = timestamp_for(field);
        break;
      case Auto::UpdatedAt:
        value = timestamp_for(field);
        break;
      case Auto::None:
        break;
    }
  }

  [[nodiscard]] Json timestamp_for(const Field& field) const {
    if (field.type == Type::Integer) return static_cast<std::int64_t>(now_);
    return number_json(std::floor(now_ * 1000) / 1000);
  }

  void value_at(const Field& field, Json& value, const PathView& path, Violations& found, const Json* before) {
    if (!checking()) {
      if (value.is_null() && field.required) value = missing(field);
      if (field.record && value.is_object()) record(*field.record, value, path, found, nullptr);
      return;
    }
    if (field.record && !value.is_null()) {
      const std::size_t reported = found.size();
      record(*field.record, value, path, found, before);
      if (found.size() == reported) run_rules(field, value, path, found);
      return;
    }
    check_value(field, value, path, found);
  }

  void check_value(const Field& field, Json& value, const PathView& path, Violations& found) {
    if (value.is_null()) return check_null(field, value, path, found);
    if (field.referenceable && value.is_string() && is_reference(value.as_string())) return;
    if (!take_type(value, field.type)) return found.add(path, std::string(wrong_type(field.type)));
    const std::size_t reported = found.size();
    switch (field.type) {
      case Type::Array:
      case Type::Set:
        for (std::size_t i = 0; i < value.as_array().size(); ++i) {
          value_at(*field.element, value.as_array()[i], path.element(i), found, nullptr);
        }
        if (field.type == Type::Set && found.size() == reported) drop_repeated(value.as_array());
        break;
      case Type::Map:
        check_map(field, value.as_object(), path, found);
        break;
      case Type::Foreign:
        check_foreign(value, path, found);
        break;
      case Type::String:
        if (value.as_string().empty() && !field.allow_empty) return check_empty(field, value, path, found);
        break;
      default:
        break;
    }
    if (found.size() == reported) run_rules(field, value, path, found);
    if (field.automatic == Auto::Uuid && found.size() == reported) lower_case(value);
  }

  static void check_null(const Field& field, const Json& value, const PathView& path, Violations& found) {
    for (const auto& rule : field.rules) {
      if (!rule.sees_null) continue;
      if (auto problem = rule.check(value)) return found.add(path, std::move(*problem));
    }
    if (field.required) found.add(path, std::string(kRequired));
  }

  static void run_rules(const Field& field, const Json& value, const PathView& path, Violations& found) {
    for (const auto& rule : field.rules) {
      if (auto problem = rule.check(value)) return found.add(path, std::move(*problem));
    }
  }

  /// Strings have a minimum length of 1 which takes its place among the field's own rules.
  static void check_empty(const Field& field, const Json& value, const PathView& path, Violations& found) {
    static const int kPlace = rule_order("len_min");
    const auto own = std::ranges::find(field.rules, "len_min", &Rule::name);
    if (own != field.rules.end()) return run_rules(field, value, path, found);
    for (const auto& rule : field.rules) {
      if (rule_order(rule.name) > kPlace) break;
      if (auto problem = rule.check(value)) return found.add(path, std::move(*problem));
    }
    found.add(path, "length must be at least 1");
  }

  /// What is wrong with a key or a value is reported for the map, the first one only, as Kong does.
  void check_map(const Field& field, Json::Object& members, const PathView& path, Violations& found) {
    for (auto& [name, value] : members) {
      Violations inner;
      Json key = name;
      check_value(*field.key, key, PathView{}, inner);
      if (inner.empty()) value_at(*field.element, value, PathView{}, inner, nullptr);
      if (inner.empty()) continue;
      found.merge(path, std::move(inner));
      return;
    }
  }

  static void check_foreign(Json& value, const PathView& path, Violations& found) {
    static const Rule kUuid = uuid();
    Json* id = value.find("id");
    if (id == nullptr || id->is_null()) return found.add(path.member("id"), "missing primary key");
    if (!id->is_string()) return found.add(path.member("id"), "expected a string");
    if (auto problem = kUuid.check(*id)) return found.add(path.member("id"), std::move(*problem));
    lower_case(*id);
    if (value.as_object().size() == 1) return;
    Json only = std::move(*id);
    value = Json::Object{{"id", std::move(only)}};
  }

  // Rules over several fields -----------------------------------------------------------------------------------------

  void run_checks(const RecordBase& base, const RecordBase* special, const Json::Object& document, bool alone,
                  Violations& found) {
    const PathView root;
    const CheckInput input{document, root, options_.mode == Mode::Update, {}};
    run_checks(base.checks_, input, found);
    if (special != nullptr) run_checks(special->checks_, input, found);
    if (alone && !base.plugin_checks_.empty()) {
      run_checks(base.plugin_checks_, {document, root, input.updating, "config."}, found);
    }
    for (const auto& declared : base.fields_) {
      const Field* chosen = special != nullptr ? special->find_field(declared.name) : nullptr;
      const Field& field = chosen != nullptr ? *chosen : declared;
      if (field.record && !field.record->plugin_checks_.empty()) run_checks(field.record->plugin_checks_, input, found);
    }
  }

  static void run_checks(const std::vector<EntityCheck>& checks, const CheckInput& input, Violations& found) {
    for (const auto& check : checks) {
      if (check.only_when_valid) {
        const auto reported = [&](const std::string& dotted) {
          return found.touches(dotted.substr(0, dotted.find('.')));
        };
        if (check.sources.empty() ? !found.empty() : std::ranges::any_of(check.sources, reported)) continue;
      }
      check.run(input, found);
    }
  }

  const ProcessOptions& options_;
  double now_;
};

std::expected<Json, Violations> RecordBase::process(Json input, const ProcessOptions& options) const {
  Violations violations;
  process_at(input, PathView{}, options, violations);
  if (!violations.empty()) return std::unexpected(std::move(violations));
  return input;
}

void RecordBase::process_at(Json& document, const PathView& path, const ProcessOptions& options,
                            Violations& violations) const {
  Processor(options).record(*this, document, path, violations, options.current);
}

}  // namespace sluice::schema
