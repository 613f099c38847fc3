// SPDX-License-Identifier: Apache-2.0
#include "entity/partial_link.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/strings.h"
#include "entity/catalog.h"
#include "entity/nesting.h"
#include "entity/partial.h"

namespace sluice::entity {
namespace {

using schema::PathView;
using schema::Violations;

std::string text(const Json& object, std::string_view member) {
  const Json* value = object.find(member);
  return value != nullptr && value->is_string() ? value->as_string() : std::string();
}

/// The names behind "config" in "config.redis".
std::vector<std::string_view> steps(std::string_view path) {
  auto names = split_list(path, '.');
  if (!names.empty()) names.erase(names.begin());
  return names;
}

/// Makes room for what stands at the path.
Json& place(Json& plugin, std::string_view path) {
  Json* at = &plugin.as_object()["config"];
  for (const std::string_view name : steps(path)) {
    if (!at->is_object()) *at = Json::object();
    at = &at->as_object()[name];
  }
  if (!at->is_object()) *at = Json::object();
  return *at;
}

std::string known_places(const PartialPlaces& places) {
  std::string list;
  for (const auto& [type, paths] : places) {
    for (const std::string& path : paths) list += (list.empty() ? "" : ", ") + type + " at " + path;
  }
  return list.empty() ? "none" : list;
}

/// What is wrong with where the link leads; nothing where it is right. Of a partial that is not there only the place is
/// judged, which any type may have.
std::optional<std::string> misplaced(const PartialPlaces& places, const PartialLink& link,
                                     const std::optional<Json>& partial) {
  const std::string type = partial ? text(*partial, "type") : std::string();
  const bool fits = std::ranges::any_of(places, [&](const auto& of_type) {
    return (!partial || of_type.first == type) && std::ranges::find(of_type.second, link.path) != of_type.second.end();
  });
  if (fits || (!partial && link.path.empty())) return std::nullopt;
  return "no place for a partial" + (partial ? " of type '" + type + "'" : std::string()) +
         "; this plugin takes: " + known_places(places);
}

/// Gives each link its path; what does not fit is reported.
void judge_links(const PartialPlaces& places, std::vector<PartialLink>& links, const FindPartial& find,
                 Violations& violations) {
  const PathView root;
  const PathView list = root.member("partials");
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto partial = find(links[i].id);
    const auto fitting = partial ? places.find(text(*partial, "type")) : places.end();
    if (fitting != places.end() && links[i].path.empty()) links[i].path = fitting->second.front();
    const PathView entry = list.element(i);
    if (auto problem = misplaced(places, links[i], partial)) {
      violations.add(entry.member("path"), *std::move(problem));
      continue;
    }
    if (links[i].path.empty()) continue;  // leads nowhere
    const auto same = [&](const PartialLink& other) { return other.path == links[i].path; };
    const auto before = links.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(links.begin(), before, same)) {
      violations.add(entry.member("path"), "another partial stands there");
    }
  }
}

void complete_paths(Json& plugin, const std::vector<PartialLink>& links) {
  Json::Array& entries = plugin.find("partials")->as_array();
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (!links[i].path.empty()) entries[i].as_object().set("path", links[i].path);
  }
}

/// What is read of a plugin repeats settings under old names; they would contradict the partial when sent back.
void forget_old_names(const schema::RecordBase& config, Json& plugin, const std::vector<PartialLink>& links) {
  Json* given = plugin.find("config");
  if (given == nullptr || !given->is_object()) return;
  for (const schema::Shorthand& old : config.shorthands()) {
    const std::string path = "config." + join(old.translated_to, ".");
    const bool theirs =
        std::ranges::any_of(links, [&](const PartialLink& link) { return path.starts_with(link.path + "."); });
    if (theirs) given->as_object().erase(old.field.name);
  }
}

/// What describes the place; null where the configuration has none.
const schema::RecordBase* described(const schema::RecordBase& config, std::string_view path) {
  const schema::RecordBase* record = &config;
  for (const std::string_view name : steps(path)) {
    const schema::Field* field = record->find_field(name);
    record = field != nullptr ? field->record.get() : nullptr;
    if (record == nullptr) return nullptr;
  }
  return record;
}

