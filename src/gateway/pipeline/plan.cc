// SPDX-License-Identifier: Apache-2.0
#include "gateway/pipeline/plan.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string_view>

#include "gateway/balancer/sweep.h"
#include "gateway/config/plugin_check.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kBucketsAtOnce = 256;
constexpr unsigned kHttpBits = kHttpBit | kHttpsBit | kGrpcBit | kGrpcsBit;

constexpr unsigned kWebSocketBits = kWsBit | kWssBit;
constexpr unsigned kStreamBits = kTcpBit | kTlsBit | kTlsPassthroughBit | kUdpBit;

/// What the tuple of a request is, as ids; nil where there is none.
struct Tuple {
  Uuid workspace, route, service, consumer;
  unsigned protocols = kHttpBits;  // rows with one of these apply
  const std::vector<Uuid>* groups = nullptr;

  [[nodiscard]] bool in_group(const Uuid& id) const {
    return groups != nullptr && std::find(groups->begin(), groups->end(), id) != groups->end();
  }
  /// Position of the group among the consumer's, which are sorted by name: the first one decides.
  [[nodiscard]] int group_order(const Uuid& id) const {
    if (groups == nullptr || id.is_nil()) return 0;
    return static_cast<int>(std::find(groups->begin(), groups->end(), id) - groups->begin());
  }
};

/// Whether every scope that the row names is the request's. Of the protocols only those of HTTP as a whole count, those
/// of streams, or those of WebSocket on its routes: a row for https serves plain requests too, as in the ecosystem, so
/// that nobody evades a policy by leaving TLS away.
bool applies(const PluginConfig& row, const Tuple& tuple) {
  return (row.protocols & tuple.protocols) != 0 && row.workspace == tuple.workspace &&
         (row.route.is_nil() || row.route == tuple.route) && (row.service.is_nil() || row.service == tuple.service) &&
         (row.consumer.is_nil() || row.consumer == tuple.consumer) &&
         (row.consumer_group.is_nil() || tuple.in_group(row.consumer_group));
}

/// Reference section 6.2, highest first: consumer+route+service, group+route+service, consumer+route,
/// consumer+service, group+route, group+service, route+service, consumer, group, route, service, global.
int precedence(const PluginConfig& row) {
  const bool r = !row.route.is_nil(), s = !row.service.is_nil(), c = !row.consumer.is_nil(),
             g = !row.consumer_group.is_nil();
  if (c && r && s) return 12;
  if (g && r && s) return 11;
  if (c && r) return 10;
  if (c && s) return 9;
  if (g && r) return 8;
  if (g && s) return 7;
  if (r && s) return 6;
  if (c) return 5;
  if (g) return 4;
  if (r) return 3;
  if (s) return 2;
  return 1;
}

bool runs_before(const PluginDescriptor* a, const PluginDescriptor* b) {
  return a->priority != b->priority ? a->priority > b->priority : a->name > b->name;
}

struct RunsBefore {
  bool operator()(const PluginDescriptor* a, const PluginDescriptor* b) const { return runs_before(a, b); }
};

}  // namespace

std::size_t PlanCache::KeyHash::operator()(const Key& key) const {
  const std::hash<Uuid> hash;
  return hash(key.anchor) ^ (hash(key.consumer) * 0x9E3779B97F4A7C15ULL) ^ (hash(key.workspace) >> 1U) ^
         static_cast<std::size_t>(key.subsystem);
}

Rc<Plan> PlanCache::plan(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer,
                         Subsystem subsystem) {
  if (consumer != nullptr && !snapshot.has_own_policies(*consumer)) consumer = nullptr;
  const RouteConfig* own = route != nullptr && route->has_own_plugins ? route : nullptr;
  Key key;
  if (route != nullptr) {
    key.anchor = route->plan_anchor;
    key.workspace = route->workspace;
  } else {
    key.subsystem = subsystem;
  }
  if (consumer != nullptr) key.consumer = consumer->id;
  auto found = plans_.find(key);
  if (found != plans_.end()) {
    const Plan& plan = *found->second;
    if (plan.epoch == snapshot.policy_epoch && plan.route.get() == own && plan.consumer.get() == consumer)
      return found->second;
  }
  Rc<Plan> made = resolve(snapshot, route, consumer, subsystem);
  if (found != plans_.end()) {
    found->second = made;
  } else {
    if (plans_.size() >= kMaxPlans) make_room();
    plans_.emplace(key, made);
  }
  return made;
}

