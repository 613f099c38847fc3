// SPDX-License-Identifier: Apache-2.0
#include "gateway/node.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

#include <malloc.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "gateway/balancer/targets.h"
#include "gateway/explain.h"
#include "gateway/health/health_report.h"
#include "telemetry/exposition.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kLarge = 10'000;  // routes and consumers whose tables no cache holds
constexpr std::chrono::minutes kEnlargeAgain(1);
constexpr std::int64_t kBetweenPagesMs = 15;

void add(const Shard::Counts& counts, sync::Traffic& sum) {
  sum.client_errors += counts.client_errors.load(std::memory_order_relaxed);
  sum.server_errors += counts.server_errors.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < sum.times.size(); ++i) sum.times[i] += counts.times[i].load(std::memory_order_relaxed);
}

}  // namespace

Node::Node(NodeParts& parts, const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor,
           std::size_t shards, rt::Reactor& control)
    : parts_(parts),
      builder_(catalog, plugins, flavor),
      control_(control),
      current_(builder_.empty()),
      reactors_(shards) {
  shards_.resize(shards);
  memory_.set_limit(parts.options.memory_limit);
}

Node::~Node() {
  ending_ = true;
  reactors_.stop();
  current_.reset();  // while the builder thread, which frees it, still runs
}

void Node::start(const std::vector<ProxyDoor>& doors, const std::vector<StreamDoor>& stream_doors,
                 std::vector<int> elders) {
  std::vector<std::promise<void>> up(shards_.size());
  while (elders.size() > shards_.size()) {  // only those of the same shards know anything
    ::close(elders.back());
    elders.pop_back();
  }
  has_datagrams_ = std::ranges::any_of(doors, [](const ProxyDoor& door) { return !door.quic_sockets.empty(); }) ||
                   std::ranges::any_of(stream_doors, &StreamDoor::udp);
  quic_groups_.resize(doors.size());
  for (std::size_t i = 0; i < doors.size(); ++i) {
    if (!doors[i].quic_sockets.empty()) quic_groups_[i] = std::make_unique<net::quic::Group>(reactors_);
  }
  reactors_.start([this, &doors, &stream_doors, &elders, &up](std::size_t index, rt::Reactor& reactor) {
    shards_[index] = std::make_unique<Shard>(reactor, parts_, board_, memory_, Prober::Place{index, shards_.size()});
    Shard& shard = *shards_[index];
    shard.publish(snapshot());
    if (index < elders.size()) shard.succession().follow(elders[index]);
    for (std::size_t i = 0; i < doors.size(); ++i) {
      shard.listen(doors[i], doors[i].sockets[index]);
      if (quic_groups_[i]) shard.listen(doors[i], doors[i].quic_sockets[index], *quic_groups_[i], index);
    }
    for (const StreamDoor& door : stream_doors) shard.listen(door, door.sockets[index]);
    up[index].set_value();
    reactor.run();
    shards_[index].reset();
  });
  for (auto& promise : up) promise.get_future().wait();
}

std::vector<int> Node::make_way() {
  std::vector<int> theirs;
  for (std::size_t i = 0; has_datagrams_ && i < shards_.size(); ++i) {
    const auto channel = net::Succession::make_channel();
    if (!channel) {
      log::warn("succession.no_channel", {{"error", channel.error()}});
      break;
    }
    theirs.push_back(channel->second);
    reactors_.post(i, [this, i, mine = channel->first] { shards_[i]->succession().make_way(mine); });
  }
  return theirs;
}

void Node::stay() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i] { shards_[i]->succession().stay(); });
  }
}

void Node::retreat() {
  draining_ = true;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i] { shards_[i]->retreat(); });
  }
}

void Node::drain(http::Idle idle) {
  draining_ = true;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i, idle] { shards_[i]->drain(idle); });
  }
}

std::size_t Node::open_connections() {
  std::size_t total = 0;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    std::promise<std::size_t> count;
    reactors_.post(i, [this, i, &count] { count.set_value(shards_[i]->open_connections()); });
    total += count.get_future().get();
  }
  return total;
}

void Node::reconfigure(LiveParts parts) {
  memory_.set_limit(parts.options.memory_limit);
  auto shared = std::make_shared<const LiveParts>(std::move(parts));
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    reactors_.post(i, [this, i, shared] { shards_[i]->reconfigure(*shared); });
  }
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> Node::compile(sync::Delta delta) {
  const bool whole = delta.complete;
  auto built = builder_.build(*snapshot(), std::move(delta));
  // A whole load leaves large trees behind, and the allocator would keep their memory. So does the generation that it
  // replaces, once that is gone.
  if (whole) ::malloc_trim(0);
  if (whole) trim_due_ = true;
  if (!built) return built;
  if (whole && (*built)->routes->size() + (*built)->consumers.size() >= kLarge) enlarge_pages();
  return freed_by_builder(*std::move(built));
}

