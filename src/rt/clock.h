// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace sluice::rt {

/// Time as a shard sees it, cached once per loop turn. Timers use the monotonic clock; TTLs, tokens and certificates
/// the wall clock. Tests turn a ManualClock.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Reads the system's clocks; called by the reactor once per turn.
  virtual void refresh() = 0;

  [[nodiscard]] std::int64_t mono_ns() const { return mono_ns_; }
  [[nodiscard]] std::int64_t mono_ms() const { return mono_ns_ / 1'000'000; }
  [[nodiscard]] std::int64_t wall_ns() const { return wall_ns_; }
  [[nodiscard]] std::int64_t wall_ms() const { return wall_ns_ / 1'000'000; }
  [[nodiscard]] std::int64_t wall_s() const { return wall_ns_ / 1'000'000'000; }

 protected:
  std::int64_t mono_ns_ = 0;
  std::int64_t wall_ns_ = 0;
};

class SystemClock final : public Clock {
 public:
  SystemClock() { SystemClock::refresh(); }
  void refresh() override;
};

class ManualClock final : public Clock {
 public:
  ManualClock() {
    mono_ns_ = 1'000'000'000;
    wall_ns_ = 1'700'000'000'000'000'000;
  }
  void refresh() override {}
  void advance_ms(std::int64_t ms) {
    mono_ns_ += ms * 1'000'000;
    wall_ns_ += ms * 1'000'000;
  }
};

/// A moment of the monotonic clock, in milliseconds, until which a wait may last. Passed down, never restarted.
struct Deadline {
  std::int64_t at_ms = kNever;

  static constexpr std::int64_t kNever = INT64_MAX;
  static constexpr Deadline never() { return {}; }
  static Deadline after_ms(const Clock& clock, std::int64_t ms) { return {clock.mono_ms() + ms}; }
  [[nodiscard]] bool passed(const Clock& clock) const { return at_ms <= clock.mono_ms(); }
  friend bool operator==(Deadline, Deadline) = default;
  friend auto operator<=>(Deadline, Deadline) = default;
};

}  // namespace sluice::rt
