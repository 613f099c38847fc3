// SPDX-License-Identifier: Apache-2.0
#include "schema/published.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sluice::schema {
namespace {

std::string_view on_delete_name(OnDelete action) {
  switch (action) {
    case OnDelete::Refuse:
      return "restrict";
    case OnDelete::Cascade:
      return "cascade";
    case OnDelete::SetNull:
      return "null";
  }
  return "restrict";
}

Json one_member(std::string name, Json value) {
  Json::Object object;
  object.append(std::move(name), std::move(value));
  return object;
}

void add_checks(Json::Array& out, const std::vector<EntityCheck>& checks) {
  for (const auto& check : checks) {
    if (!check.name.empty()) out.push_back(one_member(check.name, check.argument));
  }
}

/// The checks of a record, and those that its members' records want made here.
Json::Array check_list(const RecordBase& record) {
  Json::Array items;
  add_checks(items, record.checks());
  for (const auto& field : record.fields()) {
    if (field.record) add_checks(items, field.record->plugin_checks());
  }
  return items;
}

void add_record(Json::Object& out, const RecordBase& record) {
  Json::Array fields;
  for (const auto& field : record.fields()) fields.push_back(one_member(field.name, kong_field(field)));
  out.set("fields", std::move(fields));
  Json::Array checks = check_list(record);
  if (!checks.empty()) out.set("entity_checks", std::move(checks));
  if (record.shorthands().empty()) return;
  Json::Array shorthands;
  for (const auto& shorthand : record.shorthands()) {
    Json described = kong_field(shorthand.field);
    if (!shorthand.translated_to.empty()) {
      Json::Array path(shorthand.translated_to.begin(), shorthand.translated_to.end());
      described.as_object().set("translate_backwards", std::move(path));
    }
    shorthands.push_back(one_member(shorthand.field.name, std::move(described)));
  }
  out.set("shorthand_fields", std::move(shorthands));
}

void add_marks(Json::Object& out, const Field& field) {
  if (field.abstract) out.set("abstract", true);
  if (field.automatic != Auto::None) out.set("auto", true);
  if (field.unique) out.set("unique", true);
  if (field.unique_across_ws) out.set("unique_across_ws", true);
  if (field.referenceable) out.set("referenceable", true);
  if (field.encrypted) out.set("encrypted", true);
  if (field.immutable) out.set("immutable", true);
  if (field.allow_empty && field.type == Type::String) out.set("len_min", 0);
  if (!field.deprecation) return;
  Json::Object deprecation{{"message", field.deprecation->message}};
  if (!field.deprecation->removal_in_version.empty()) {
    deprecation.set("removal_in_version", field.deprecation->removal_in_version);
  }
  if (field.deprecation->old_default) deprecation.set("old_default", *field.deprecation->old_default);
  out.set("deprecation", std::move(deprecation));
}

// JSON Schema
// -----------------------------------------------------------------------------------------------------------

std::string_view json_type(Type type) {
  switch (type) {
    case Type::Boolean:
      return "boolean";
    case Type::Integer:
      return "integer";
    case Type::Number:
      return "number";
    case Type::String:
      return "string";
    case Type::Array:
    case Type::Set:
      return "array";
    case Type::Map:
    case Type::Record:
    case Type::Foreign:
      return "object";
    case Type::Any:
      return {};
  }
  return {};
}

void add_bounds(Json::Object& out, const Field& field) {
  for (const auto& rule : field.rules) {
    if (rule.name == "one_of") out.set("enum", rule.argument);
    if (rule.name == "eq" && !rule.argument.is_null()) out.set("const", rule.argument);
    if (rule.name == "gt") out.set("exclusiveMinimum", rule.argument);
    if (rule.name == "len_min") out.set("minLength", rule.argument);
    if (rule.name == "len_max") out.set("maxLength", rule.argument);
    if (rule.name == "len_eq") {
      out.set("minLength", rule.argument);
      out.set("maxLength", rule.argument);
    }
    if (rule.name == "between") {
      out.set("minimum", rule.argument.as_array().at(0));
      out.set("maximum", rule.argument.as_array().at(1));
    }
  }
}

bool must_stay_null(const Field& field) {
  return std::ranges::any_of(field.rules,
                             [](const Rule& rule) { return rule.name == "eq" && rule.argument.is_null(); });
}

}  // namespace

Json kong_field(const Field& field) {
  Json::Object out;
  out.set("type", type_name(field.abstract ? Type::Record : field.type));
  if (!field.doc.empty()) out.set("description", field.doc);
  if (field.required) out.set("required", true);
  if (field.preset) out.set("default", *field.preset);
  if (field.type == Type::Map) {
    out.set("keys", kong_field(*field.key));
    out.set("values", kong_field(*field.element));
  } else if (field.element) {
    out.set("elements", kong_field(*field.element));
  }
  if (field.type == Type::Foreign) {
    out.set("reference", field.reference);
    if (field.on_delete != OnDelete::Refuse) out.set("on_delete", on_delete_name(field.on_delete));
  }
  for (const auto& rule : field.rules) {
    if (!rule.name.empty()) out.set(rule.name, rule.argument);
  }
  add_marks(out, field);
  if (field.record) add_record(out, *field.record);
  return out;
}

Json kong_schema(const RecordBase& record) {
  Json::Object out;
  add_record(out, record);
  if (!out.contains("entity_checks")) out.set("entity_checks", Json::array());
  return out;
}

Json json_schema(const Field& field) {
  Json out = field.record ? json_schema(*field.record) : Json::object();
  Json::Object& members = out.as_object();
  if (const auto type = json_type(field.abstract ? Type::Record : field.type); !type.empty()) members.set("type", type);
  if (!field.doc.empty()) members.set("description", field.doc);
  if (field.preset) members.set("default", *field.preset);
  add_bounds(members, field);
  if (field.type == Type::Map) {
    members.set("additionalProperties", json_schema(*field.element));
  } else if (field.element) {
    members.set("items", json_schema(*field.element));
  }
  if (field.type == Type::Foreign) {
    members.set("additionalProperties", false);
    members.set("properties", Json::Object{{"id", Json::Object{{"type", "string"}}}});
  }
  if (field.referenceable) members.set("x-referenceable", true);
  if (field.encrypted) members.set("x-encrypted", true);
  return out;
}

Json json_schema(const RecordBase& record) {
  Json::Object properties;
  Json::Array required;
  for (const auto& field : record.fields()) {
    if (must_stay_null(field)) continue;
    properties.set(field.name, json_schema(field));
    if (field.required && !field.preset && !field.record) required.emplace_back(field.name);
  }
  Json::Object out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out.set("required", std::move(required));
  return out;
}

}  // namespace sluice::schema
