// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "rt/memory_gauge.h"

namespace sluice::http {

/// Why something was turned away.
enum class Shed : std::uint8_t {
  Requests,     // a request over the ceiling of those at a time
  Delay,        // a request that would have waited too long for its turn
  Memory,       // a request, since memory is short
  Idle,         // an idle connection, to make room for a new one
  Connections,  // a connection over the ceiling
  Listener,     // a connection over the ceiling of its listener
  Address,      // a connection over the ceiling of its client's address
};
inline constexpr std::size_t kShedReasons = 7;
std::string_view name_of(Shed reason);

/// What one shard takes on at a time; 0: no limit.
struct Ceilings {
  std::uint32_t connections = 0;
  std::uint32_t requests = 0;
  std::int64_t delay_ms = 0;  // that requests may wait for the shard's turn, turn after turn
};

/// Decides on one shard what is begun, and counts what is not. What has been begun is never given up. Costs a request a
/// few reads of memory that is there anyway.
class Admission {
 public:
  /// Both outlive it; the ceilings may change.
  Admission(const Ceilings& ceilings, rt::MemoryGauge& memory) : ceilings_(ceilings), memory_(memory) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// A request that is served, as long as it lives.
  class Seat {
   public:
    explicit Seat(Admission& admission) : count_(admission.in_flight_) { add(1); }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() { add(UINT32_MAX); }

   private:
    /// Only this shard writes.
    void add(std::uint32_t n) { count_.store(count_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
    std::atomic<std::uint32_t>& count_;
  };

  /// Whether a request may begin now; if not, why.
  [[nodiscard]] std::optional<Shed> judge_request() const {
    if (memory_.level() != rt::MemoryGauge::Level::Ample) return Shed::Memory;
    if (ceilings_.requests != 0 && in_flight() >= ceilings_.requests) return Shed::Requests;
    if (delayed_) return Shed::Delay;
    return std::nullopt;
  }
  /// A connection that is open, as long as it lives: of HTTP or a stream, they have one ceiling. Not beyond the
  /// admission's end.
  struct Leave {
    void operator()(Admission* from) const noexcept { --from->open_; }
  };
  using Place = std::unique_ptr<Admission, Leave>;
  [[nodiscard]] Place take_place() {
    ++open_;
    return Place(this);
  }
  /// Whether as many connections are open as the shard takes.
  [[nodiscard]] bool is_full() const { return ceilings_.connections != 0 && open_ >= ceilings_.connections; }
  void note(Shed reason) { counts_[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed); }

  /// How late a timer was, again and again: as long as what waits for the shard's turn waits now. A single late one may
  /// be a busy machine; late all the time is too much work.
  void sample_delay(std::int64_t late_ms);

  [[nodiscard]] rt::MemoryGauge& memory() { return memory_; }

  // Any thread's.
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t count(Shed reason) const {
    return counts_[static_cast<std::size_t>(reason)].load(std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kLateOnes = 3;  // in a row, before requests are turned away

  const Ceilings& ceilings_;
  rt::MemoryGauge& memory_;
  std::atomic<std::uint32_t> in_flight_{0};
  std::size_t open_ = 0;
  unsigned late_ = 0;
  bool delayed_ = false;
  std::array<std::atomic<std::uint64_t>, kShedReasons> counts_{};
};

}  // namespace sluice::http
