// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/histogram.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace sluice::cli::bench {
namespace {

TEST(Histogram, SaysZeroWhileEmpty) {
  EXPECT_EQ(Histogram().quantile(0.5), 0U);
}

TEST(Histogram, KeepsSmallValuesExactly) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.quantile(0.5), 50U);
  EXPECT_EQ(histogram.quantile(0.99), 99U);
  EXPECT_EQ(histogram.quantile(1.0), 100U);
}

TEST(Histogram, KeepsLargeValuesWithinOneSixtyFourth) {
  for (std::uint64_t value : {1'000ULL, 123'456ULL, 987'654'321ULL, 1ULL << 40, (1ULL << 63) - 1}) {
    Histogram histogram;
    histogram.add(value);
    histogram.add(~0ULL);  // so that the largest value does not bound the answer
    const auto quantile = histogram.quantile(0.5);
    EXPECT_GE(quantile, value);
    EXPECT_LE(quantile - value, value / 64) << value;
  }
}

TEST(Histogram, CountsTheTail) {
  Histogram histogram;
  for (int i = 0; i < 998; ++i) histogram.add(10);
  histogram.add(5'000);
  histogram.add(5'000);
  EXPECT_EQ(histogram.quantile(0.99), 10U);
  EXPECT_EQ(histogram.quantile(0.999), 5'000U);
  EXPECT_EQ(histogram.count(), 1'000U);
}

}  // namespace
}  // namespace sluice::cli::bench
