// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::rt {

class TimerWheel;

/// Something that happens at a moment. Lives inside its owner; destroying it disarms it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer() { disarm(); }

  void disarm() noexcept;
  [[nodiscard]] bool armed() const { return prev_ != nullptr; }
  /// Milliseconds of the monotonic clock; meaningful while armed.
  [[nodiscard]] std::int64_t at_ms() const { return at_ms_; }

 private:
  friend class TimerWheel;
  /// Called by the reactor, disarmed; may arm again or destroy the timer.
  virtual void expire() = 0;

  Timer* next_ = nullptr;
  Timer** prev_ = nullptr;  // the pointer that points here
  std::int64_t at_ms_ = 0;
};

/// Hierarchical timing wheel with a resolution of one millisecond: arming and disarming cost a few stores whatever the
/// number of timers. Six levels reach 2^48 ms: the horizon must lie beyond any uptime, because a timer that waits in
/// the last slot of the top level is found only when the wheel comes around to it.
class TimerWheel {
 public:
  explicit TimerWheel(std::int64_t now_ms) : now_ms_(now_ms) {}

  /// Fires at the first advance() whose time is not before `at_ms`. Re-arming moves the timer.
  void arm(Timer& timer, std::int64_t at_ms);
  /// Fires what is due at `now_ms`.
  void advance(std::int64_t now_ms);
  /// No timer is due before this moment (it may be early, never late); INT64_MAX when there is none.
  [[nodiscard]] std::int64_t next_due_ms() const;

 private:
  static constexpr int kLevels = 6;
  static constexpr int kBits = 8;
  static constexpr std::int64_t kSlots = 1 << kBits;

  struct Level {
    std::array<Timer*, kSlots> slots{};
    std::array<std::uint64_t, kSlots / 64> occupied{};
  };

  void place(Timer& timer);
  void cascade(int level);
  void fire_slot(std::size_t slot);
  [[nodiscard]] static int next_occupied(const Level& level, int after);

  std::int64_t now_ms_;
  std::array<Level, kLevels> levels_{};
};

}  // namespace sluice::rt
