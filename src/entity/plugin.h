// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "entity/consumer.h"
#include "entity/consumer_group.h"
#include "entity/partial_link.h"
#include "entity/route.h"
#include "entity/service.h"
#include "schema/entity.h"

namespace sluice::entity {

/// One configuration of a plugin, and where it applies.
struct Plugin {
  static constexpr std::string_view kName = "plugins";

  schema::Id<Plugin> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::string instance_name;
  schema::Ref<Route> route;
  schema::Ref<Service> service;
  schema::Ref<Consumer> consumer;
  schema::Ref<ConsumerGroup> consumer_group;
  Json config;
  std::vector<std::string> protocols = {"grpc", "grpcs", "http", "https"};
  bool enabled = true;
  std::vector<std::string> tags;
  std::vector<PartialLink> partials;

  static void describe(schema::Entity<Plugin>& e);
};

/// What the plugins entity must know of one plugin.
struct PluginSchema {
  std::string name;
  schema::RecordBase config;
  std::vector<std::string> protocols = {"grpc", "grpcs", "http", "https"};  // that a row may name
  std::vector<std::string> default_protocols = {"grpc", "grpcs", "http", "https"};
  bool on_route = true;
  bool on_service = true;
  bool on_consumer = true;
  bool on_consumer_group = true;
};

/// The plugins that are installed, by name. Fill it, then make the catalog, which keeps what it needs.
class PluginSchemas {
 public:
  /// The name must be new.
  void add(PluginSchema schema);
  [[nodiscard]] const PluginSchema* find(std::string_view name) const;
  [[nodiscard]] auto begin() const { return schemas_.begin(); }
  [[nodiscard]] auto end() const { return schemas_.end(); }

 private:
  std::map<std::string, PluginSchema, std::less<>> schemas_;
};

/// Plugins as whole entities, each with its own `config`, `protocols` and scopes: what `/schemas/plugins/:name` shows.
using PluginCases = std::map<std::string, std::shared_ptr<const schema::RecordBase>, std::less<>>;
PluginCases add_plugin_cases(schema::Entity<Plugin>& e, const PluginSchemas& schemas);

}  // namespace sluice::entity
