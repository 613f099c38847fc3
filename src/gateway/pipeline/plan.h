// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/intrusive_rc.h"
#include "gateway/config/snapshot.h"
#include "gateway/plugin.h"

namespace sluice::gateway {

/// A live plugin instance of one shard. Exists as long as a plan uses it; a new generation adopts it if its row did not
/// change.
struct PluginInstance : RcObject {
  Shared<const PluginConfig> row;
  std::unique_ptr<Plugin> plugin;
};

/// What runs for one (route, service, consumer): the effective row of each plugin, in running order. Resolved once and
/// cached, never per request. A request pins the plan that it uses.
struct Plan : RcObject {
  std::uint64_t epoch = 0;
  Shared<const RouteConfig> route;      // null for the global plan
  Shared<const ServiceConfig> service;  // null: the route has none
  std::vector<Rc<PluginInstance>> instances;
  std::uint8_t hooks = 0;  // of all instances together
};

/// The rows that apply to requests of `consumer` (null: nobody) to `route` (null: none matched), one per plugin, in
/// running order. Reference section 6.2.
PluginRows effective_rows(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer);

/// The plans and plugin instances of one shard.
class PlanCache {
 public:
  explicit PlanCache(PluginHost& host) : host_(host) {}

  /// The plan for requests to `route` (null: no route matched, only global rows apply) by `consumer` (null: nobody
  /// yet).
  Rc<Plan> plan(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer);
  /// Drops what belongs to routes that no longer exist; called now and then after a publication.
  void sweep(const Snapshot& snapshot);
  [[nodiscard]] std::size_t size() const { return plans_.size(); }

 private:
  struct Key {
    Uuid route;
    Uuid consumer;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };

  Rc<Plan> resolve(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer);
  Rc<PluginInstance> instance(const Shared<const PluginConfig>& row);

  PluginHost& host_;
  std::unordered_map<Key, Rc<Plan>, KeyHash> plans_;
  std::unordered_map<const PluginConfig*, Rc<PluginInstance>> instances_;
};

}  // namespace sluice::gateway
