// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cli/gateway/state.h"
#include "crypto/hash.h"
#include "entity/all.h"
#include "entity/declarative.h"

namespace sluice::cli {
namespace {

using schema::EntityBase;

std::unordered_set<Uuid> ids_of(const entity::Catalog& catalog, Json& document) {
  std::unordered_set<Uuid> ids;
  for_each_entity(catalog, document, [&](const EntityBase&, Json& entity) {
    const Json* id = entity.find("id");
    const auto uuid = id != nullptr && id->is_string() ? Uuid::parse(id->as_string()) : Result<Uuid>(Uuid{});
    if (uuid) ids.insert(*uuid);
  });
  return ids;
}

/// What may be referred to, unless the file has it too.
void add_lookup_entities(const entity::Catalog& catalog, const State& lookup, Json& document,
                         std::unordered_set<Uuid>& added) {
  std::unordered_set<std::string> present;
  for_each_entity(catalog, document, [&](const EntityBase& type, Json& entity) {
    for (std::string& key : natural_keys(type, entity)) present.insert(std::move(key));
  });
  for (const StateEntity& entity : lookup.entities) {
    const auto keys = natural_keys(*entity.type, entity.document);
    if (std::ranges::any_of(keys, [&](const auto& key) { return present.contains(key); })) continue;
    Json& list = document.as_object()[entity.type->name()];
    if (!list.is_array()) list = Json::array();
    Json& copy = list.as_array().emplace_back(entity.document);
    for (const schema::Field* field : entity.type->foreign_fields()) copy.as_object().erase(field->name);
    added.insert(entity.id);
  }
}

Result<std::vector<entity::Row>> rows_of(const entity::Catalog& catalog, const Json& document) {
  auto rows = entity::load_declarative(catalog, document);
  if (rows) return *std::move(rows);
  std::string problems = rows.error().all.text();
  if (problems.empty()) problems = to_pretty_json(rows.error().body());
  while (problems.ends_with('\n')) problems.pop_back();
  return fail(Errc::Invalid, std::move(problems));
}

/// Gives rows the ids that their entities have already.
class Matching {
 public:
  Matching(const CurrentState& current, bool transform, std::unordered_set<Uuid> given)
      : index_(current.managed),
        without_consumers_(current.without_consumers),
        transform_(transform),
        given_(std::move(given)) {}

  State match(const std::vector<entity::Row>& rows, const std::unordered_set<Uuid>& lookup) {
    State state;
    state.entities.reserve(rows.size());
    for (const entity::Row& row : rows) {
      if (lookup.contains(row.id)) continue;
      Json document = row.json();
      follow_references(*row.type, document.as_object());
      const Uuid id = identity(row, document);
      if (id != row.id) moved_.emplace(row.id, id);
      if (without_consumers_ && belongs_to_consumer(*row.type, document)) continue;
      document.as_object().set("id", id.to_string());
      state.entities.push_back(entity_of(*row.type, id, std::move(document)));
    }
    return state;
  }

 private:
  void follow_references(const EntityBase& type, Json::Object& document) const {
    for (const schema::Field* field : type.foreign_fields()) {
      Json* reference = document.find(field->name);
      Json* id = reference != nullptr ? reference->find("id") : nullptr;
      if (id == nullptr || !id->is_string()) continue;
      const auto at = moved_.find(Uuid::parse(id->as_string()).value_or(Uuid{}));
      if (at != moved_.end()) *id = at->second.to_string();
    }
    if (type.name() == entity::Plugin::kName) follow_links(document);
  }

  void follow_links(Json::Object& plugin) const {
    Json* list = plugin.find("partials");
    if (list == nullptr || !list->is_array()) return;
    for (Json& link : list->as_array()) {
      Json* id = link.find("id");
      if (id == nullptr || !id->is_string()) continue;
      const auto at = moved_.find(Uuid::parse(id->as_string()).value_or(Uuid{}));
      if (at != moved_.end()) *id = at->second.to_string();
    }
  }

  [[nodiscard]] Uuid identity(const entity::Row& row, const Json& document) {
    if (given_.contains(row.id)) return row.id;
    const StateEntity* same = index_.by_keys(*row.type, document);
    if (same == nullptr || same->id.is_nil() || given_.contains(same->id) || !taken_.insert(same->id).second) {
      return Uuid::random();
    }
    return same->id;
  }

  /// A password compares as the store keeps it: hashed with the id of its consumer, known only now. What is sent is the
  /// password itself.
  [[nodiscard]] StateEntity entity_of(const EntityBase& type, const Uuid& id, Json document) const {
    if (type.name() != entity::BasicauthCredential::kName || !transform_) return {type, id, std::move(document)};
    Json stored = document;
    const std::string& consumer = document.find("consumer")->find("id")->as_string();
    stored.as_object().set("password", crypto::sha1_hex(document.find("password")->as_string() + consumer));
    StateEntity entity(type, id, std::move(document));
    entity.comparable = StateEntity(type, id, std::move(stored)).comparable;
    return entity;
  }

  StateIndexView index_;
  bool without_consumers_;
  bool transform_;
  std::unordered_set<Uuid> given_;
  std::unordered_set<Uuid> taken_;
  std::unordered_map<Uuid, Uuid> moved_;
};

}  // namespace

Result<State> wanted_state(const entity::Catalog& catalog, StateFile file, const CurrentState& current) {
  TRY(complete_entities(catalog, file.document, file.select_tags));
  auto given = ids_of(catalog, file.document);
  std::unordered_set<Uuid> lookup;
  add_lookup_entities(catalog, current.lookup, file.document, lookup);
  file.document.as_object().set("_transform", false);  // ids decide what is stored, and they are not final yet
  TRY(const auto rows, rows_of(catalog, file.document));
  return Matching(current, file.transform, std::move(given)).match(rows, lookup);
}

Result<> check_state_file(const entity::Catalog& catalog, StateFile file) {
  TRY(complete_entities(catalog, file.document, file.select_tags));
  TRY(rows_of(catalog, file.document));
  return {};
}

}  // namespace sluice::cli
