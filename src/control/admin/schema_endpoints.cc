// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "control/publish/lookup.h"
#include "entity/partial.h"
#include "entity/tag.h"
#include "entity/vault.h"
#include "schema/published.h"

namespace sluice::control::admin {
namespace {

Reply unknown(std::string_view kind, std::string_view name) {
  return Reply::message(404, "No " + std::string(kind) + " named '" + std::string(name) + "'");
}

Reply entity_schema(const Parts& parts, const Request& request) {
  const auto* type = parts.catalog.find(request.params[0]);
  if (type != nullptr) return Reply::json(200, schema::kong_schema(*type));
  if (request.params[0] != entity::Tag::kName) return unknown("entity", request.params[0]);
  return Reply::json(200, schema::kong_schema(schema::describe<entity::Tag>()));
}

/// With the types of partials that the plugin takes, and where.
Reply plugin_schema(const Parts& parts, const Request& request) {
  const auto* plugin = parts.catalog.plugin(request.params[0]);
  if (plugin == nullptr) return unknown("plugin", request.params[0]);
  Json schema = schema::kong_schema(*plugin);
  Json::Object places;
  for (const auto& [type, paths] : entity::partial_places(*parts.catalog.plugin_config(request.params[0]))) {
    places.append(type, Json::Array(paths.begin(), paths.end()));
  }
  if (!places.empty()) schema.as_object().set("supported_partials", std::move(places));
  return Reply::json(200, schema);
}

/// The deprecated form: `config` alone.
Reply plugin_config_schema(const Parts& parts, const Request& request) {
  const auto* config = parts.catalog.plugin_config(request.params[0]);
  return config != nullptr ? Reply::json(200, schema::kong_schema(*config)) : unknown("plugin", request.params[0]);
}

/// An entity's `config` alone, as one case of the entity has it.
Reply config_schema(const schema::RecordBase& entity, schema::RecordBase config) {
  schema::Field field = *entity.find_field("config");
  field.abstract = false;
  field.required = true;
  field.type = schema::Type::Record;
  field.record = std::make_shared<const schema::RecordBase>(std::move(config));
  schema::RecordBase shown;
  shown.add_field(std::move(field));
  return Reply::json(200, schema::kong_schema(shown));
}

Reply vault_schema(const Parts& parts, const Request& request) {
  if (request.params[0] != "env") return unknown("vault", request.params[0]);
  return config_schema(parts.catalog.of<entity::Vault>(), schema::describe<entity::EnvVault>());
}

Reply partial_schema(const Parts& parts, const Request& request) {
  const std::string& type = request.params[0];
  if (!entity::is_partial_type(type)) return unknown("partial", type);
  const schema::RecordBase* config = entity::partial_config(type);
  return config_schema(parts.catalog.of<entity::Partial>(), config != nullptr ? *config : schema::RecordBase());
}

Reply enabled_plugins(const Parts& parts) {
  Json::Array names;
  for (const auto& plugin : parts.plugins) names.emplace_back(plugin.name);
  return Reply::json(200, Json::Object{{"enabled_plugins", std::move(names)}});
}

}  // namespace

Reply validate_entity(const Parts& parts, const Request& request, std::string_view name) {
  const auto* type = parts.catalog.find(name);
  if (type == nullptr) return unknown("entity", name);
  auto body = body_entity(request, parts.catalog, *type);
  if (!body) return body.error();
  const store::Space& space = parts.store.space(request.workspace);
  publish::resolve_link_names(space, *type, *body);
  schema::Violations violations;
  entity::process_entity(parts.catalog, *type, *body, {}, publish::partial_finder(space), violations);
  if (!violations.empty()) return Reply::json(400, violations.body());
  return Reply::message(200, "schema validation successful");
}

void add_schemas(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/schemas/{name}", [&parts](const Request& request) { return entity_schema(parts, request); });
  tree.add("GET", "/schemas/plugins/{name}",
           [&parts](const Request& request) { return plugin_schema(parts, request); });
  tree.add("GET", "/schemas/vaults/{name}", [&parts](const Request& request) { return vault_schema(parts, request); });
  tree.add("GET", "/schemas/partials/{type}",
           [&parts](const Request& request) { return partial_schema(parts, request); });
  tree.add("GET", "/plugins/schema/{name}",
           [&parts](const Request& request) { return plugin_config_schema(parts, request); });
  tree.add("POST", "/schemas/{name}/validate",
           [&parts](const Request& request) { return validate_entity(parts, request, request.params[0]); });
  for (const std::string name : {"plugins", "vaults", "partials"}) {
    tree.add("POST", "/schemas/" + name + "/validate",
             [&parts, name](const Request& request) { return validate_entity(parts, request, name); });
  }
  tree.add("GET", "/plugins/enabled", [&parts](const Request&) { return enabled_plugins(parts); });
}

}  // namespace sluice::control::admin
