// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "control/publish/carrying_out.h"
#include "control/publish/lookup.h"
#include "entity/all.h"

namespace sluice::control::publish {
namespace {

using schema::EntityBase;
using schema::Field;
using schema::OnDelete;

/// How a reference was written.
struct Wanted {
  const std::string* text = nullptr;
  std::string column;  // "id", or the endpoint key
};

const std::string* text(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? &value->as_string() : nullptr;
}

Wanted wanted(const Json& value, const EntityBase& type, bool names_refer) {
  if (value.is_string() && names_refer) return {&value.as_string(), {}};
  if (const std::string* id = text(value, "id")) return {id, "id"};
  const std::string& key = type.endpoint_key();
  if (key.empty() || !value.is_object()) return {};
  return {text(value, key), key};
}

/// The row that the text means in the place where it stands.
Uuid resolve(const store::Space& space, const EntityBase& type, const Wanted& reference) {
  const store::Table& table = space.table(type.name());
  const auto id = Uuid::parse(*reference.text);
  if (reference.column == "id") return id.value_or(Uuid{});  // whether it exists is seen at the end
  if (id && reference.column != type.endpoint_key()) return *id;
  if (type.endpoint_key().empty()) return {};
  return table.find_unique(type.endpoint_key(), *reference.text);
}

/// Every row that refers to `id` by a field of its own.
template <class Visit>
void for_each_dependent(const Work& work, const EntityBase& type, const Uuid& workspace, const Uuid& id,
                        const Visit& visit) {
  for (const store::Space* space : spaces_of(work, !type.workspaceable(), workspace)) {
    for (const auto& owner : work.catalog.types()) {
      for (const Field* field : owner->foreign_fields()) {
        if (field->reference != type.name()) continue;
        for (const Uuid& dependent : children(space->table(owner->name()), field->name, id)) {
          visit(*space, *owner, *field, dependent);
        }
      }
    }
  }
}

/// Leaves a reference empty in a row that may be without it.
void clear_reference(Work& work, const store::Space& space, const EntityBase& owner, const Field& field, const Uuid& id,
                     std::size_t operation) {
  auto document = parse_json(**space.table(owner.name()).find(id));
  if (!document) return;
  document->as_object().set(field.name, nullptr);
  work.write(owner, id, space.id(), std::make_shared<const std::string>(to_json(*document)), operation);
}

/// Certificate authorities are named in lists, which no foreign key guards.
void check_authority(Work& work, const Work::Place& place) {
  const std::string id = place.id.to_string();
  for (const auto& [workspace, space] : work.draft.store().spaces()) {
    const store::Ids* services = space.table(entity::Service::kName).find_all("ca_certificates", id);
    const store::Table& plugins = space.table(entity::Plugin::kName);
    const auto plugin = std::ranges::find_if(
        plugins.rows(), [&](const auto& row) { return row.second->find('"' + id + '"') != std::string::npos; });
    const bool by_service = services != nullptr && !services->empty();
    if (!by_service && plugin == plugins.rows().end()) continue;
    const Uuid by = by_service ? services->front() : plugin->first;
    work.fail({.kind = Failure::Kind::Referenced,
               .operation = place.operation,
               .type = place.type->name(),
               .other = std::string(by_service ? entity::Service::kName : entity::Plugin::kName),
               .key = Json::Object{{"id", id}, {"by", by.to_string()}}});
    return;
  }
}

/// What a workspace has goes before it does.
void check_emptiness(Work& work, const Work::Place& place) {
  const store::Space& space = work.space(place.id);
  const auto left = std::ranges::find_if(space.tables(), [](const auto& table) { return !table.rows().empty(); });
  if (left == space.tables().end()) return;
  work.fail({.kind = Failure::Kind::Restricted,
             .operation = place.operation,
             .type = place.type->name(),
             .other = left->type().name()});
}

}  // namespace

std::vector<const store::Space*> spaces_of(const Work& work, bool everywhere, const Uuid& workspace) {
  if (!everywhere) return {&work.space(workspace)};
  std::vector<const store::Space*> all;
  for (const auto& [id, space] : work.draft.store().spaces()) all.push_back(&space);
  return all;
}

bool resolve_references(Work& work, const Operation& operation, std::size_t position, Json::Object& document) {
  bool good = true;
  for (const Field* field : operation.type->foreign_fields()) {
    Json* value = document.find(field->name);
    if (value == nullptr || value->is_null()) continue;
    const EntityBase& type = *work.catalog.find(field->reference);
    const Wanted reference = wanted(*value, type, operation.names_refer);
    if (reference.text == nullptr) continue;  // no reference at all: the field's own type says so
    const Uuid found = resolve(work.space(operation.workspace), type, reference);
    if (!found.is_nil()) {
      *value = Json::Object{{"id", found.to_string()}};
    } else if (reference.column != "id") {  // what is no id is told by the field's type
      work.fail({.kind = Failure::Kind::Unresolved,
                 .operation = position,
                 .type = operation.type->name(),
                 .other = type.name(),
                 .field = field->name,
                 .key = Json::Object{{reference.column.empty() ? "name" : reference.column, *reference.text}}});
      good = false;
    }
  }
  return good;
}

void remove_row(Work& work, const EntityBase& type, const Uuid& workspace, const Uuid& id, std::size_t operation) {
  work.draft.erase(type.name(), id);
  work.removed.push_back({&type, id, workspace, operation});
  for_each_dependent(work, type, workspace, id,
                     [&](const store::Space& space, const EntityBase& owner, const Field& field, const Uuid& child) {
                       if (field.on_delete == OnDelete::Cascade) {
                         remove_row(work, owner, space.id(), child, operation);
                       } else if (field.on_delete == OnDelete::SetNull) {
                         clear_reference(work, space, owner, field, child, operation);
                       }
                     });
}

void check_removals(Work& work) {
  for (const Work::Place& place : work.removed) {
    if (work.written.contains({place.type->name(), place.id})) continue;  // put back by the same change
    if (place.type->name() == entity::CaCertificate::kName) check_authority(work, place);
    if (place.type->name() == entity::Partial::kName) check_unlinked(work, place);
    if (place.type->name() == entity::Workspace::kName) check_emptiness(work, place);
    bool told = false;
    for_each_dependent(work, *place.type, place.workspace, place.id,
                       [&](const store::Space&, const EntityBase& owner, const Field&, const Uuid& child) {
                         if (told || work.written.contains({owner.name(), child})) return;
                         told = true;
                         work.fail({.kind = Failure::Kind::Restricted,
                                    .operation = place.operation,
                                    .type = place.type->name(),
                                    .other = owner.name()});
                       });
  }
}

}  // namespace sluice::control::publish
