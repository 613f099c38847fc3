// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/intrusive_rc.h"
#include "base/log.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "telemetry/metrics.h"
#include "telemetry/queue_options.h"

namespace sluice::telemetry {

/// Delivers batches of a queue. Shared by the plugin instance that made it and the queue, which may outlive it.
class QueueSender : public RcObject {
 public:
  virtual ~QueueSender() = default;
  /// Tries once. The entries live until the task ends.
  virtual Task<Result<>> send(std::span<const std::string> entries) = 0;
};

/// Holds serialised entries of one destination on one shard, and delivers them in batches with repetition. When there
/// is no room the oldest entries go. Nothing survives the process.
class Queue final : public RcObject {
 public:
  /// `plugin` labels the counters (sluice_log_entries_*_total); `name` appears in the log.
  Queue(rt::Reactor& reactor, Metrics& metrics, std::string_view plugin, std::string name, const QueueOptions& options);

  /// Takes effect when the queue is next empty: a queue keeps the options that it started with.
  void configure(const QueueOptions& options) { next_options_ = options; }
  /// Adds an entry. Everything that is not yet being delivered is delivered by the newest sender.
  void push(std::string entry, const Rc<QueueSender>& sender);

  /// Nothing waits and nothing is under way.
  [[nodiscard]] bool idle() const { return entries_.empty() && scope_.empty(); }
  [[nodiscard]] std::size_t waiting() const { return entries_.size(); }
  /// Stops waiting for batches to fill: the process is about to end.
  void close();

 private:
  /// Waits until the batch is full, the delay is over or the queue is closed.
  class Coalescing;

  Task<void> run();
  Task<void> deliver(std::vector<std::string> batch);
  std::vector<std::string> take_batch();
  /// Makes room for an entry of that size; false when it can never fit.
  bool make_room(std::size_t octets);
  void drop_oldest();
  void lose(std::string_view reason, double entries);
  void report(log::Counted& event, std::string_view message) const;
  [[nodiscard]] bool batch_ready() const;
  [[nodiscard]] bool retry_allowed(std::int64_t started_ms) const;

  rt::Reactor& reactor_;
  Family& lost_;
  Series& sent_;
  const std::string plugin_;
  const std::string name_;
  QueueOptions options_;
  QueueOptions next_options_;
  Rc<QueueSender> sender_;
  std::deque<std::string> entries_;
  std::size_t octets_ = 0;
  Coalescing* coalescing_ = nullptr;
  bool running_ = false;
  bool closing_ = false;
  bool nearly_full_ = false;  // reported
  bool full_ = false;         // reported
  rt::TaskScope scope_;       // last: its tasks use all of the above
};

}  // namespace sluice::telemetry
