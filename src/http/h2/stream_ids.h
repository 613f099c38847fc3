// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::http::h2 {

/// Tells a late frame for a stream that is over, which is harmless, from one for an id that the client has passed over,
/// which RFC 9113, 5.1.1 forbids. nghttp2 ignores both.
class StreamIds {
 public:
  /// A HEADERS frame begins. False: its id went back to one that was never used.
  [[nodiscard]] bool open(std::int32_t id) {
    if (id > last_) {
      if (id > last_ + 2 && skipped_.size() < kMostRanges) skipped_.push_back({last_ + 2, id - 2});
      last_ = id;
      return true;
    }
    return std::none_of(skipped_.begin(), skipped_.end(),
                        [id](Range range) { return range.first <= id && id <= range.last; });
  }

 private:
  struct Range {
    std::int32_t first;
    std::int32_t last;
  };
  static constexpr std::size_t kMostRanges = 32;  // honest clients skip none

  std::int32_t last_ = -1;
  std::vector<Range> skipped_;
};

}  // namespace sluice::http::h2