/// Lays out what has been loaded in large pages. Who loads again and again, as controllers do, has it done once in a
/// while.
void Node::enlarge_pages() {
  control_.post([this] {
    const auto now = std::chrono::steady_clock::now();
    if (!enlarging_.empty() || (pages_enlarged_ && now - *pages_enlarged_ < kEnlargeAgain)) return;
    pages_enlarged_ = now;
    enlarging_.spawn(enlarge());
  });
}

/// A block at a time and not while anybody changes something: whoever touches new memory waits for the block that is
/// being moved, and a change touches much.
Task<void> Node::enlarge() {
  co_await rt::offload(builder_thread_, control_, [this] {
    pages_ = rt::LargePages::of_process();
    return true;
  });
  for (bool more = true; more;) {
    co_await rt::Sleep(control_, control_.after_ms(kBetweenPagesMs));
    if (!turns_->empty()) continue;
    more = co_await rt::offload(builder_thread_, control_, [this] { return !ending_ && pages_.step(); });
  }
}

/// The same snapshot, whose last reference, wherever it is dropped, frees it on the builder thread: a hundred thousand
/// routes take longer to free than a request may wait.
Snapshot::Ref Node::freed_by_builder(Snapshot::Ref snapshot) {
  const Snapshot* plain = snapshot.get();
  return {plain, [this, snapshot = std::move(snapshot)](const Snapshot*) mutable {
            builder_thread_.submit([this, owner = std::make_shared<Snapshot::Ref>(std::move(snapshot))] {
              owner->reset();
              if (trim_due_.exchange(false)) ::malloc_trim(0);
            });
          }};
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

/// Runs a function on the builder thread; resumes on the control reactor. What the function uses outlives the thread,
/// or belongs to it: whoever waits may go.
class Node::OnBuilderThread {
 public:
  OnBuilderThread(Node& node, std::function<void()> work)
      : node_(node), shared_(std::make_shared<State>(std::move(work))) {}
  OnBuilderThread(const OnBuilderThread&) = delete;
  OnBuilderThread& operator=(const OnBuilderThread&) = delete;
  ~OnBuilderThread() { shared_->waiting = {}; }  // on the control reactor, as the resumption is

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    shared_->waiting = caller;
    node_.builder_thread_.submit([&node = node_, state = shared_] {
      state->work();
      node.control_.post([state] {
        if (auto waiting = std::exchange(state->waiting, {})) waiting.resume();
      });
    });
  }
  void await_resume() const {}

 private:
  struct State {
    explicit State(std::function<void()> function) : work(std::move(function)) {}
    std::function<void()> work;
    std::coroutine_handle<> waiting;
  };

  Node& node_;
  std::shared_ptr<State> shared_;
};

Task<Node::Outcome> Node::apply(sync::Delta delta, sync::CommitStep commit) {
  // The next change is compiled only when this one is live, so that generations arrive in order everywhere.
  rt::Turn turn(turns_, control_);
  co_await turn;
  struct Work {
    sync::Delta delta;
    std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> built;
  };
  auto work = std::make_shared<Work>();
  work->delta = std::move(delta);
  OnBuilderThread compiling(*this, [this, work] { work->built = compile(std::move(work->delta)); });
  co_await compiling;
  if (!work->built) co_return std::unexpected(std::move(work->built).error());
  if (commit) {
    Task<bool> step = commit();
    const bool committed = co_await step;
    if (!committed) co_return std::unexpected(std::vector<sync::ConfigProblem>{});
  }
  const Snapshot::Ref snapshot = *work->built;
  ready_ = true;
  OnBuilderThread publishing(*this, [this, snapshot] {
    std::promise<void> live;
    publish(snapshot, [&live] { live.set_value(); });
    live.get_future().wait();
  });
  co_await publishing;
  forget_marks();
  co_return sync::Applied{snapshot->generation, snapshot->hash};
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
    add(shard->counts(), status.traffic);
  }
  status.traffic.requests = status.total_requests;
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
  constexpr std::size_t kCounterSize = rt::shared::CounterTable::kCounterSize;
  stats.shared.push_back({"kong_rate_limiting_counters", parts_.counters.size() * kCounterSize,
                          parts_.counters.capacity() * kCounterSize});
  Snapshot::Ref current = snapshot();
  if (parts_.options.proxies) {
    for (const auto& entry : current->upstreams) {
      append_target_health(*entry.value, board_.find(entry.key).get(), stats.targets);
    }
  }
  stats.own.push_back({"sluice_config_generation", "Generation of the configuration that is served.",
                       telemetry::MetricType::Gauge, static_cast<double>(now.generation)});
  std::uint64_t refused = 0;
  for (const auto& shard : shards_)
    refused +=
        shard ? shard->connections_refused() + shard->stream_counts().refused.load(std::memory_order_relaxed) : 0;
  stats.own.push_back({"sluice_connections_refused_total", "Connections over client_max_connections_per_address.",
                       telemetry::MetricType::Counter, static_cast<double>(refused)});
  add_stream_stats(stats);
  add_load(stats);
  stats.own.push_back({"sluice_log_lines_dropped_total", "Log lines that a blocked sink did not take.",
                       telemetry::MetricType::Counter, static_cast<double>(parts_.files.dropped_lines())});
  return telemetry::render_metrics(shards, stats);
}

