// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <utility>

#include "control/admin/body.h"
#include "control/admin/endpoints.h"
#include "entity/vault.h"
#include "schema/published.h"

namespace sluice::control::admin {
namespace {

Reply unknown(std::string_view kind, std::string_view name) {
  return Reply::message(404, "No " + std::string(kind) + " named '" + std::string(name) + "'");
}

Reply entity_schema(const Parts& parts, const Request& request) {
  const auto* type = parts.catalog.find(request.params[0]);
  return type != nullptr ? Reply::json(200, schema::kong_schema(*type)) : unknown("entity", request.params[0]);
}

Reply plugin_schema(const Parts& parts, const Request& request) {
  const auto* plugin = parts.catalog.plugin(request.params[0]);
  return plugin != nullptr ? Reply::json(200, schema::kong_schema(*plugin)) : unknown("plugin", request.params[0]);
}

/// The deprecated form: `config` alone.
Reply plugin_config_schema(const Parts& parts, const Request& request) {
  const auto* config = parts.catalog.plugin_config(request.params[0]);
  return config != nullptr ? Reply::json(200, schema::kong_schema(*config)) : unknown("plugin", request.params[0]);
}

Reply vault_schema(const Parts& parts, const Request& request) {
  if (request.params[0] != "env") return unknown("vault", request.params[0]);
  schema::RecordBase vault;
  for (schema::Field field : parts.catalog.of<entity::Vault>().fields()) {
    if (field.name != "config") continue;
    field.abstract = false;
    field.required = true;
    field.type = schema::Type::Record;
    field.record = std::make_shared<const schema::RecordBase>(schema::describe<entity::EnvVault>());
    vault.add_field(std::move(field));
  }
  return Reply::json(200, schema::kong_schema(vault));
}

Reply validate(const Parts& parts, const Request& request, std::string_view name) {
  const auto* type = parts.catalog.find(name);
  if (type == nullptr) return unknown("entity", name);
  auto body = body_entity(request, parts.catalog, *type);
  if (!body) return body.error();
  const auto processed = type->process(*std::move(body));
  if (!processed) return Reply::json(400, processed.error().body());
  return Reply::message(200, "schema validation successful");
}

Reply enabled_plugins(const Parts& parts) {
  Json::Array names;
  for (const auto& plugin : parts.plugins) names.emplace_back(plugin.name);
  return Reply::json(200, Json::Object{{"enabled_plugins", std::move(names)}});
}

}  // namespace

void add_schemas(RouteTree& tree, const Parts& parts) {
  tree.add("GET", "/schemas/{name}", [&parts](const Request& request) { return entity_schema(parts, request); });
  tree.add("GET", "/schemas/plugins/{name}",
           [&parts](const Request& request) { return plugin_schema(parts, request); });
  tree.add("GET", "/schemas/vaults/{name}", [&parts](const Request& request) { return vault_schema(parts, request); });
  tree.add("GET", "/plugins/schema/{name}",
           [&parts](const Request& request) { return plugin_config_schema(parts, request); });
  tree.add("POST", "/schemas/{name}/validate",
           [&parts](const Request& request) { return validate(parts, request, request.params[0]); });
  for (const std::string name : {"plugins", "vaults"}) {
    tree.add("POST", "/schemas/" + name + "/validate",
             [&parts, name](const Request& request) { return validate(parts, request, name); });
  }
  tree.add("GET", "/plugins/enabled", [&parts](const Request&) { return enabled_plugins(parts); });
}

}  // namespace sluice::control::admin
