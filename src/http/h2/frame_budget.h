// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace sluice::http::h2 {

/// What one peer may cost us in frames that move no content, counted in windows of ten seconds. Each of the limits
/// stands for a known attack: resets (CVE-2023-44487, CVE-2025-8671), CONTINUATION (CVE-2024-27316), SETTINGS
/// (CVE-2019-9515), empty DATA (CVE-2019-9518), and octets for all others (PING, PRIORITY, WINDOW_UPDATE, unknown
/// types: CVE-2019-9512, -9513, -9517). An honest client stays far below: content that moves pays for the window
/// updates and pings that come with it.
class FrameBudget {
 public:
  static constexpr std::int64_t kWindowMs = 10'000;
  static constexpr std::uint32_t kResets = 200;        // or twice the streams that a client may have at a time
  static constexpr std::uint32_t kContinuations = 10;  // of one header block
  static constexpr std::uint32_t kSettings = 100;
  static constexpr std::uint32_t kEmptyData = 200;
  static constexpr std::int64_t kOverheadOctets = 1024 * 1024;

  explicit FrameBudget(std::uint32_t max_streams = 0) : most_resets_(std::max(kResets, 2 * max_streams)) {}
  /// Of an upstream: each stream is one that we opened, so resets cost no more than their octets.
  static FrameBudget of_upstream() { return FrameBudget(UINT32_MAX / 2); }

  /// A frame begins to arrive; `type`, `flags` and `length` as in its header (RFC 9113, 4.1). False: a flood.
  [[nodiscard]] bool receive(std::uint8_t type, std::uint8_t flags, std::size_t length, std::int64_t now_ms);
  /// We reset a stream because of what the client did. False: a flood.
  [[nodiscard]] bool reset_sent(std::int64_t now_ms);
  /// A request, or a DATA frame with content, went out.
  void content_sent() { earn(); }

 private:
  void turn_window(std::int64_t now_ms);
  void earn();

  std::uint32_t most_resets_;
  std::int64_t window_began_ms_ = 0;
  std::int64_t overhead_ = 0;
  std::uint32_t resets_ = 0;
  std::uint32_t settings_ = 0;
  std::uint32_t empty_data_ = 0;
  std::uint32_t continuations_ = 0;
};

}  // namespace sluice::http::h2
