// SPDX-License-Identifier: Apache-2.0
#include "schema/record.h"

#include <cmath>
#include <utility>

namespace sluice::schema {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::Any:
      return "json";
    case Type::Boolean:
      return "boolean";
    case Type::Integer:
      return "integer";
    case Type::Number:
      return "number";
    case Type::String:
      return "string";
    case Type::Array:
      return "array";
    case Type::Set:
      return "set";
    case Type::Map:
      return "map";
    case Type::Record:
      return "record";
    case Type::Foreign:
      return "foreign";
  }
  return "json";
}

Json number_json(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it, neighbouring integers are not doubles
  if (std::abs(value) <= kExact && value == std::floor(value)) return static_cast<std::int64_t>(value);
  return value;
}

void Field::add_rule(Rule rule) {
  const int order = rule_order(rule.name);
  auto at = rules.begin();
  while (at != rules.end() && rule_order(at->name) <= order) ++at;
  rules.insert(at, std::move(rule));
}

namespace detail {

void take_initial(Field& field, Json initial, bool optional) {
  field.required = !optional;
  if (initial.is_null()) return;
  if (initial.is_string() && initial.as_string().empty()) return;
  // A record expands to its own defaults anyway; only an initialiser that differs from them says something.
  if (field.type == Type::Record && initial == field.record->defaults()) {
    if (!optional) return;
  }
  field.preset = std::move(initial);
}

}  // namespace detail

FieldRef& FieldRef::rule(Rule rule) {
  field_->add_rule(std::move(rule));
  return *this;
}

FieldRef& FieldRef::each(Rule rule) {
  field_->element->add_rule(std::move(rule));
  return *this;
}

FieldRef& FieldRef::keys(Rule rule) {
  field_->key->add_rule(std::move(rule));
  return *this;
}

FieldRef& FieldRef::required() {
  field_->required = true;
  field_->preset.reset();
  return *this;
}

FieldRef& FieldRef::optional() {
  field_->required = false;
  if (field_->preset) {
    const Json& value = *field_->preset;
    const bool empty_array = value.is_array() && value.as_array().empty();
    const bool empty_object = value.is_object() && value.as_object().empty();
    if (empty_array || empty_object) field_->preset.reset();
  }
  return *this;
}

FieldRef& FieldRef::preset(Json value) {
  field_->preset = std::move(value);
  return *this;
}

FieldRef& FieldRef::no_default() {
  field_->preset.reset();
  return *this;
}

FieldRef& FieldRef::as_set() {
  field_->type = Type::Set;
  return *this;
}

FieldRef& FieldRef::abstract() {
  field_->abstract = true;
  field_->required = false;
  return *this;
}

FieldRef& FieldRef::allow_empty() {
  field_->allow_empty = true;
  if (field_->type == Type::String && field_->required && !field_->preset) field_->preset = Json("");
  return *this;
}

FieldRef& FieldRef::doc(std::string text) {
  field_->doc = std::move(text);
  return *this;
}

FieldRef& FieldRef::secret() {
  field_->secret = true;
  return *this;
}

FieldRef& FieldRef::referenceable() {
  field_->referenceable = true;
  return *this;
}

FieldRef& FieldRef::encrypted() {
  field_->encrypted = true;
  return *this;
}

FieldRef& FieldRef::immutable() {
  field_->immutable = true;
  return *this;
}

FieldRef& FieldRef::unique() {
  field_->unique = true;
  return *this;
}

FieldRef& FieldRef::unique_across_ws() {
  field_->unique = true;
  field_->unique_across_ws = true;
  return *this;
}

FieldRef& FieldRef::since(Since version) {
  field_->since.push_back(version);
  return *this;
}

FieldRef& FieldRef::deprecated(std::string message, std::string removal_in_version) {
  field_->deprecation = Deprecation{std::move(message), std::move(removal_in_version)};
  return *this;
}

FieldRef& FieldRef::auto_id() {
  field_->automatic = Auto::Uuid;
  field_->required = false;
  return rule(uuid());
}

FieldRef& FieldRef::auto_random() {
  field_->automatic = Auto::RandomString;
  field_->required = false;
  return *this;
}

FieldRef& FieldRef::auto_created_at() {
  field_->automatic = Auto::CreatedAt;
  field_->required = false;
  field_->preset.reset();
  return rule(timestamp());
}

FieldRef& FieldRef::auto_updated_at() {
  auto_created_at();
  field_->automatic = Auto::UpdatedAt;
  return *this;
}

}  // namespace sluice::schema
