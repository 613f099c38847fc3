// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "base/time.h"

namespace sluice::process {

/// How long to wait before a worker that died is started again: not at all after the first death, then ever longer, so
/// that one crash is hardly noticed and a crash loop costs little.
class Backoff {
 public:
  static constexpr Millis kFirst{100};
  static constexpr Millis kMost{5'000};
  /// A worker that lived this long was well: the next death counts as the first.
  static constexpr Millis kSettled{10'000};

  /// After a death; `lived` is how long that worker ran.
  Millis after_death(Millis lived) {
    if (lived >= kSettled) deaths_ = 0;
    const unsigned earlier = deaths_++;
    if (earlier == 0) return Millis{0};
    const unsigned doublings = earlier - 1;
    return doublings > 6 ? kMost : std::min(kMost, kFirst * (1 << doublings));
  }
  /// Deaths in a row.
  [[nodiscard]] unsigned deaths() const { return deaths_; }

 private:
  unsigned deaths_ = 0;
};

}  // namespace sluice::process
