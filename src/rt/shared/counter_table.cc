// SPDX-License-Identifier: Apache-2.0
#include "rt/shared/counter_table.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>
#include <utility>

#include "base/hash.h"

namespace sluice::rt::shared {
namespace {

constexpr unsigned kSlots = 8;  // of a bucket: their keys fill one cache line
constexpr unsigned kLocks = 64;
constexpr std::uint64_t kEmpty = 0;  // a slot that was never used; those behind it in the bucket were not either
constexpr std::uint64_t kBusy = 1;   // a slot that is changing its owner
// Shards see the wall clock of their own loop turn. A counter is given away only when even a slow one has left its
// window, otherwise a late addition would land on the new owner.
constexpr std::int64_t kGraceMs = 1000;

std::uint64_t hash_of(std::string_view key) {
  return std::max(hash_bytes(key), kBusy + 1);
}

}  // namespace

// Keys apart from values: a look-up reads one line, an addition touches one more.
struct alignas(64) CounterTable::Bucket {
  std::atomic<std::uint64_t> keys[kSlots];
  std::atomic<std::int64_t> values[kSlots];
  std::atomic<std::int64_t> expiries[kSlots];
};

struct CounterTable::Slot {
  Bucket* bucket = nullptr;
  unsigned index = 0;

  explicit operator bool() const { return bucket != nullptr; }
  [[nodiscard]] std::atomic<std::uint64_t>& key() const { return bucket->keys[index]; }
  [[nodiscard]] std::atomic<std::int64_t>& value() const { return bucket->values[index]; }
  [[nodiscard]] std::atomic<std::int64_t>& expiry() const { return bucket->expiries[index]; }
  [[nodiscard]] bool live(std::int64_t now_ms) const { return expiry().load(std::memory_order_relaxed) > now_ms; }
};

// Held while a counter is made, so that two threads never make the same one twice. Chosen by key.
struct alignas(64) CounterTable::Lock {
  std::atomic<bool> taken{false};

  void lock() {
    for (unsigned spins = 0; taken.exchange(true, std::memory_order_acquire); ++spins) {
      if (spins % 64 == 63) std::this_thread::yield();
    }
  }
  void unlock() { taken.store(false, std::memory_order_release); }

  struct Held {
    Lock& lock;
    explicit Held(Lock& held) : lock(held) { lock.lock(); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held() { lock.unlock(); }
  };
};

// A quarter of head-room: with two buckets to choose from, a table filled to 80 % still finds room for nearly all.
CounterTable::CounterTable(std::size_t capacity)
    : mask_(std::bit_ceil(std::max<std::size_t>(capacity + capacity / 4, std::size_t{2} * kSlots) / kSlots) - 1),
      buckets_(std::make_unique<Bucket[]>(mask_ + 1)),
      locks_(std::make_unique<Lock[]>(kLocks)) {}

CounterTable::~CounterTable() = default;

CounterTable::Bucket& CounterTable::bucket(std::uint64_t hash, unsigned choice) const {
  const std::uint64_t number = choice == 0 ? hash : std::rotl(hash, 32) * 0x9E3779B97F4A7C15U;
  return buckets_[static_cast<std::size_t>(number >> 8U) & mask_];
}

CounterTable::Slot CounterTable::find(std::uint64_t hash) const {
  for (unsigned choice = 0; choice < 2; ++choice) {
    Bucket& candidates = bucket(hash, choice);
    for (unsigned i = 0; i < kSlots; ++i) {
      const std::uint64_t key = candidates.keys[i].load(std::memory_order_acquire);
      if (key == hash) return {&candidates, i};
      if (key == kEmpty) break;
    }
  }
  return {};
}

/// What a new counter may take: an unused slot (of the emptier bucket), else the slot whose window ended or ends first.
CounterTable::Slot CounterTable::victim(std::uint64_t hash, std::int64_t now_ms) const {
  Slot unused;
  Slot oldest;
  for (unsigned choice = 0; choice < 2; ++choice) {
    Bucket& candidates = bucket(hash, choice);
    for (unsigned i = 0; i < kSlots; ++i) {
      const std::uint64_t key = candidates.keys[i].load(std::memory_order_relaxed);
      if (key == kBusy) continue;
      const Slot slot{&candidates, i};
      if (key == kEmpty) {
        if (!unused || i < unused.index) unused = slot;
        break;
      }
      const std::int64_t expiry = slot.expiry().load(std::memory_order_relaxed);
      if (!oldest || expiry < oldest.expiry().load(std::memory_order_relaxed)) oldest = slot;
    }
  }
  if (!unused) return oldest;
  return oldest && !oldest.live(now_ms - kGraceMs) ? oldest : unused;
}

CounterTable::Slot CounterTable::make(std::uint64_t hash, std::int64_t now_ms, std::int64_t expires_ms) {
  const Lock::Held held(locks_[hash % kLocks]);
  Slot slot = find(hash);
  if (slot) {
    if (!slot.live(now_ms)) {  // the same key, counted in an earlier window
      slot.value().store(0, std::memory_order_relaxed);
      slot.expiry().store(expires_ms, std::memory_order_relaxed);
    }
    return slot;
  }
  // Another key may be after the same slot, under another lock: whoever marks it first has it.
  for (;;) {
    slot = victim(hash, now_ms);
    if (!slot) {
      std::this_thread::yield();
      continue;
    }
    std::uint64_t owner = slot.key().load(std::memory_order_relaxed);
    if (owner != kBusy && slot.key().compare_exchange_strong(owner, kBusy, std::memory_order_acquire)) break;
  }
  slot.value().store(0, std::memory_order_relaxed);
  slot.expiry().store(expires_ms, std::memory_order_relaxed);
  slot.key().store(hash, std::memory_order_release);
  return slot;
}

CounterTable::Slot CounterTable::find_live_or_make(std::uint64_t hash, std::int64_t now_ms, std::int64_t expires_ms) {
  const Slot slot = find(hash);
  return slot && slot.live(now_ms) ? slot : make(hash, now_ms, expires_ms);
}

std::int64_t CounterTable::get(std::string_view key, std::int64_t now_ms) const {
  const Slot slot = find(hash_of(key));
  return slot && slot.live(now_ms) ? slot.value().load(std::memory_order_relaxed) : 0;
}

std::int64_t CounterTable::add(std::string_view key, std::int64_t amount, std::int64_t now_ms,
                               std::int64_t expires_ms) {
  const Slot slot = find_live_or_make(hash_of(key), now_ms, expires_ms);
  return slot.value().fetch_add(amount, std::memory_order_relaxed);
}

std::int64_t CounterTable::take(std::string_view key, std::int64_t limit, std::int64_t now_ms,
                                std::int64_t expires_ms) {
  std::atomic<std::int64_t>& value = find_live_or_make(hash_of(key), now_ms, expires_ms).value();
  std::int64_t before = value.load(std::memory_order_relaxed);
  while (before < limit && !value.compare_exchange_weak(before, before + 1, std::memory_order_relaxed)) {
  }
  return before;
}

std::size_t CounterTable::capacity() const {
  static_assert(sizeof(Bucket) == kSlots * kCounterSize);
  return (mask_ + 1) * kSlots;
}

std::size_t CounterTable::size() const {
  std::size_t used = 0;
  for (std::size_t b = 0; b <= mask_; ++b) {
    for (const auto& key : buckets_[b].keys) used += key.load(std::memory_order_relaxed) > kBusy ? 1U : 0U;
  }
  return used;
}

}  // namespace sluice::rt::shared
