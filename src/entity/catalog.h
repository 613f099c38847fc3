// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/assert.h"
#include "entity/plugin.h"
#include "entity/route.h"
#include "schema/entity.h"

namespace sluice::entity {

struct CatalogOptions {
  RouterFlavor flavor = RouterFlavor::TraditionalCompatible;
  RouteChecks route_checks;
  WebSockets websockets = WebSockets::No;
};

/// Every type of entity with its description. Immutable after construction; any thread may use it.
class Catalog {
 public:
  explicit Catalog(const PluginSchemas& plugins, const CatalogOptions& options = {});
  Catalog(const Catalog&) = delete;
  Catalog& operator=(const Catalog&) = delete;

  using Types = std::vector<std::shared_ptr<const schema::EntityBase>>;
  /// A type stands behind those that it refers to.
  [[nodiscard]] const Types& types() const { return types_; }
  /// By DAO name ("keyauth_credentials"); null when there is none.
  [[nodiscard]] const schema::EntityBase* find(std::string_view name) const;
  /// The typed description, e.g. `catalog.of<Route>().read(document)`.
  template <class T>
  [[nodiscard]] const schema::Entity<T>& of() const {
    const auto* found = find(T::kName);
    SLUICE_ASSERT(found != nullptr);
    return static_cast<const schema::Entity<T>&>(*found);
  }

  /// Every plugin that is installed, by name.
  [[nodiscard]] const PluginCases& plugins() const { return plugins_; }
  /// The whole plugin entity as one plugin makes it, for `/schemas/plugins/:name`; null for an unknown plugin.
  [[nodiscard]] const schema::RecordBase* plugin(std::string_view name) const;
  /// The description of a plugin's `config` alone; null for an unknown plugin.
  [[nodiscard]] const schema::RecordBase* plugin_config(std::string_view name) const;

 private:
  Types types_;
  PluginCases plugins_;
};

}  // namespace sluice::entity
