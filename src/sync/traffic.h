// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::sync {

/// The requests that a node has answered since it started, and how long each took from its first octet to the last one
/// of its answer.
struct Traffic {
  /// Upper bounds of the classes of times, in milliseconds; one more class lies beyond them.
  static constexpr std::array<std::uint32_t, 13> kBounds{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10'000};
  static constexpr std::size_t kClasses = kBounds.size() + 1;

  std::uint64_t requests = 0;
  std::uint64_t client_errors = 0;  // answered with 4xx
  std::uint64_t server_errors = 0;  // 5xx
  std::array<std::uint64_t, kClasses> times{};

  [[nodiscard]] static constexpr std::size_t class_of(std::int64_t milliseconds) {
    std::size_t at = 0;
    while (at < kBounds.size() && milliseconds > kBounds[at]) ++at;
    return at;
  }
};

}  // namespace sluice::sync
