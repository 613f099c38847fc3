// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/intrusive_rc.h"
#include "gateway/balancer/live_service.h"
#include "gateway/config/snapshot.h"
#include "gateway/plugin.h"

namespace sluice::gateway {

/// A live plugin instance of one shard. Exists as long as a plan uses it; a new generation adopts it if its row did not
/// change.
struct PluginInstance : RcObject {
  Shared<const PluginConfig> row;
  std::unique_ptr<Plugin> plugin;
  StreamPlugin* streams = nullptr;  // the same object, if it deals with streams
};

/// What plugins are chosen for: rows of `plugins` name protocols of one or the other.
enum class Subsystem : std::uint8_t { Http, Stream };

/// What runs for one (route, service, consumer): the effective row of each plugin, in running order. Resolved once and
/// cached, never per request. Routes of one service without plugins of their own share a plan, and so do consumers that
/// no plugin names. A request pins the plan that it uses.
struct Plan : RcObject {
  std::uint64_t epoch = 0;
  Shared<const RouteConfig> route;        // if it has plugins of its own
  Shared<const ServiceConfig> service;    // null: the route has none, or there is no route
  Shared<const ConsumerConfig> consumer;  // if plugins name it or its groups
  std::vector<Rc<PluginInstance>> instances;
  Hook hooks = 0;        // of all instances together
  Rc<LiveService> live;  // of `service`, once a request has asked for it
};

/// The rows that apply to requests of `consumer` (null: nobody) to `route` (null: none matched), one per plugin, in
/// running order. Without a route, those of the subsystem. Reference section 6.2.
PluginRows effective_rows(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer,
                          Subsystem subsystem = Subsystem::Http);

/// The plans and plugin instances of one shard.
class PlanCache {
 public:
  explicit PlanCache(PluginHost& host) : host_(host) {}

  /// The plan for requests to `route` (null: no route matched, only global rows apply) by `consumer` (null: nobody
  /// yet). Without a route, that of the subsystem.
  Rc<Plan> plan(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer,
                Subsystem subsystem = Subsystem::Http);
  /// For a request that ran the first `done` (at least one) instances of `plan` before it came to `other`, that of its
  /// consumer: those instances, then what `other` has to run after them. What ran before the consumer was known stays
  /// as it was chosen then, for the later phases too. Nearly always `other` itself; else made once and kept.
  Rc<Plan> continued(const Rc<Plan>& plan, std::size_t done, const Rc<Plan>& other);
  /// Looks for plans and instances that are no longer of use, a few at a time so that no request waits for it; called
  /// after each publication. All are visited in the course of several calls.
  void sweep(const Snapshot& snapshot);
  [[nodiscard]] std::size_t size() const { return plans_.size(); }
  [[nodiscard]] std::size_t instances() const { return instances_.size(); }

  static constexpr std::size_t kMaxPlans = 50'000;

 private:
  struct Key {
    Uuid anchor;  // the route if it has plugins of its own, else the service
    Uuid workspace;
    Uuid consumer;
    Subsystem subsystem = Subsystem::Http;  // routes have plans of their own where it matters
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };

  /// What continued() was asked.
  struct Change {
    const Plan* from;
    const Plan* to;
    std::size_t done;
    friend bool operator==(const Change&, const Change&) = default;
  };
  struct ChangeHash {
    std::size_t operator()(const Change& change) const;
  };
  struct Continued {
    Rc<Plan> plan;
    Rc<Plan> from, to;  // keep the addresses in the key from being used again
  };

  Rc<Plan> resolve(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer, Subsystem subsystem);
  Rc<PluginInstance> instance(const Shared<const PluginConfig>& row);
  void make_room();

  PluginHost& host_;
  std::unordered_map<Key, Rc<Plan>, KeyHash> plans_;
  std::unordered_map<Change, Continued, ChangeHash> continued_;
  std::unordered_map<const PluginConfig*, Rc<PluginInstance>> instances_;
  std::size_t next_plan_bucket_ = 0;
  std::size_t next_continued_bucket_ = 0;
  std::size_t next_instance_bucket_ = 0;
};

}  // namespace sluice::gateway
