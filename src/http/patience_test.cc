// SPDX-License-Identifier: Apache-2.0
#include "http/patience.h"

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

class PatienceTest : public testing::Test {
 protected:
  /// How long the wait that begins now may last.
  std::int64_t allowed(Patience& patience) { return patience.begin_wait(clock).at_ms - clock.mono_ms(); }
  /// The peer is silent for `ms`, and `octets` come then.
  void wait(Patience& patience, std::int64_t ms, std::uint64_t octets) {
    (void)patience.begin_wait(clock);
    clock.advance_ms(ms);
    patience.ended_wait(clock);
    patience.received(octets);
  }
  rt::ManualClock clock;
};

TEST_F(PatienceTest, AllowsOnePauseAtATimeWithoutARate) {
  Patience patience({30'000});
  for (int i = 0; i < 100; ++i) wait(patience, 29'000, 1);
  EXPECT_EQ(allowed(patience), 30'000);
}

TEST_F(PatienceTest, IsUsedUpByOctetsNowAndThen) {
  Patience patience({30'000, 256});
  wait(patience, 10'000, 1);
  EXPECT_EQ(allowed(patience), 20'003);
  wait(patience, 10'000, 1);
  wait(patience, 10'000, 1);
  EXPECT_LT(allowed(patience), 20);
}

TEST_F(PatienceTest, LastsWhileContentKeepsComingAtTheRate) {
  Patience patience({30'000, 256});
  for (int i = 0; i < 1000; ++i) wait(patience, 1'000, 256);
  EXPECT_EQ(allowed(patience), 30'000);
}

TEST_F(PatienceTest, NeverAllowsAPauseLongerThanOne) {
  Patience patience({30'000, 256});
  patience.received(1'000'000'000);
  EXPECT_EQ(allowed(patience), 30'000);
}

TEST_F(PatienceTest, DoesNotCountTheTimeInWhichNobodyReads) {
  Patience patience({30'000, 256});
  wait(patience, 1'000, 1);
  clock.advance_ms(3'600'000);  // our own receiver is slow
  EXPECT_EQ(allowed(patience), 29'003);
}

TEST_F(PatienceTest, IsOverAtOnceWhenTheRateWasMissed) {
  Patience patience({1'000, 256});
  wait(patience, 5'000, 0);  // the loop was late
  EXPECT_EQ(allowed(patience), 0);
}

TEST_F(PatienceTest, ForgetsTheRateAlsoInAWaitThatHasBegun) {
  Patience patience({30'000, 256});
  wait(patience, 29'000, 0);
  const rt::Deadline until = patience.begin_wait(clock);
  patience.drop_rate();
  clock.advance_ms(1'000);
  EXPECT_TRUE(until.passed(clock));
  EXPECT_EQ(patience.wait_end().at_ms - clock.mono_ms(), 29'000);
}

TEST_F(PatienceTest, DoesNotCountWhatIsExcused) {
  Patience patience({30'000, 256});
  EXPECT_EQ(patience.begin_excused_wait(clock).at_ms - clock.mono_ms(), 30'000);
  clock.advance_ms(20'000);
  patience.ended_wait(clock, 15'000);
  EXPECT_EQ(allowed(patience), 25'000);
}

TEST_F(PatienceTest, ForgetsTheRateWhenTold) {
  Patience patience({30'000, 256});
  wait(patience, 29'000, 1);
  patience.drop_rate();
  EXPECT_EQ(allowed(patience), 30'000);
  patience.set_pause(2'000);
  EXPECT_EQ(allowed(patience), 2'000);
}

}  // namespace
}  // namespace sluice::http
