// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/address_state.h"

#include <algorithm>
#include <cmath>

namespace sluice::gateway {
namespace {

constexpr double kDecayNs = 10e9;  // reference gateway.md, 5.1
constexpr std::uint32_t kSuccesses = 0xff;
constexpr std::uint32_t kFailures = ~kSuccesses;

constexpr unsigned shift_of(Outcome outcome) {
  return 8 * static_cast<unsigned>(outcome);
}

}  // namespace

bool AddressState::set_healthy(bool healthy) {
  runs_.store(0, std::memory_order_relaxed);
  trial_at_ms_.store(0, std::memory_order_relaxed);
  return healthy_.exchange(healthy, std::memory_order_relaxed) != healthy;
}

unsigned AddressState::count(Outcome outcome) {
  const std::uint32_t kept = outcome == Outcome::Success ? kSuccesses : kFailures;
  const unsigned shift = shift_of(outcome);
  std::uint32_t before = runs_.load(std::memory_order_relaxed);
  for (;;) {
    // While all is well, successes need no counting.
    if (outcome == Outcome::Success && (before & kFailures) == 0 && healthy()) return 0;
    const std::uint32_t run = std::min<std::uint32_t>(((before >> shift) & 0xffU) + 1, 0xff);
    const std::uint32_t after = (before & kept & ~(0xffU << shift)) | (run << shift);
    if (runs_.compare_exchange_weak(before, after, std::memory_order_relaxed)) return run;
  }
}

double AddressState::latency(std::int64_t now_ns) const {
  const double known = latency_ns_.load(std::memory_order_relaxed);
  if (known < 0) return known;
  const std::int64_t age = std::max<std::int64_t>(0, now_ns - latency_at_ns_.load(std::memory_order_relaxed));
  return known * std::exp(-static_cast<double>(age) / kDecayNs);
}

// Both values move one after the other: a reader in between sees an average that is a little too old or too young,
// which matters less than a lock would.
void AddressState::note_latency(double elapsed_ns, std::int64_t now_ns) {
  const double known = latency_ns_.load(std::memory_order_relaxed);
  const std::int64_t age = std::max<std::int64_t>(0, now_ns - latency_at_ns_.load(std::memory_order_relaxed));
  const double weight = std::exp(-static_cast<double>(age) / kDecayNs);
  const double next = known < 0 || elapsed_ns > known ? elapsed_ns : known * weight + elapsed_ns * (1 - weight);
  latency_ns_.store(next, std::memory_order_relaxed);
  latency_at_ns_.store(now_ns, std::memory_order_relaxed);
}

// Who asks first starts the interval.
bool AddressState::take_trial(std::int64_t now_ms, std::int64_t interval_ms) {
  std::int64_t due = trial_at_ms_.load(std::memory_order_relaxed);
  if (now_ms < due) return false;
  return trial_at_ms_.compare_exchange_strong(due, now_ms + interval_ms, std::memory_order_relaxed) && due != 0;
}

}  // namespace sluice::gateway