PluginRows effective_rows(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer,
                          Subsystem subsystem) {
  Tuple tuple;
  if (route != nullptr ? route->is_stream() : subsystem == Subsystem::Stream) tuple.protocols = kStreamBits;
  if (route != nullptr) {
    tuple.workspace = route->workspace;
    tuple.route = route->id.value;
    tuple.service = route->service.id;
    if (route->is_websocket()) tuple.protocols = kWebSocketBits;
  }
  if (consumer != nullptr) {
    tuple.consumer = consumer->id;
    tuple.groups = &consumer->consumer_groups;
  }
  // One row per plugin: the one that is scoped most narrowly.
  std::map<const PluginDescriptor*, const Shared<const PluginConfig>*, RunsBefore> chosen;
  auto consider = [&](const Uuid& anchor) {
    const PluginRows* rows = snapshot.plugins_at(anchor);
    if (rows == nullptr) return;
    for (const auto& row : *rows) {
      if (!applies(*row, tuple)) continue;
      auto& best = chosen[row->descriptor];
      if (best == nullptr || precedence(*row) > precedence(**best) ||
          (precedence(*row) == precedence(**best) &&
           tuple.group_order(row->consumer_group) < tuple.group_order((*best)->consumer_group))) {
        best = &row;
      }
    }
  };
  consider(tuple.workspace);
  if (!tuple.route.is_nil()) consider(tuple.route);
  if (!tuple.service.is_nil()) consider(tuple.service);
  if (!tuple.consumer.is_nil()) consider(tuple.consumer);
  if (tuple.groups != nullptr) {
    for (const Uuid& group : *tuple.groups) consider(group);
  }
  PluginRows rows;
  for (const auto& [descriptor, row] : chosen) rows.push_back(*row);
  return rows;
}

Rc<Plan> PlanCache::resolve(const Snapshot& snapshot, const RouteConfig* route, const Consumer* consumer,
                            Subsystem subsystem) {
  auto plan = make_rc<Plan>();
  plan->epoch = snapshot.policy_epoch;
  if (route != nullptr) {
    if (route->has_own_plugins) plan->route = Shared<const RouteConfig>::share(route);
    if (const auto* service = snapshot.services.find(route->service.id)) plan->service = *service;
  }
  if (consumer != nullptr) {
    const auto* current = snapshot.consumers.find(consumer->id);
    if (current != nullptr) plan->consumer = *current;
  }
  for (const auto& row : effective_rows(snapshot, route, consumer, subsystem)) {
    plan->instances.push_back(instance(row));
    plan->hooks |= row->descriptor->hooks;
  }
  return plan;
}

std::size_t PlanCache::ChangeHash::operator()(const Change& change) const {
  const std::hash<const Plan*> hash;
  return hash(change.to) ^ (hash(change.from) * 0x9E3779B97F4A7C15ULL) ^ (change.done << 1U);
}

Rc<Plan> PlanCache::continued(const Rc<Plan>& plan, std::size_t done, const Rc<Plan>& other) {
  const PluginDescriptor* last = plan->instances[done - 1]->row->descriptor;
  const auto rest = std::ranges::find_if(
      other->instances, [&](const auto& instance) { return runs_before(last, instance->row->descriptor); });
  const auto first = plan->instances.begin();
  const auto chosen = first + static_cast<std::ptrdiff_t>(done);
  if (std::equal(first, chosen, other->instances.begin(), rest)) return other;
  if (continued_.size() >= kMaxPlans) continued_.clear();
  Continued& entry = continued_[{plan.get(), other.get(), done}];
  if (entry.plan) return entry.plan;
  auto merged = make_rc<Plan>();
  merged->epoch = other->epoch;
  merged->route = other->route;
  merged->service = other->service;
  merged->consumer = other->consumer;
  merged->live = other->live;
  merged->instances.assign(first, chosen);
  merged->instances.insert(merged->instances.end(), rest, other->instances.end());
  for (const auto& instance : merged->instances) merged->hooks |= instance->row->descriptor->hooks;
  entry = {merged, plan, other};
  return merged;
}

Rc<PluginInstance> PlanCache::instance(const Shared<const PluginConfig>& row) {
  Rc<PluginInstance>& live = instances_[row.get()];
  if (!live) {
    live = make_rc<PluginInstance>();
    live->row = row;  // keeps the row's address from being used again while it is a key
    live->plugin = row->descriptor->make(row->config, row->identity, host_);
    live->streams = dynamic_cast<StreamPlugin*>(live->plugin.get());
  }
  return live;
}

void PlanCache::sweep(const Snapshot& snapshot) {
  auto is_stale = [&](const Rc<Plan>& plan) {
    if (plan->epoch != snapshot.policy_epoch) return true;
    if (plan->route) {
      const auto* current = snapshot.routes_by_id.find(plan->route->id.value);
      if (current == nullptr || current->get() != plan->route.get()) return true;
    }
    if (!plan->consumer) return false;
    const auto* current = snapshot.consumers.find(plan->consumer->id);
    return current == nullptr || current->get() != plan->consumer.get();
  };
  sweep_buckets(plans_, next_plan_bucket_, kBucketsAtOnce, is_stale);
  sweep_buckets(continued_, next_continued_bucket_, kBucketsAtOnce,
                [&](const Continued& entry) { return is_stale(entry.plan); });
  sweep_buckets(instances_, next_instance_bucket_, kBucketsAtOnce,
                [](const Rc<PluginInstance>& instance) { return instance.use_count() == 1; });
}

/// At the limit some plans go, whichever are next: those that are in use come back at once.
void PlanCache::make_room() {
  const std::size_t limit = plans_.size();
  while (plans_.size() >= limit) {
    sweep_buckets(plans_, next_plan_bucket_, kBucketsAtOnce, [](const Rc<Plan>&) { return true; });
  }
}

}  // namespace sluice::gateway
