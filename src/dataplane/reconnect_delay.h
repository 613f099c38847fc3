// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/random.h"

namespace sluice::dataplane {

/// How long to wait before the next attempt: at random up to a bound that doubles with each, so that thousands of nodes
/// that lost their control plane at once do not come back at once.
class ReconnectDelay {
 public:
  static constexpr std::int64_t kLeastMs = 500;
  static constexpr std::int64_t kFirstMs = 2'000;  // the first bound
  static constexpr std::int64_t kMostMs = 30'000;
  /// A link that lived so long was well.
  static constexpr std::int64_t kSteadyMs = 60'000;

  /// After an attempt; `lived_ms` is for how long both sides were in agreement, 0 when they never were.
  std::int64_t after(std::int64_t lived_ms) { return after(lived_ms, random_u64()); }
  std::int64_t after(std::int64_t lived_ms, std::uint64_t chance) {
    if (lived_ms >= kSteadyMs) attempts_ = 0;
    const std::int64_t bound = std::min(kMostMs, kFirstMs << std::min(attempts_, 5U));
    ++attempts_;
    return kLeastMs + static_cast<std::int64_t>(chance % static_cast<std::uint64_t>(bound - kLeastMs));
  }

 private:
  unsigned attempts_ = 0;
};

}  // namespace sluice::dataplane
