// SPDX-License-Identifier: Apache-2.0
// Plugins and the partials whose values they take. entity/partial_link.h
#include <optional>
#include <utility>

#include "control/publish/carrying_out.h"
#include "control/publish/lookup.h"
#include "entity/all.h"
#include "store/member.h"

namespace sluice::control::publish {

using entity::Partial;
using entity::Plugin;

entity::FindPartial partial_finder(const store::Space& space) {
  const store::Table* partials = &space.table(Partial::kName);
  return [partials](const Uuid& id) -> std::optional<Json> {
    const sync::Document* document = partials->find(id);
    auto parsed = document != nullptr ? parse_json(**document) : Result<Json>(Json());
    return parsed && parsed->is_object() ? std::optional(*std::move(parsed)) : std::nullopt;
  };
}

store::Ids plugins_linked_to(const store::Space& space, const Uuid& partial) {
  const store::Ids* found = space.table(Plugin::kName).find_all("partials", partial.to_string());
  return found != nullptr ? *found : store::Ids{};
}

void resolve_link_names(const store::Space& space, const schema::EntityBase& type, Json& document) {
  if (type.name() != Plugin::kName || !document.is_object()) return;
  const auto links = entity::partial_links(document);
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (!links[i].id.is_nil() || links[i].name.empty()) continue;
    const Uuid found = space.table(Partial::kName).find_unique("name", links[i].name);
    if (found.is_nil()) continue;
    Json::Object& entry = document.find("partials")->as_array()[i].as_object();
    entry.set("id", found.to_string());
    entry.set("name", nullptr);
  }
}

bool resolve_links(Work& work, const Operation& operation, std::size_t position, Json& document) {
  if (operation.type->name() != Plugin::kName) return true;
  const store::Space& space = work.space(operation.workspace);
  resolve_link_names(space, *operation.type, document);
  for (const entity::PartialLink& link : entity::partial_links(document)) {
    if (link.id.is_nil() && link.name.empty()) return true;  // no link at all: the field's own type says so
    if (space.table(Partial::kName).find(link.id) == nullptr) {
      const bool by_id = !link.id.is_nil();
      Json::Object key;
      key.append(by_id ? "id" : "name", by_id ? link.id.to_string() : link.name);
      work.fail({.kind = by_id ? Failure::Kind::ForeignKey : Failure::Kind::Unresolved,
                 .operation = position,
                 .type = operation.type->name(),
                 .other = std::string(Partial::kName),
                 .field = "partials",
                 .key = std::move(key)});
      return false;
    }
  }
  return true;
}

void check_links(Work& work, const Work::Place& place, const std::string& document) {
  const store::Table& partials = work.space(place.workspace).table(Partial::kName);
  for (const std::string& text : store::member_texts(document, "partials")) {
    const auto id = Uuid::parse(text);
    if (!id || partials.find(*id) != nullptr) continue;
    work.fail({.kind = Failure::Kind::ForeignKey,
               .operation = place.operation,
               .type = place.type->name(),
               .other = std::string(Partial::kName),
               .field = "partials",
               .key = Json::Object{{"id", text}}});
  }
}

void check_linked_plugins(Work& work, const Work::Place& place) {
  const store::Space& space = work.space(place.workspace);
  const store::Table& plugins = space.table(Plugin::kName);
  for (const Uuid& id : plugins_linked_to(space, place.id)) {
    if (work.written.contains({Plugin::kName, id})) continue;  // judged with it already
    auto plugin = parse_json(**plugins.find(id));
    if (!plugin) continue;
    const Json* name = plugin->find("name");
    const std::string what = "plugin '" + (name != nullptr && name->is_string() ? name->as_string() : std::string()) +
                             "' (id = " + id.to_string() + ") that is linked to it: ";
    schema::Violations broken;
    entity::process_entity(work.catalog, plugins.type(), *plugin, {.now = work.now, .transform = false},
                           partial_finder(space), broken);
    if (broken.empty()) continue;
    schema::Violations violations;
    violations.add_entity(schema::PathView{}, what + broken.message());
    work.fail(place.operation, *place.type, std::move(violations));
  }
}

void check_unlinked(Work& work, const Work::Place& place) {
  if (plugins_linked_to(work.space(place.workspace), place.id).empty()) return;
  work.fail({.kind = Failure::Kind::Restricted,
             .operation = place.operation,
             .type = place.type->name(),
             .other = std::string(Plugin::kName)});
}

}  // namespace sluice::control::publish
