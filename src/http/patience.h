// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "rt/clock.h"

namespace sluice::http {

/// How long a reader waits for a peer's content: at most so long at a time and, where a least rate is set, in all no
/// longer than content at that rate would take, plus one pause. So an octet now and then does not hold a connection
/// (slowhttptest -B), while a slow line that keeps sending does. Only time spent waiting counts: while the reader
/// itself stands still because its own receiver is slow, the peer owes nothing.
class Patience {
 public:
  struct Terms {
    std::int64_t pause_ms;
    std::uint64_t octets_per_second = 0;  // 0: only single pauses are limited
  };

  explicit Patience(Terms terms) : terms_(terms) {}

  void received(std::uint64_t octets) { octets_ += octets; }
  [[nodiscard]] std::uint64_t octets() const { return octets_; }

  /// Until when the wait that begins now may last; ended_wait() says that it is over, unless it
  /// shall not count because the peer could not have sent.
  [[nodiscard]] rt::Deadline begin_wait(const rt::Clock& clock);
  /// As begin_wait(), where the peer may not send at first: a whole pause, whatever the rate has left of it.
  [[nodiscard]] rt::Deadline begin_excused_wait(const rt::Clock& clock);
  /// Asked of a wait that has timed out: until when it may last by now. The terms may have changed meanwhile.
  [[nodiscard]] rt::Deadline wait_end() const { return {wait_began_ms_ + allowed_ms()}; }
  /// `excused_ms` of it do not count: the peer could not have sent.
  void ended_wait(const rt::Clock& clock, std::int64_t excused_ms = 0) {
    waited_ms_ += clock.mono_ms() - wait_began_ms_ - excused_ms;
  }
  /// From now on each pause may last `pause_ms`, whatever the rate.
  void set_pause(std::int64_t pause_ms) { terms_ = {pause_ms}; }
  /// The rate is of no interest any more: both sides talk, each when it has something to say.
  void drop_rate() { terms_.octets_per_second = 0; }

 private:
  [[nodiscard]] std::int64_t allowed_ms() const;

  Terms terms_;
  std::uint64_t octets_ = 0;
  std::int64_t waited_ms_ = 0;
  std::int64_t wait_began_ms_ = 0;
};

}  // namespace sluice::http
