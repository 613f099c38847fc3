// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "net/address.h"

namespace sluice::gateway {

/// What one request or probe says about the address that it went to. Reference gateway.md, 5.3.
enum class Outcome : std::uint8_t { Success, HttpFailure, TcpFailure, Timeout };

/// What a node knows of one address of an upstream: whether it is healthy, and how busy and how fast it is.
/// Thread-safe: requests of every shard read and move it by relaxed atomics.
class AddressState {
 public:
  AddressState(std::string target, const net::Address& where) : target_(std::move(target)), where_(where) {}
  AddressState(const AddressState&) = delete;
  AddressState& operator=(const AddressState&) = delete;

  /// The target that it belongs to, "host:port".
  [[nodiscard]] const std::string& target() const { return target_; }
  [[nodiscard]] const net::Address& where() const { return where_; }

  [[nodiscard]] bool healthy() const { return healthy_.load(std::memory_order_relaxed); }
  /// Returns whether that is news. Counters begin anew.
  bool set_healthy(bool healthy);

  /// Counts an outcome: a success ends a run of failures and the reverse. Returns how many of its kind there are in a
  /// row now, at most 255. A success where nothing has failed costs one read.
  unsigned count(Outcome outcome);

  /// Since when it takes part: it was added, or is well again. Monotonic; for slow starts.
  [[nodiscard]] std::int64_t since_ms() const { return since_ms_.load(std::memory_order_relaxed); }
  void begin_anew(std::int64_t now_ms) { since_ms_.store(now_ms, std::memory_order_relaxed); }

  /// Requests that are with the address now. For least-connections.
  [[nodiscard]] int connections() const { return connections_.load(std::memory_order_relaxed); }
  void enter() { connections_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { connections_.fetch_sub(1, std::memory_order_relaxed); }

  /// Moving average of response times in nanoseconds, as old as it is at `now_ns`; negative: nothing is known. A slower
  /// answer counts at once, quicker ones bring the average down within some ten seconds. For latency.
  [[nodiscard]] double latency(std::int64_t now_ns) const;
  void note_latency(double elapsed_ns, std::int64_t now_ns);

  /// Whether the caller is the one who may send a request to an address that failures of requests have put out: one in
  /// `interval_ms` on the whole node.
  bool take_trial(std::int64_t now_ms, std::int64_t interval_ms);

 private:
  const std::string target_;
  const net::Address where_;
  std::atomic<bool> healthy_{true};
  std::atomic<std::uint32_t> runs_{0};  // an octet for each outcome
  std::atomic<std::int32_t> connections_{0};
  std::atomic<double> latency_ns_{-1};
  std::atomic<std::int64_t> latency_at_ns_{0};
  std::atomic<std::int64_t> trial_at_ms_{0};
  std::atomic<std::int64_t> since_ms_{0};
};

}  // namespace sluice::gateway
