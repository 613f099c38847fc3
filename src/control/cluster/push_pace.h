// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::control::cluster {

/// How often a link may have everything sent to it: the first time at once, then each time after twice as long as
/// before, up to ten seconds. A quiet while makes good for it. Milliseconds of a monotonic clock.
class PushPace {
 public:
  static constexpr std::int64_t kFirstMs = 1'000;
  static constexpr std::int64_t kMostMs = 10'000;
  static constexpr std::int64_t kQuietMs = 60'000;

  [[nodiscard]] bool may(std::int64_t now_ms) const { return !sent_ || now_ms - last_ms_ >= wait_ms_; }
  void sent(std::int64_t now_ms) {
    const bool quiet = !sent_ || now_ms - last_ms_ >= kQuietMs;
    wait_ms_ = quiet ? kFirstMs : std::min(2 * wait_ms_, kMostMs);
    last_ms_ = now_ms;
    sent_ = true;
  }

 private:
  bool sent_ = false;
  std::int64_t last_ms_ = 0;
  std::int64_t wait_ms_ = kFirstMs;
};

}  // namespace sluice::control::cluster
