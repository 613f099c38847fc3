// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/push_pace.h"

#include <gtest/gtest.h>

namespace sluice::control::cluster {
namespace {

TEST(PushPace, SendsTheFirstAtOnceAndEachFurtherOneLater) {
  PushPace pace;
  std::int64_t now = 5;
  EXPECT_TRUE(pace.may(now));
  for (const std::int64_t wait : {1'000, 2'000, 4'000, 8'000, 10'000, 10'000}) {
    pace.sent(now);
    EXPECT_FALSE(pace.may(now + wait - 1));
    now += wait;
    EXPECT_TRUE(pace.may(now));
  }
}

TEST(PushPace, ForgetsAfterAQuietWhile) {
  PushPace pace;
  pace.sent(0);
  pace.sent(1'000);
  pace.sent(3'000);
  pace.sent(3'000 + PushPace::kQuietMs);
  EXPECT_TRUE(pace.may(3'000 + PushPace::kQuietMs + PushPace::kFirstMs));
}

}  // namespace
}  // namespace sluice::control::cluster
