// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "entity/catalog.h"
#include "gateway/config/snapshot_builder.h"
#include "gateway/health/upstream_health.h"
#include "gateway/shard.h"
#include "net/quic/group.h"
#include "rt/large_pages.h"
#include "rt/memory_gauge.h"
#include "rt/offload.h"
#include "rt/scope.h"
#include "rt/shards.h"
#include "rt/turn.h"
#include "sync/local.h"
#include "telemetry/node_stats.h"

namespace sluice::gateway {

/// The gateway of a process: its shards, the current generation, and the way to change it.
///
/// Changes are compiled one after the other on a thread of the node's own and then published to every shard. Requests
/// never wait for any of it.
class Node final : public sync::LocalGateway {
 public:
  /// `control` is the reactor on which apply() is awaited. Everything given outlives the node.
  Node(NodeParts& parts, const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor,
       std::size_t shards, rt::Reactor& control);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node() override;

  /// Opens the doors on every shard. They outlive the node. `elders`: what another process's make_way() gave, one
  /// channel per shard, which become the node's; or none.
  void start(const std::vector<ProxyDoor>& doors, const std::vector<StreamDoor>& stream_doors = {},
             std::vector<int> elders = {});
  /// Another process is about to serve the same sockets: a channel for each of its shards, by which it asks about
  /// datagrams that are not its own (net::Succession). None: nothing is served by datagrams, or the system has none.
  [[nodiscard]] std::vector<int> make_way();
  /// It does not serve them after all.
  void stay();
  /// The end is near: the node is not ready any more, and each response is its connection's last. It still accepts.
  void retreat();
  /// Stops accepting, and is not ready any more; requests in flight go on. Any thread's, as the others.
  void drain(http::Idle idle);
  /// Says in the log what has been turned away since the last time, if anything. To be called once a second.
  void log_shed();
  /// Asks every shard, and waits for their answers: not on a reactor.
  [[nodiscard]] std::size_t open_connections();
  /// Hands changed settings to every shard, each in a turn of its own.
  void reconfigure(LiveParts parts);
  /// The shards' reactors, for a watchdog.
  [[nodiscard]] rt::Shards& shards() { return reactors_; }
  /// Compiles and publishes before any traffic; for start-up. Blocks.
  std::expected<sync::Applied, std::vector<sync::ConfigProblem>> apply_now(sync::Delta delta);

  using sync::LocalGateway::apply;
  Task<std::expected<sync::Applied, std::vector<sync::ConfigProblem>>> apply(sync::Delta delta,
                                                                             sync::CommitStep commit) override;
  [[nodiscard]] sync::NodeStatus status() const override;
  [[nodiscard]] std::string metrics() const override;
  [[nodiscard]] Json explain(const sync::ExplainQuery& query) const override;
  [[nodiscard]] Json dns() const override;
  [[nodiscard]] Json upstream_health(const Uuid& upstream) const override;
  bool set_health(const Uuid& upstream, const std::string& target, bool healthy) override;

  [[nodiscard]] Snapshot::Ref snapshot() const { return std::atomic_load(&current_); }

 private:
  using Outcome = std::expected<sync::Applied, std::vector<sync::ConfigProblem>>;
  class OnBuilderThread;

  [[nodiscard]] std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> compile(sync::Delta delta);
  using ShedCounts = std::array<std::uint64_t, http::kShedReasons>;
  [[nodiscard]] ShedCounts shed() const;
  void add_load(telemetry::NodeStats& stats) const;
  void enlarge_pages();
  Task<void> enlarge();
  void forget_marks();
  void add_stream_stats(telemetry::NodeStats& stats) const;
  [[nodiscard]] Snapshot::Ref freed_by_builder(Snapshot::Ref snapshot);
  void publish(const Snapshot::Ref& snapshot, std::function<void()> when_live);

  NodeParts& parts_;
  SnapshotBuilder builder_;
  rt::Reactor& control_;
  Snapshot::Ref current_;
  rt::LargePages pages_;  // of the builder thread
  rt::BlockingPool builder_thread_{1};
  HealthBoard board_;       // of all shards
  rt::MemoryGauge memory_;  // likewise
  ShedCounts logged_shed_{};
  bool has_datagrams_ = false;                                  // HTTP/3 or UDP is served
  std::vector<std::unique_ptr<net::quic::Group>> quic_groups_;  // of each door with HTTP/3
  rt::Shards reactors_;
  std::vector<std::unique_ptr<Shard>> shards_;  // each made and destroyed on its own thread
  std::atomic<bool> trim_due_{false};           // when the next snapshot has been freed
  std::optional<std::chrono::steady_clock::time_point> pages_enlarged_;
  std::atomic<bool> ending_{false};
  rt::Turn::Line turns_ = rt::Turn::make_line();  // of apply(), in order; the first one has it
  std::atomic<bool> ready_{false};
  std::atomic<bool> draining_{false};
  rt::TaskScope enlarging_;  // last: its task uses everything above
};

}  // namespace sluice::gateway
