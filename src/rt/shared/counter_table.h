// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sluice::rt::shared {

/// Counters that a node keeps once, whatever the number of shards: rate limits are exact and not multiplied by cores.
/// Keys are arbitrary octets; each counter belongs to a window and dies with it. Thread-safe. A counter that exists is
/// found and moved by atomic operations alone; only making one takes a spin lock, one of many, for some 50 ns.
///
/// Keys are kept as 64-bit hashes under a seed of the process: two of a million live keys share a counter with a
/// chance of 1 in 37 million, and nobody outside can choose which.
class CounterTable {
 public:
  /// Room for at least `capacity` counters (24 octets each). Where there is no room for a new one, expired ones go
  /// first, then the one whose window ends soonest.
  explicit CounterTable(std::size_t capacity = std::size_t{1} << 16U);
  CounterTable(const CounterTable&) = delete;
  CounterTable& operator=(const CounterTable&) = delete;
  ~CounterTable();

  /// The current value; 0 when the counter does not exist or its window is over. Times are wall-clock milliseconds.
  [[nodiscard]] std::int64_t get(std::string_view key, std::int64_t now_ms) const;

  /// Adds and returns the value before. A counter made by this call lives until `expires_ms`.
  std::int64_t add(std::string_view key, std::int64_t amount, std::int64_t now_ms, std::int64_t expires_ms);

  /// Adds one unless the value has reached `limit`; returns the value before, so a result below `limit` means that it
  /// was counted. However many threads call, exactly `limit` of them are counted in one window.
  std::int64_t take(std::string_view key, std::int64_t limit, std::int64_t now_ms, std::int64_t expires_ms);

  /// Counters held, expired ones not yet replaced included. Walks the whole table: for tests and metrics.
  [[nodiscard]] std::size_t size() const;
  /// Counters that there is room for.
  [[nodiscard]] std::size_t capacity() const;
  static constexpr std::size_t kCounterSize = 24;  // octets of memory, whether in use or not

 private:
  struct Bucket;
  struct Slot;
  struct Lock;

  [[nodiscard]] Slot find(std::uint64_t hash) const;
  Slot find_live_or_make(std::uint64_t hash, std::int64_t now_ms, std::int64_t expires_ms);
  Slot make(std::uint64_t hash, std::int64_t now_ms, std::int64_t expires_ms);
  [[nodiscard]] Slot victim(std::uint64_t hash, std::int64_t now_ms) const;
  [[nodiscard]] Bucket& bucket(std::uint64_t hash, unsigned choice) const;

  std::size_t mask_;  // of bucket numbers
  std::unique_ptr<Bucket[]> buckets_;
  std::unique_ptr<Lock[]> locks_;
};

}  // namespace sluice::rt::shared
