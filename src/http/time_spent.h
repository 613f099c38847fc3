// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace sluice::http {

/// For how long in all something has been so, off and on. Times are those of one monotonic clock, in ms.
class TimeSpent {
 public:
  /// Called whenever it may have begun or ended.
  void note(bool is_so, std::int64_t now_ms) {
    if (!is_so) {
      total_ms_ = total_ms(now_ms);
      since_ms_ = -1;
    } else if (since_ms_ < 0) {
      since_ms_ = now_ms;
    }
  }
  [[nodiscard]] std::int64_t total_ms(std::int64_t now_ms) const {
    return total_ms_ + (since_ms_ < 0 ? 0 : now_ms - since_ms_);
  }

 private:
  std::int64_t total_ms_ = 0;
  std::int64_t since_ms_ = -1;  // negative: it is not so now
};

}  // namespace sluice::http
