// SPDX-License-Identifier: Apache-2.0
#include "control/platform/timestamp.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace sluice::control::platform {
namespace {

TEST(Timestamp, ReadsWhatWeWrite) {
  constexpr std::int64_t kMoment = 1'770'091'506'789;
  EXPECT_EQ(parse_timestamp(format_rfc3339(kMoment)), kMoment);
}

TEST(Timestamp, ReadsOffsetsAndFractionsOfAnyLength) {
  const auto noon = parse_timestamp("2026-02-03T12:00:00Z");
  ASSERT_TRUE(noon.has_value());
  EXPECT_EQ(parse_timestamp("2026-02-03T14:00:00+02:00"), noon);
  EXPECT_EQ(parse_timestamp("2026-02-03T06:30:00-05:30"), noon);
  EXPECT_EQ(parse_timestamp("2026-02-03t12:00:00.5z"), *noon + 500);
  EXPECT_EQ(parse_timestamp("2026-02-03T12:00:00.123456789Z"), *noon + 123);
}

TEST(Timestamp, RefusesEverythingElse) {
  for (const char* text :
       {"", "tomorrow", "2026-02-30T00:00:00Z", "2026-02-03", "2026-02-03T12:00:00", "2026-02-03T25:00:00Z",
        "2026-02-03T12:00:00.Z", "2026-02-03T12:00:00Zx", "+026-02-03T1:0:0Z", "2026-02-03T12:00:00+99:00"}) {
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sluice::control::platform
