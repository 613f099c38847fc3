// SPDX-License-Identifier: Apache-2.0
#include "entity/plugin.h"

#include <utility>

#include "base/assert.h"

namespace sluice::entity {
namespace {

using schema::Field;
using schema::RecordBase;

Field scope(const RecordBase& general, const char* name, bool allowed) {
  Field field = *general.find_field(name);
  if (!allowed) {
    field.rules.clear();
    field.add_rule(schema::must_be_null());
  }
  return field;
}

Field protocols_of(const RecordBase& general, const PluginSchema& schema) {
  Field field = *general.find_field("protocols");
  Json::Array names(schema.protocols.begin(), schema.protocols.end());
  field.element = std::make_shared<Field>(*field.element);
  field.element->rules.clear();
  field.element->add_rule(schema::one_of(std::move(names)));
  field.preset = Json(Json::Array(schema.default_protocols.begin(), schema.default_protocols.end()));
  return field;
}

std::shared_ptr<const RecordBase> make_case(const RecordBase& general, const PluginSchema& schema) {
  auto result = std::make_shared<RecordBase>();
  result->doc(schema.config.documentation());
  result->add_field(scope(general, "route", schema.on_route));
  result->add_field(scope(general, "service", schema.on_service));
  result->add_field(scope(general, "consumer", schema.on_consumer));
  result->add_field(scope(general, "consumer_group", schema.on_consumer_group));
  result->add_field(protocols_of(general, schema));
  Field config = *general.find_field("config");
  config.type = schema::Type::Record;
  config.required = true;
  config.abstract = false;
  config.record = std::make_shared<const RecordBase>(schema.config);
  result->add_field(std::move(config));
  return result;
}

}  // namespace

void PluginSchemas::add(PluginSchema schema) {
  std::string name = schema.name;
  const bool added = schemas_.emplace(std::move(name), std::move(schema)).second;
  SLUICE_ASSERT(added);
}

const PluginSchema* PluginSchemas::find(std::string_view name) const {
  const auto at = schemas_.find(name);
  return at != schemas_.end() ? &at->second : nullptr;
}

void Plugin::describe(schema::Entity<Plugin>& e) {
  using schema::OnDelete;
  e.doc("One configuration of a plugin, and where it applies.");
  e.cache_key({"name", "route", "service", "consumer", "consumer_group"});
  e.identity<&Plugin::id>();
  e.endpoint_key("instance_name");
  e.created_at<&Plugin::created_at>();
  e.updated_at<&Plugin::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.field<&Plugin::name>("name", "Which plugin.").required();
  e.field<&Plugin::instance_name>("instance_name", "Its own name.")
      .optional()
      .unique()
      .rule(schema::utf8_name())
      .since(schema::kong(3, 2));
  e.belongs_to<&Plugin::route>("route", OnDelete::Cascade, "Only requests that this route matches.");
  e.belongs_to<&Plugin::service>("service", OnDelete::Cascade, "Only requests to this service.");
  e.belongs_to<&Plugin::consumer>("consumer", OnDelete::Cascade, "Only requests of this consumer.");
  e.belongs_to<&Plugin::consumer_group>("consumer_group", OnDelete::Cascade, "Only requests of this group.")
      .since(schema::kong(3, 4));
  e.field<&Plugin::config>("config", "The plugin's own settings.").abstract();
  e.field<&Plugin::protocols>("protocols", "Only requests with one of these protocols.")
      .as_set()
      .each(schema::one_of({"grpc", "grpcs", "http", "https", "tcp", "tls", "tls_passthrough", "udp"}));
  e.field<&Plugin::enabled>("enabled", "Whether it runs.");
  e.tags<&Plugin::tags>();
  e.field<&Plugin::partials>("partials", "Partials whose values stand in `config`.")
      .optional()
      .since(schema::kong(3, 10));
  e.normalize([](Json::Object& plugin, const Json*, schema::Violations&) {
    Json& links = *plugin.find("partials");
    if (links.is_array() && links.as_array().empty()) links = nullptr;  // one way to say that there are none
  });
}

PluginCases add_plugin_cases(schema::Entity<Plugin>& e, const PluginSchemas& schemas) {
  PluginCases cases;
  for (const auto& [name, schema] : schemas) cases.emplace(name, make_case(e, schema));
  e.cases([cases](const Json::Object& input, schema::Violations& violations) -> const RecordBase* {
    const schema::PathView root;
    const Json* name = input.find("name");
    if (name == nullptr || name->is_null()) {
      violations.add(root.member("name"), "required field missing");
      return nullptr;
    }
    if (!name->is_string()) {
      violations.add(root.member("name"), "expected a string");
      return nullptr;
    }
    const auto found = cases.find(name->as_string());
    if (found != cases.end()) return found->second.get();
    violations.add(root.member("name"),
                   "plugin '" + name->as_string() + "' not enabled; add it to the 'plugins' configuration property");
    return nullptr;
  });
  return cases;
}

}  // namespace sluice::entity
