// SPDX-License-Identifier: Apache-2.0
#include "sync/version.h"

#include <limits>

#include <gtest/gtest.h>

namespace sluice::sync {
namespace {

constexpr std::uint64_t kLastEpoch = (std::uint64_t{1} << 48U) - 1;  // 12 hexadecimal digits
constexpr std::uint64_t kLastNumber = std::numeric_limits<std::uint64_t>::max();

TEST(Version, EpochCountsBeforeNumber) {
  EXPECT_LT((Version{1, 900}), (Version{2, 1}));
  EXPECT_LT((Version{1, 9}), (Version{1, 10}));
}

TEST(Version, NextIsTheNextNumberOfTheEpoch) {
  EXPECT_EQ((Version{3, 41}).next(), (Version{3, 42}));
}

TEST(Version, TextGoesThereAndBack) {
  for (const Version version : {Version{}, Version{1, 42}, Version{kLastEpoch, kLastNumber}}) {
    const auto back = parse_version(to_string(version));
    ASSERT_TRUE(back.has_value()) << to_string(version);
    EXPECT_EQ(*back, version);
  }
}

TEST(Version, RefusesOtherTexts) {
  for (const char* text :
       {"", ".", "1", "1.", ".1", "1.2.3", "-1.2", "1.-2", "a.b", " 1.2", "1.99999999999999999999"}) {
    EXPECT_FALSE(parse_version(text).has_value()) << text;
  }
}

TEST(Version, WireFormHasTheLengthOfAHash) {
  EXPECT_EQ(to_wire({1, 0x2A}), "v02_000000000001000000000000002a");
  EXPECT_EQ(to_wire({kLastEpoch, kLastNumber}).size(), 32U);
}

TEST(Version, WireFormGoesThereAndBack) {
  for (const Version version : {Version{}, Version{7, 1'000'000}, Version{kLastEpoch, kLastNumber}}) {
    const auto back = parse_wire_version(to_wire(version));
    ASSERT_TRUE(back.has_value()) << to_wire(version);
    EXPECT_EQ(*back, version);
  }
}

TEST(Version, WireFormsCompareAsVersionsDo) {
  const Version rising[] = {{0, 1}, {0, 9}, {0, 10}, {0, 255}, {0, 256}, {1, 0}, {1, 4096}, {2, 3}, {16, 0}};
  for (const Version& a : rising) {
    for (const Version& b : rising) EXPECT_EQ(a < b, to_wire(a) < to_wire(b)) << to_string(a) << ' ' << to_string(b);
  }
}

TEST(Version, RefusesOtherWireForms) {
  for (const char* text : {"", "v02_", "00000000000000000000000000000000", "v02_00000000000100000000000000-1",
                           "v02_000000000001000000000000002a0", "v01_000000000001000000000000002a",
                           "v02_0x0000000001000000000000002a", "v02_00000000000100000000000000 a"}) {
    EXPECT_FALSE(parse_wire_version(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sluice::sync
