// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::gateway {

/// How much a service that fails may be asked again: one further try for each ten requests, and a few in advance. Keeps
/// retries from burying an upstream that is in trouble already. What the last seconds have earned can be spent at once:
/// an upstream that goes away breaks as many kept connections as it had, which is more for a busy service. Of one
/// shard.
class RetryBudget {
 public:
  /// A request has come.
  void earn(std::int64_t now_ms) {
    move_on(now_ms);
    ++requests_;
    left_ += kPerRequest;
  }
  /// Whether it may be tried once more; then that is taken off.
  bool spend(std::int64_t now_ms) {
    move_on(now_ms);
    // One each ten seconds comes by itself, for services with little to do.
    left_ = std::min(left_ + static_cast<double>(now_ms - spent_at_ms_) * kPerMs, most());
    spent_at_ms_ = now_ms;
    if (left_ < 1) return false;
    left_ -= 1;
    return true;
  }

 private:
  static constexpr double kPerRequest = 0.1;
  static constexpr double kPerMs = 0.0001;
  static constexpr double kAdvance = 10;
  static constexpr std::int64_t kWindowMs = 1000;

  /// What can be saved up: what the requests of this window and of the one before have earned.
  [[nodiscard]] double most() const {
    return std::max(kAdvance, kPerRequest * static_cast<double>(requests_ + requests_before_));
  }
  void move_on(std::int64_t now_ms) {
    if (now_ms - began_at_ms_ < kWindowMs) return;
    left_ = std::min(left_, most());
    requests_before_ = now_ms - began_at_ms_ < 2 * kWindowMs ? requests_ : 0;
    requests_ = 0;
    began_at_ms_ = now_ms;
  }

  double left_ = kAdvance;
  std::int64_t requests_ = 0;
  std::int64_t requests_before_ = 0;
  std::int64_t began_at_ms_ = 0;
  std::int64_t spent_at_ms_ = 0;
};

}  // namespace sluice::gateway
