// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>

#include <nghttp3/nghttp3.h>

namespace sluice::http::h3 {

/// The content of a response between whoever makes it and the client: kept until the client has acknowledged it, since
/// it may have to be sent again. Octets stay where they are as long as they are kept.
class OutgoingContent {
 public:
  void append(std::string_view octets) {
    if (octets.empty()) return;
    held_ += octets.size();
    unoffered_ += octets.size();
    blocks_.emplace_back(octets);
  }
  /// Fills `parts` with what has not been offered yet, from the first on; how many of them.
  std::size_t offer(std::span<nghttp3_vec> parts);
  /// The client has so many more octets.
  void acknowledge(std::uint64_t octets);

  /// Octets that are kept.
  [[nodiscard]] std::size_t held() const { return held_; }
  /// Of them, those that have not been offered.
  [[nodiscard]] std::size_t unoffered() const { return unoffered_; }

 private:
  std::deque<std::string> blocks_;  // a deque, so that short texts do not move either
  std::size_t acknowledged_ = 0;    // octets of the first block
  std::size_t next_ = 0;            // the block that is offered next
  std::size_t held_ = 0;
  std::size_t unoffered_ = 0;
};

}  // namespace sluice::http::h3