void Node::add_stream_stats(telemetry::NodeStats& stats) const {
  std::uint64_t dropped = 0;
  for (const auto& shard : shards_) {
    if (!shard) continue;
    const StreamCounts& counts = shard->stream_counts();
    stats.sessions_accepted += counts.accepted.load(std::memory_order_relaxed);
    stats.sessions_active += counts.active.load(std::memory_order_relaxed);
    dropped += counts.datagrams_dropped.load(std::memory_order_relaxed);
  }
  stats.own.push_back({"sluice_stream_datagrams_dropped_total", "Datagrams that no session could take.",
                       telemetry::MetricType::Counter, static_cast<double>(dropped)});
}

Node::ShedCounts Node::shed() const {
  ShedCounts sum{};
  for (const auto& shard : shards_) {
    for (std::size_t i = 0; shard && i < sum.size(); ++i)
      sum[i] += shard->admission().count(static_cast<http::Shed>(i));
  }
  return sum;
}

void Node::log_shed() {
  const ShedCounts now = shed();
  const ShedCounts before = std::exchange(logged_shed_, now);
  if (now == before) return;
  const auto since = [&](http::Shed reason) {
    const auto i = static_cast<std::size_t>(reason);
    return log::FieldView{http::name_of(reason), now[i] - before[i]};
  };
  using enum http::Shed;
  log::notice("overload.shed", {since(Requests), since(Delay), since(Memory), since(Idle), since(Connections),
                                since(Listener), since(Address)});
}

/// What the node has taken on, and what it has turned away.
void Node::add_load(telemetry::NodeStats& stats) const {
  using telemetry::MetricType;
  std::uint64_t in_flight = 0;
  for (const auto& shard : shards_) in_flight += shard ? shard->admission().in_flight() : 0;
  const ShedCounts turned_away = shed();
  stats.own.push_back({"sluice_requests_in_flight", "Requests that are being served.", MetricType::Gauge,
                       static_cast<double>(in_flight)});
  stats.own.push_back({"sluice_memory_used_bytes", "Memory that counts against memory_limit.", MetricType::Gauge,
                       static_cast<double>(memory_.used())});
  stats.own.push_back({"sluice_memory_limit_bytes", "memory_limit, or that of the control group; 0: none.",
                       MetricType::Gauge, static_cast<double>(memory_.limit())});
  for (std::size_t i = 0; i < turned_away.size(); ++i) {
    stats.own.push_back({"sluice_shed_total",
                         "Requests and connections turned away, and idle connections ended, by why.",
                         MetricType::Counter,
                         static_cast<double>(turned_away[i]),
                         {"reason", http::name_of(static_cast<http::Shed>(i))}});
  }
}

Json Node::dns() const {
  net::dns::Resolver::Stats sum;
  for (const auto& shard : shards_) {
    if (!shard) continue;
    const net::dns::Resolver::Stats stats = shard->dns_stats();
    sum.hits += stats.hits;
    sum.stale_hits += stats.stale_hits;
    sum.misses += stats.misses;
    sum.queries += stats.queries;
    sum.failures += stats.failures;
    sum.cached += stats.cached;
  }
  const auto number = [](std::uint64_t value) { return Json(static_cast<std::int64_t>(value)); };
  return Json::Object{{"worker", Json::Object{{"id", 0}, {"count", number(shards_.size())}}},
                      {"stats", Json::Object{{"cached", number(sum.cached)},
                                             {"hits", number(sum.hits)},
                                             {"stale_hits", number(sum.stale_hits)},
                                             {"misses", number(sum.misses)},
                                             {"queries", number(sum.queries)},
                                             {"failures", number(sum.failures)}}}};
}

Json Node::explain(const sync::ExplainQuery& query) const {
  return explain_request(*snapshot(), query);
}

Json Node::upstream_health(const Uuid& upstream) const {
  Snapshot::Ref now = snapshot();
  const auto* found = now->upstreams.find(upstream);
  if (found == nullptr) return Json::object();
  return parts_.options.proxies ? health_document(**found, board_.find(upstream).get())
                                : unasked_health_document(**found);
}

/// A target that is gone leaves no mark behind for one of the same name that comes later.
void Node::forget_marks() {
  Snapshot::Ref now = snapshot();
  board_.forget([&](const Uuid& upstream, std::string_view target) {
    const auto* found = now->upstreams.find(upstream);
    return found == nullptr || (!target.empty() && !has_target(**found, target));
  });
}

bool Node::set_health(const Uuid& upstream, const std::string& target, bool healthy) {
  if (!parts_.options.proxies) return false;
  Snapshot::Ref now = snapshot();
  const auto* found = now->upstreams.find(upstream);
  if (found == nullptr || !has_target(**found, target.substr(0, target.find('/')))) return false;
  board_.of(upstream, (*found)->name)->mark(target, healthy);
  return true;
}

}  // namespace sluice::gateway
