// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway/state.h"

#include <algorithm>
#include <utility>

#include "entity/all.h"

namespace sluice::cli {
namespace {

bool is_stamp(const schema::Field& field) {
  return field.automatic == schema::Auto::Uuid || field.automatic == schema::Auto::CreatedAt ||
         field.automatic == schema::Auto::UpdatedAt;
}

std::string comparable_text(const schema::EntityBase& type, const Json& document) {
  std::string text;
  for (const auto& [name, value] : document.as_object()) {
    const schema::Field* field = type.find_field(name);
    if (value.is_null() || (field != nullptr && is_stamp(*field))) continue;
    append_json_string(text, name);
    text += ':';
    const bool is_set = field != nullptr && field->type == schema::Type::Set && value.is_array();
    if (is_set && value.as_array().empty()) {
      text.resize(text.size() - name.size() - 3);  // an empty set says what no set says
      continue;
    }
    if (is_set) {
      std::vector<std::string> elements;
      for (const Json& element : value.as_array()) elements.push_back(to_json(element));
      std::ranges::sort(elements);
      for (const std::string& element : elements) text += element;
    } else {
      append_json(text, value);
    }
    text += ',';
  }
  return text;
}

std::string key_text(const schema::EntityBase& type, std::string_view kind, std::string_view value) {
  std::string key = type.name();
  return key.append(" ").append(kind).append(" ").append(value);
}

}  // namespace

StateEntity::StateEntity(const schema::EntityBase& entity_type, const Uuid& entity_id, Json canonical)
    : type(&entity_type),
      id(entity_id),
      document(std::move(canonical)),
      comparable(comparable_text(entity_type, document)) {}

bool belongs_to_consumer(const schema::EntityBase& type, const Json& document) {
  if (type.name() == entity::Consumer::kName) return true;
  return std::ranges::any_of(type.foreign_fields(), [&](const schema::Field* field) {
    const Json* reference = document.find(field->name);
    return field->reference == entity::Consumer::kName && reference != nullptr && !reference->is_null();
  });
}

const StateEntity* find_hidden_secret(const State& state) {
  for (const StateEntity& entity : state.entities) {
    if (!entity.type->may_hold_secrets()) continue;
    bool hidden = false;
    Json copy = entity.document;  // visiting is for replacing
    entity.type->visit_secrets(copy, [&](const std::string& secret) { hidden = hidden || secret == "***"; });
    if (hidden) return &entity;
  }
  return nullptr;
}

std::vector<std::string> natural_keys(const schema::EntityBase& type, const Json& document) {
  std::vector<std::string> keys;
  for (const schema::Field* field : type.unique_fields()) {
    const Json* value = document.find(field->name);
    if (value != nullptr && value->is_string()) keys.push_back(key_text(type, field->name, value->as_string()));
  }
  if (!type.cache_key().empty()) {
    std::string columns;
    for (const std::string& column : type.cache_key()) {
      const Json* value = document.find(column);
      columns += value != nullptr ? to_json(*value) : "null";
    }
    keys.push_back(key_text(type, "(columns)", columns));
  }
  // Nothing is unique about a certificate but itself, or about an entity without a name but all that it says.
  const Json* cert = document.find("cert");
  if (keys.empty() && cert != nullptr && cert->is_string()) keys.push_back(key_text(type, "cert", cert->as_string()));
  if (keys.empty()) keys.push_back(key_text(type, "(all)", comparable_text(type, document)));
  return keys;
}

StateIndexView::StateIndexView(const State& state) {
  ids_.reserve(state.entities.size());
  keys_.reserve(state.entities.size());
  for (const StateEntity& entity : state.entities) {
    if (!entity.id.is_nil()) ids_.emplace(key_text(*entity.type, "id", entity.id.to_string()), &entity);
    for (std::string& key : natural_keys(*entity.type, entity.document)) keys_.emplace(std::move(key), &entity);
  }
}

const StateEntity* StateIndexView::by_id(const schema::EntityBase& type, const Uuid& id) const {
  const auto at = ids_.find(key_text(type, "id", id.to_string()));
  return at != ids_.end() ? at->second : nullptr;
}

const StateEntity* StateIndexView::by_keys(const schema::EntityBase& type, const Json& document) const {
  for (const std::string& key : natural_keys(type, document)) {
    if (const auto at = keys_.find(key); at != keys_.end()) return at->second;
  }
  return nullptr;
}

}  // namespace sluice::cli