/// A partial may know more than the plugin does. What it leaves open is no reason to refuse it.
void forget_open_fields(const schema::RecordBase& config, Json& plugin, const std::vector<PartialLink>& links,
                        const FindPartial& find) {
  for (const PartialLink& link : links) {
    const schema::RecordBase* record = find(link.id) ? described(config, link.path) : nullptr;
    if (record == nullptr) continue;  // leads nowhere
    std::vector<std::string> open;
    Json::Object& values = place(plugin, link.path).as_object();
    for (const auto& [name, value] : values) {
      if (value.is_null() && record->find_field(name) == nullptr) open.push_back(name);
    }
    for (const std::string& name : open) values.erase(name);
  }
}

}  // namespace

void PartialLink::describe(schema::Record<PartialLink>& r) {
  r.field<&PartialLink::id>("id", "The partial.").optional();
  r.field<&PartialLink::name>("name", "Its name, instead of the id.").optional().rule(schema::utf8_name());
  r.field<&PartialLink::path>("path", "Where its values stand: config.redis, if that is the only place.").optional();
  r.check(schema::at_least_one_of({"id", "name"}));
  // Names change; the id says which one it is.
  r.normalize([](Json::Object& link, const Json*, Violations&) {
    if (!link.find("id")->is_null()) link.set("name", nullptr);
  });
}

std::vector<PartialLink> partial_links(const Json& plugin) {
  std::vector<PartialLink> links;
  const Json* list = plugin.find("partials");
  if (list == nullptr || !list->is_array()) return links;
  for (const Json& entry : list->as_array()) {
    if (!entry.is_object()) return {};
    const Json* id = entry.find("id");
    links.push_back({id != nullptr ? schema::read_uuid(*id) : Uuid{}, text(entry, "name"), text(entry, "path")});
  }
  return links;
}

void set_partial_links(Json& plugin, const std::vector<PartialLink>& links) {
  const auto nullable = [](const std::string& value) { return value.empty() ? Json() : Json(value); };
  Json::Array list;
  for (const PartialLink& link : links) {
    list.push_back(Json::Object{
        {"id", schema::write_uuid(link.id)}, {"name", nullable(link.name)}, {"path", nullable(link.path)}});
  }
  plugin.as_object().set("partials", std::move(list));
}

Json with_partials(Json plugin, const FindPartial& find) {
  for (const PartialLink& link : partial_links(plugin)) {
    const auto partial = find(link.id);
    const Json* config = partial ? partial->find("config") : nullptr;
    if (config == nullptr || !config->is_object() || link.path.empty()) continue;
    Json& target = place(plugin, link.path);
    for (const auto& [name, value] : config->as_object()) target.as_object().set(name, value);
  }
  return plugin;
}

void process_entity(const Catalog& catalog, const schema::EntityBase& type, Json& document,
                    const schema::ProcessOptions& options, const FindPartial& find, Violations& violations) {
  if (!check_nesting(document, violations)) return;
  const bool linked = type.name() == Plugin::kName && document.is_object();
  auto links = linked ? partial_links(document) : std::vector<PartialLink>();
  const schema::RecordBase* config = links.empty() ? nullptr : catalog.plugin_config(text(document, "name"));
  if (config == nullptr) return type.process_at(document, PathView{}, options, violations);
  judge_links(partial_places(*config), links, find, violations);
  if (!violations.empty()) return;
  complete_paths(document, links);
  forget_old_names(*config, document, links);
  document = with_partials(std::move(document), find);
  forget_open_fields(*config, document, links, find);
  type.process_at(document, PathView{}, options, violations);
  if (!violations.empty()) return;
  for (const PartialLink& link : links) {
    const schema::RecordBase* record = find(link.id) ? described(*config, link.path) : nullptr;
    if (record != nullptr) place(document, link.path) = record->defaults();
  }
}

}  // namespace sluice::entity
