// SPDX-License-Identifier: Apache-2.0
#include "http/h2/frame_budget.h"

#include <algorithm>

#include <nghttp2/nghttp2.h>

namespace sluice::http::h2 {
namespace {

constexpr std::int64_t kFrameHeader = 9;
// Two window updates (stream and connection) and a ping with its share of an answer.
constexpr std::int64_t kEarnedPerContentFrame = 2 * (kFrameHeader + 4) + (kFrameHeader + 8);

}  // namespace

void FrameBudget::turn_window(std::int64_t now_ms) {
  if (now_ms - window_began_ms_ < kWindowMs) return;
  window_began_ms_ = now_ms;
  overhead_ = 0;
  resets_ = settings_ = empty_data_ = 0;
}

void FrameBudget::earn() {
  overhead_ = std::max<std::int64_t>(0, overhead_ - kEarnedPerContentFrame);
}

bool FrameBudget::receive(std::uint8_t type, std::uint8_t flags, std::size_t length, std::int64_t now_ms) {
  turn_window(now_ms);
  switch (type) {
    case NGHTTP2_DATA:
      if (length != 0) {
        earn();
        return true;
      }
      return (flags & NGHTTP2_FLAG_END_STREAM) != 0 || ++empty_data_ <= kEmptyData;
    case NGHTTP2_HEADERS:
      continuations_ = 0;
      return true;
    case NGHTTP2_CONTINUATION:
      if (++continuations_ > kContinuations) return false;
      break;
    case NGHTTP2_RST_STREAM:
      if (++resets_ > most_resets_) return false;
      break;
    case NGHTTP2_SETTINGS:
      if (++settings_ > kSettings) return false;
      break;
    default:
      break;
  }
  overhead_ += kFrameHeader + static_cast<std::int64_t>(length);
  return overhead_ <= kOverheadOctets;
}

bool FrameBudget::reset_sent(std::int64_t now_ms) {
  turn_window(now_ms);
  return ++resets_ <= most_resets_;
}

}  // namespace sluice::http::h2
