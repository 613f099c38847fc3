// SPDX-License-Identifier: Apache-2.0
#include "gateway/node.h"

#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include <malloc.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "gateway/explain.h"
#include "telemetry/exposition.h"

namespace sluice::gateway {

Node::Node(NodeParts& parts, const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor,
           std::size_t shards, rt::Reactor& control)
    : parts_(parts),
      builder_(catalog, plugins, flavor),
      control_(control),
      current_(builder_.empty()),
      reactors_(shards) {
  shards_.resize(shards);
}

Node::~Node() {
  reactors_.stop();
}

void Node::start(const std::vector<ProxyDoor>& doors) {
  std::vector<std::promise<void>> up(shards_.size());
  reactors_.start([this, &doors, &up](std::size_t index, rt::Reactor& reactor) {
    shards_[index] = std::make_unique<Shard>(reactor, parts_, index);
    Shard& shard = *shards_[index];
    shard.publish(snapshot());
    for (const ProxyDoor& door : doors) shard.listen(door, door.sockets[index]);
    up[index].set_value();
    reactor.run();
    shards_[index].reset();
  });
  for (auto& promise : up) promise.get_future().wait();
}

void Node::drain(std::int64_t deadline_ms) {
  draining_ = true;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(deadline_ms);
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i] { shards_[i]->drain(); });
  }
  auto open = [this] {
    std::size_t total = 0;
    for (std::size_t i = 0; i < shards_.size(); ++i) {
      std::promise<std::size_t> count;
      reactors_.post(i, [this, i, &count] { count.set_value(shards_[i]->open_connections()); });
      total += count.get_future().get();
    }
    return total;
  };
  while (open() != 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> Node::compile(sync::Delta delta) {
  const bool whole = delta.complete;
  auto built = builder_.build(*snapshot(), std::move(delta));
  // A whole load leaves large trees behind, and the allocator would keep their memory.
  if (whole) ::malloc_trim(0);
  return built;
}

/// Hands `snapshot` to every shard; `when_live` runs on the last of them to take it.
void Node::publish(const Snapshot::Ref& snapshot, std::function<void()> when_live) {
  std::atomic_store(&current_, snapshot);
  auto left = std::make_shared<std::atomic<std::size_t>>(shards_.size());
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i, snapshot, left, when_live] {
      shards_[i]->publish(snapshot);
      if (left->fetch_sub(1) == 1) when_live();
    });
  }
}

Node::Outcome Node::apply_now(sync::Delta delta) {
  auto built = compile(std::move(delta));
  if (!built) return std::unexpected(std::move(built).error());
  std::atomic_store(&current_, *built);
  ready_ = true;
  return sync::Applied{(*built)->generation, (*built)->hash};
}

/// Waits for the builder thread and then for every shard; resumes on the control reactor.
class Node::Publication {
 public:
  Publication(Node& node, sync::Delta delta) : node_(node), shared_(std::make_shared<State>()) {
    shared_->delta = std::move(delta);
  }
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;
  ~Publication() { shared_->waiting = {}; }  // on the control reactor, as the resumption is

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    shared_->waiting = caller;
    node_.builder_thread_.submit([&node = node_, state = shared_] {
      auto built = node.compile(std::move(state->delta));
      if (!built) {
        state->outcome.emplace(std::unexpected(std::move(built).error()));
        finish(node, state);
        return;
      }
      state->outcome.emplace(sync::Applied{(*built)->generation, (*built)->hash});
      node.ready_ = true;
      // The next change is compiled only when this one is live, so that generations arrive in order everywhere.
      std::promise<void> live;
      node.publish(*built, [&live] { live.set_value(); });
      live.get_future().wait();
      finish(node, state);
    });
  }
  Outcome await_resume() { return std::move(*shared_->outcome); }

 private:
  struct State {
    sync::Delta delta;
    std::optional<Outcome> outcome;
    std::coroutine_handle<> waiting;
  };
  static void finish(Node& node, const std::shared_ptr<State>& state) {
    node.control_.post([state] {
      if (auto waiting = std::exchange(state->waiting, {})) waiting.resume();
    });
  }

  Node& node_;
  std::shared_ptr<State> shared_;
};

Task<Node::Outcome> Node::apply(sync::Delta delta) {
  Publication publication(*this, std::move(delta));
  co_return co_await publication;
}

sync::NodeStatus Node::status() const {
  sync::NodeStatus status;
  Snapshot::Ref now = snapshot();
  status.generation = now->generation;
  status.hash = now->hash;
  status.ready = ready_ && !draining_;
  status.draining = draining_;
  for (const auto& shard : shards_) {
    if (!shard) continue;
    status.connections_accepted += shard->counts().accepted.load(std::memory_order_relaxed);
    status.connections_active += shard->counts().active.load(std::memory_order_relaxed);
    status.total_requests += shard->counts().requests.load(std::memory_order_relaxed);
  }
  return status;
}

std::string Node::metrics() const {
  std::vector<const telemetry::Metrics*> shards;
  for (const auto& shard : shards_) {
    if (shard) shards.push_back(&shard->metrics());
  }
  sync::NodeStatus now = status();
  telemetry::NodeStats stats;
  stats.node_id = parts_.options.node_id;
  stats.version = parts_.options.version;
  stats.connections_accepted = now.connections_accepted;
  stats.connections_active = now.connections_active;
  stats.requests_total = now.total_requests;
  stats.workers.push_back({::getpid(), 0});
  Snapshot::Ref current = snapshot();
  for (const auto& entry : current->upstreams) {
    for (const TargetConfig& target : entry.value->targets) {
      std::string name = target.host + ":" + std::to_string(target.port);
      stats.targets.push_back({entry.value->name, name, name, telemetry::TargetHealth::State::HealthchecksOff});
    }
  }
  stats.own.push_back({"sluice_config_generation", "Generation of the configuration that is served.",
                       telemetry::MetricType::Gauge, static_cast<double>(now.generation)});
  stats.own.push_back({"sluice_log_lines_dropped_total", "Log lines that a blocked sink did not take.",
                       telemetry::MetricType::Counter, static_cast<double>(parts_.files.dropped_lines())});
  return telemetry::render_metrics(shards, stats);
}

Json Node::explain(const sync::ExplainQuery& query) const {
  return explain_request(*snapshot(), query);
}

Json Node::upstream_health(const Uuid& upstream) const {
  Json::Object targets;
  Snapshot::Ref now = snapshot();
  const auto* found = now->upstreams.find(upstream);
  if (found == nullptr) return targets;
  for (const TargetConfig& target : (*found)->targets) {
    std::string name = (target.host.find(':') != std::string::npos ? "[" + target.host + "]" : target.host) + ":" +
                       std::to_string(target.port);
    Json::Object address{{"ip", target.host},
                         {"port", static_cast<std::int64_t>(target.port)},
                         {"weight", static_cast<std::int64_t>(target.weight)},
                         {"health", "HEALTHCHECKS_OFF"}};
    targets.set(name, Json::Object{{"health", "HEALTHCHECKS_OFF"}, {"addresses", Json::Array{std::move(address)}}});
  }
  return targets;
}

}  // namespace sluice::gateway
