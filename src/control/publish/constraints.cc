// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "control/publish/carrying_out.h"
#include "control/publish/lookup.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::publish {
namespace {

using schema::EntityBase;

/// The place in the change at which each row was written last.
using Positions = std::map<std::pair<std::string_view, Uuid>, std::size_t>;

/// Whether another row than `place` is among `ids`. Of two that the same change writes, the later one is to blame. One
/// that has expired is in nobody's way: it goes.
bool clashes(Work& work, const store::Table& table, const store::Ids* ids, const Work::Place& place,
             const Positions& positions) {
  return ids != nullptr && std::ranges::any_of(*ids, [&](const Uuid& id) {
           if (id == place.id) return false;
           if (table.has_expired(id, static_cast<std::int64_t>(work.now))) {
             work.expired.push_back({place.type, id, place.workspace, place.operation});
             return false;
           }
           const auto other = positions.find({place.type->name(), id});
           return other == positions.end() || other->second <= place.operation;
         });
}

void report_clash(Work& work, const Work::Place& place, Json key) {
  work.fail(
      {.kind = Failure::Kind::Unique, .operation = place.operation, .type = place.type->name(), .key = std::move(key)});
}

void check_unique(Work& work, const Work::Place& place, const std::string& document, const Positions& positions) {
  const EntityBase& type = *place.type;
  for (const auto* field : type.unique_fields()) {
    if (field->name == "id") continue;
    const auto texts = store::member_texts(document, field->name);
    if (texts.empty()) continue;
    for (const store::Space* space : spaces_of(work, field->unique_across_ws, place.workspace)) {
      const store::Table& table = space->table(type.name());
      if (!clashes(work, table, table.find_all(field->name, texts.front()), place, positions)) continue;
      Json::Object key;
      key.append(field->name, texts.front());
      report_clash(work, place, std::move(key));
    }
  }
  if (type.cache_key().size() < 2) return;
  const store::Table& table = work.space(place.workspace).table(type.name());
  if (!clashes(work, table, table.find_same_keys(document), place, positions)) return;
  Json::Object key;
  for (const auto& column : type.cache_key()) {
    const auto value = parse_json(store::raw_member(document, column));
    key.append(column, value ? *value : Json());
  }
  report_clash(work, place, std::move(key));
}

/// A workspace may have been removed since the request found it.
void check_workspace(Work& work, const Work::Place& place) {
  if (place.workspace.is_nil()) return;
  if (work.space({}).table(entity::Workspace::kName).find(place.workspace) != nullptr) return;
  work.fail({.kind = Failure::Kind::NotFound, .operation = place.operation, .type = place.type->name()});
}

/// A workspace keeps its name, by which paths know it, and the default one's is taken also before anybody has written
/// it.
void check_workspace_name(Work& work, const Work::Place& place, const std::string& document) {
  const auto name = store::member_texts(document, "name");
  if (name.empty()) return;
  const bool is_default = place.id == Uuid::parse(entity::Workspace::kDefaultId);
  if (name.front() == entity::Workspace::kDefaultName && !is_default) {
    return report_clash(work, place, Json::Object{{"name", name.front()}});
  }
  const bool renamed = is_default ? name.front() != entity::Workspace::kDefaultName
                                  : !place.before.empty() && place.before != name.front();
  if (!renamed) return;
  schema::Violations violations;
  const schema::PathView root;
  violations.add(root.member("name"), "the name of a workspace cannot be changed");
  work.fail(place.operation, *place.type, std::move(violations));
}

void check_references(Work& work, const Work::Place& place, const std::string& document) {
  for (const auto* field : place.type->foreign_fields()) {
    const Uuid id = referred(document, field->name);
    if (id.is_nil() || work.space(place.workspace).table(field->reference).find(id) != nullptr) continue;
    work.fail({.kind = Failure::Kind::ForeignKey,
               .operation = place.operation,
               .type = place.type->name(),
               .other = field->reference,
               .field = field->name,
               .key = Json::Object{{"id", id.to_string()}}});
  }
}

bool intersect(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::ranges::any_of(a, [&](const std::string& one) { return std::ranges::find(b, one) != b.end(); });
}

/// A plugin runs on its route only if both know a common protocol. reference/gateway.md, 1.2.
void check_protocols(Work& work, const Work::Place& place, const std::string& document) {
  const store::Table& routes = work.space(place.workspace).table(entity::Route::kName);
  const auto own = store::member_texts(document, "protocols");
  const auto shares = [&](const Uuid& route) {
    const sync::Document* found = routes.find(route);
    return found == nullptr || intersect(own, store::member_texts(**found, "protocols"));
  };
  schema::Violations violations;
  const schema::PathView root;
  const Uuid route = referred(document, "route");
  const Uuid service = referred(document, "service");
  if (!route.is_nil()) {
    if (!shares(route)) violations.add(root.member("protocols"), "must match the associated route's protocols");
  } else if (!service.is_nil()) {
    const store::Ids of_service = children(routes, "service", service);
    if (!of_service.empty() && std::ranges::none_of(of_service, shares)) {
      violations.add(root.member("protocols"),
                     "must match the protocols of at least one route pointing to this Plugin's service");
    }
  }
  if (!violations.empty()) work.fail(place.operation, *place.type, std::move(violations));
}

/// What a workspace was called that is about to be written.
std::string name_before(const Work& work, const EntityBase& type, const Uuid& id) {
  if (type.name() != entity::Workspace::kName) return {};
  const sync::Document* document = work.space({}).table(type.name()).find(id);
  const auto name = document != nullptr ? store::member_texts(**document, "name") : std::vector<std::string>();
  return name.empty() ? std::string() : name.front();
}

}  // namespace

void Work::write(const EntityBase& type, const Uuid& id, const Uuid& workspace, sync::Document document,
                 std::size_t operation) {
  const Uuid place = type.workspaceable() ? workspace : Uuid{};
  put.push_back({&type, id, place, operation, name_before(*this, type, id)});
  draft.put({type.name(), id, std::move(document), place});
  written.insert({type.name(), id});
}

void Work::fail(std::size_t operation, const EntityBase& type, schema::Violations violations) {
  fail({.operation = operation, .violations = std::move(violations), .type = type.name()});
}

void check_rows(Work& work) {
  Positions positions;
  for (const Work::Place& place : work.put) positions[{place.type->name(), place.id}] = place.operation;
  for (const Work::Place& place : work.put) {
    const sync::Document* document = work.space(place.workspace).table(place.type->name()).find(place.id);
    if (document == nullptr) continue;  // gone again
    check_workspace(work, place);
    check_unique(work, place, **document, positions);
    check_references(work, place, **document);
    if (place.type->name() == entity::Workspace::kName) check_workspace_name(work, place, **document);
    if (place.type->name() == entity::Partial::kName) check_linked_plugins(work, place);
    if (place.type->name() != entity::Plugin::kName) continue;
    check_protocols(work, place, **document);
    check_links(work, place, **document);
  }
  for (const Work::Place& gone : std::exchange(work.expired, {})) {
    remove_row(work, *gone.type, gone.workspace, gone.id, gone.operation);
  }
}

}  // namespace sluice::control::publish
