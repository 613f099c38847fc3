// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace sluice::cli::bench {

/// Counts durations in buckets whose width grows with their value: any value up to 2^63 is kept within 1/64 of itself,
/// in constant memory. Values are in whatever unit the caller uses; the client uses nanoseconds.
class Histogram {
 public:
  void add(std::uint64_t value) {
    ++counts_[bucket_of(value)];
    ++total_;
    if (value > largest_) largest_ = value;
  }

  [[nodiscard]] std::uint64_t count() const { return total_; }
  [[nodiscard]] std::uint64_t largest() const { return largest_; }

  /// The value that `share` of all values do not exceed, 0 < share <= 1; 0 when nothing was added.
  [[nodiscard]] std::uint64_t quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::llround(share * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (counts_[bucket] > 0 && seen >= wanted) return upper_end(bucket) < largest_ ? upper_end(bucket) : largest_;
    }
    return largest_;
  }

 private:
  static constexpr std::size_t kStepBits = 6;  // 64 steps between one power of two and the next
  static constexpr std::size_t kSteps = std::size_t{1} << kStepBits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - kStepBits - 1;
    return shift * kSteps + static_cast<std::size_t>(value >> shift);
  }

  static std::uint64_t upper_end(std::size_t bucket) {
    if (bucket < 2 * kSteps) return bucket;
    const auto shift = bucket / kSteps - 1;
    return ((bucket - shift * kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kStepBits) * kSteps + kSteps> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace sluice::cli::bench
