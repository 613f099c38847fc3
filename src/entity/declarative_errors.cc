// SPDX-License-Identifier: Apache-2.0
// Forms of an error: reference/gateway.md, 2.5.
#include <algorithm>

#include "entity/declarative.h"

namespace sluice::entity {
namespace {

constexpr int kInvalidDeclarative = 14;  // Kong's error code

Json body_of(Json fields) {
  std::string message = "declarative config is invalid: " + schema::lua_table_text(fields);
  return Json::Object{{"code", kInvalidDeclarative},
                      {"name", "invalid declarative configuration"},
                      {"message", std::move(message)},
                      {"fields", std::move(fields)}};
}

/// Name, id and tags are repeated beside the entity only where they are well-formed: clients trust them.
void add_labels(Json::Object& out, const Json& entity) {
  const Json* name = entity.find("name");
  if (name != nullptr && name->is_string() && !name->as_string().empty()) out.set("entity_name", *name);
  const Json* id = entity.find("id");
  if (id != nullptr && id->is_string() && Uuid::parse(id->as_string())) out.set("entity_id", *id);
  const Json* tags = entity.find("tags");
  if (tags != nullptr && tags->is_array() && std::ranges::all_of(tags->as_array(), &Json::is_string)) {
    out.set("entity_tags", *tags);
  }
}

}  // namespace

Json DeclarativeErrors::body() const {
  return body_of(references.is_null() ? all.fields() : references);
}

Json DeclarativeErrors::flattened_body() const {
  Json body = body_of(outside.fields());
  Json::Array list;
  for (const auto& one : entities) {
    Json::Object entry{{"entity_type", one.type}};
    add_labels(entry, one.entity);
    entry.set("entity", one.entity);
    entry.set("errors", one.violations.flattened());
    list.emplace_back(std::move(entry));
  }
  body.as_object().set("flattened_errors", std::move(list));
  return body;
}

}  // namespace sluice::entity
