// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "http/h2/frame_walk.h"

namespace sluice::http::h2 {

/// Tells late frames of a stream that we have ended, which are harmless, from those that RFC 9113 forbids and nghttp2
/// ignores: HEADERS for an id that the client has passed over (5.1.1), HEADERS or DATA for a stream that the client
/// itself has ended (5.1), PRIORITY for no stream (6.3); and PRIORITY for a stream that depends on itself, which RFC
/// 7540 forbids (5.3.1) to those who send it at all.
class StreamIds {
 public:
  /// Ended: forbidden if the stream is gone; the session judges frames of streams that it has.
  enum class Fault : std::uint8_t { None, Forbidden, Ended };

  /// A frame begins to arrive.
  [[nodiscard]] Fault receive(const FrameHeader& header) {
    switch (header.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        const Fault fault =
            header.type == NGHTTP2_HEADERS && header.stream > last_ ? open(header.stream) : again(header);
        if ((header.flags & NGHTTP2_FLAG_END_STREAM) != 0) end(header.stream);
        return fault;
      }
      case NGHTTP2_RST_STREAM:
        end(header.stream);
        return Fault::None;
      case NGHTTP2_PRIORITY:
        return header.stream == header.depends_on || header.stream == 0 ? Fault::Forbidden : Fault::None;
      default:
        return Fault::None;
    }
  }

 private:
  struct Range {
    std::int32_t first;
    std::int32_t last;
  };
  static constexpr std::size_t kMostRanges = 32;  // honest clients skip none
  static constexpr std::size_t kMostEnded = 32;   // frames of older streams are ignored

  Fault open(std::int32_t id) {
    if (id > last_ + 2 && skipped_.size() < kMostRanges) skipped_.push_back({last_ + 2, id - 2});
    last_ = id;
    return Fault::None;
  }
  [[nodiscard]] Fault again(const FrameHeader& header) const {
    const std::int32_t id = header.stream;
    if (header.type == NGHTTP2_HEADERS && std::any_of(skipped_.begin(), skipped_.end(), [id](Range range) {
          return range.first <= id && id <= range.last;
        })) {
      return Fault::Forbidden;
    }
    return std::find(ended_.begin(), ended_.end(), id) != ended_.end() ? Fault::Ended : Fault::None;
  }
  /// The client says that it sends nothing more on that stream.
  void end(std::int32_t id) { ended_[next_ended_++ % kMostEnded] = id; }

  std::int32_t last_ = -1;
  std::vector<Range> skipped_;
  std::array<std::int32_t, kMostEnded> ended_{};  // no client's stream has the id 0
  std::size_t next_ended_ = 0;
};

}  // namespace sluice::http::h2
