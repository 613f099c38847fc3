// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/h2/preface.h"

namespace sluice::http::h2 {

/// What stands before each frame. RFC 9113, 4.1.
struct FrameHeader {
  static constexpr std::size_t kSize = 9;
  std::size_t length = 0;
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
  std::int32_t depends_on = 0;  // of a whole PRIORITY frame: the stream that it names
};

/// Finds the frames in what a peer sends, however it is cut into pieces. nghttp2 does not report frames that it
/// ignores; limits and late frames are judged here, before it sees them.
class FrameWalk {
 public:
  /// A client sends the preface first.
  enum class Begin : std::uint8_t { WithPreface, WithFrame };
  explicit FrameWalk(Begin begin = Begin::WithPreface) : skip_(begin == Begin::WithPreface ? kPreface.size() : 0) {}

  /// Calls `visit(header, begin)` for each frame whose header (of PRIORITY, with the stream that it names) is complete
  /// within `bytes`; `begin` is where in `bytes` the frame begins (0 when that was in an earlier piece). Ends early,
  /// for good, when it returns false.
  template <class Visit>
  void walk(std::string_view bytes, Visit visit) {
    std::size_t at = 0;
    while (at < bytes.size()) {
      if (skip_ != 0) {
        const std::size_t skipped = std::min(skip_, bytes.size() - at);
        skip_ -= skipped;
        at += skipped;
        continue;
      }
      const std::size_t begin = have_ == 0 ? at : 0;
      if (!gather(FrameHeader::kSize, bytes, at) || !gather(head_size(), bytes, at)) return;
      const FrameHeader header = parse();
      skip_ = header.length - (have_ - FrameHeader::kSize);
      have_ = 0;
      if (!visit(header, begin)) return;
    }
  }

 private:
  static constexpr std::uint8_t kPriority = 2;
  static constexpr std::size_t kDependency = 4;

  /// Moves on in `bytes` until `size` octets of the head are there; false: more has to come.
  bool gather(std::size_t size, std::string_view bytes, std::size_t& at) {
    const std::size_t taken = std::min(size - std::min(size, have_), bytes.size() - at);
    std::copy_n(bytes.data() + at, taken, octets_.data() + have_);
    have_ += taken;
    at += taken;
    return have_ >= size;
  }
  /// What is looked at of a frame whose header is there.
  [[nodiscard]] std::size_t head_size() const {
    const FrameHeader header = parse();
    return FrameHeader::kSize + (header.type == kPriority && header.length >= kDependency ? kDependency : 0);
  }
  [[nodiscard]] FrameHeader parse() const {
    auto octet = [this](std::size_t at) { return static_cast<std::uint8_t>(octets_[at]); };
    FrameHeader header;
    header.length = static_cast<std::size_t>(octet(0)) << 16U | static_cast<std::size_t>(octet(1)) << 8U | octet(2);
    header.type = octet(3);
    header.flags = octet(4);
    auto stream_at = [octet](std::size_t at) {
      std::uint32_t stream = octet(at) & 0x7fU;  // the highest bit is reserved, or says that a dependency is exclusive
      for (std::size_t i = at + 1; i < at + 4; ++i) stream = stream << 8U | octet(i);
      return static_cast<std::int32_t>(stream);
    };
    header.stream = stream_at(5);
    if (have_ > FrameHeader::kSize) header.depends_on = stream_at(FrameHeader::kSize);
    return header;
  }

  std::array<char, FrameHeader::kSize + kDependency> octets_{};
  std::size_t have_ = 0;
  std::size_t skip_;  // of the preface, then of payloads
};

}  // namespace sluice::http::h2
