// SPDX-License-Identifier: Apache-2.0
#include "http/h2/frame_budget.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

namespace sluice::http::h2 {
namespace {

/// How many such frames are admitted, up to a million.
int admitted(FrameBudget& budget, std::uint8_t type, std::size_t length, std::uint8_t flags = 0) {
  int count = 0;
  while (count < 1'000'000 && budget.receive(type, flags, length, 1'000)) ++count;
  return count;
}

TEST(FrameBudget, AllowsTwoHundredResetsInTenSeconds) {
  FrameBudget budget;
  EXPECT_EQ(admitted(budget, NGHTTP2_RST_STREAM, 4), 200);
}

TEST(FrameBudget, AllowsTwoResetsForEachStreamThatAClientMayHave) {
  FrameBudget budget(1'000);
  EXPECT_EQ(admitted(budget, NGHTTP2_RST_STREAM, 4), 2'000);
}

TEST(FrameBudget, CountsResetsThatTheClientMakesUsSend) {
  FrameBudget budget;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(budget.reset_sent(1'000));
  EXPECT_EQ(admitted(budget, NGHTTP2_RST_STREAM, 4), 100);
  EXPECT_FALSE(budget.reset_sent(1'000));
}

TEST(FrameBudget, ForgetsAfterItsWindow) {
  FrameBudget budget;
  EXPECT_EQ(admitted(budget, NGHTTP2_RST_STREAM, 4), 200);
  EXPECT_TRUE(budget.receive(NGHTTP2_RST_STREAM, 0, 4, 1'000 + FrameBudget::kWindowMs));
}

TEST(FrameBudget, AllowsTenContinuationsPerHeaderBlock) {
  FrameBudget budget;
  EXPECT_EQ(admitted(budget, NGHTTP2_CONTINUATION, 100), 10);
  EXPECT_TRUE(budget.receive(NGHTTP2_HEADERS, 0, 100, 1'000));
  EXPECT_EQ(admitted(budget, NGHTTP2_CONTINUATION, 100), 10);
}

TEST(FrameBudget, LimitsEmptyDataButNotTheEndOfAStream) {
  FrameBudget budget;
  EXPECT_EQ(admitted(budget, NGHTTP2_DATA, 0), 200);
  EXPECT_TRUE(budget.receive(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 0, 1'000));
}

TEST(FrameBudget, LimitsSettingsAndTheOctetsOfAllElse) {
  FrameBudget settings;
  EXPECT_EQ(admitted(settings, NGHTTP2_SETTINGS, 6), 100);
  FrameBudget pings;
  EXPECT_EQ(admitted(pings, NGHTTP2_PING, 8), 1024 * 1024 / 17);
  FrameBudget unknown;
  EXPECT_EQ(admitted(unknown, 0x42, 16384), 63);
}

TEST(FrameBudget, ContentPaysForTheWindowUpdatesThatComeWithIt) {
  FrameBudget budget;
  for (int i = 0; i < 500'000; ++i) {
    budget.content_sent();
    ASSERT_TRUE(budget.receive(NGHTTP2_WINDOW_UPDATE, 0, 4, 1'000));
    ASSERT_TRUE(budget.receive(NGHTTP2_WINDOW_UPDATE, 0, 4, 1'000));
  }
}

}  // namespace
}  // namespace sluice::http::h2
