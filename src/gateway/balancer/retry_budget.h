// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::gateway {

/// How much a service that fails may be asked again: one further try for each ten requests, and a few in advance. Keeps
/// retries from burying an upstream that is in trouble already. Of one shard.
class RetryBudget {
 public:
  /// A request has come.
  void earn() { left_ = std::min(left_ + kPerRequest, kMost); }
  /// Whether it may be tried once more; then that is taken off.
  bool spend(std::int64_t now_ms) {
    // One each ten seconds comes by itself, for services with little to do.
    left_ = std::min(left_ + static_cast<double>(now_ms - earned_at_ms_) * kPerMs, kMost);
    earned_at_ms_ = now_ms;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double kPerRequest = 0.1;
  static constexpr double kPerMs = 0.0001;
  static constexpr double kMost = 10;
  double left_ = kMost;
  std::int64_t earned_at_ms_ = 0;
};

}  // namespace sluice::gateway
