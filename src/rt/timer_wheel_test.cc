// SPDX-License-Identifier: Apache-2.0
#include "rt/timer_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::rt {
namespace {

class Alarm final : public Timer {
 public:
  std::function<void(Alarm&)> action;
  int fired = 0;

 private:
  void expire() override {
    ++fired;
    if (action) action(*this);
  }
};

TEST(TimerWheelTest, FiresAtItsMomentAndNotBefore) {
  TimerWheel wheel(1000);
  Alarm alarm;
  wheel.arm(alarm, 1500);
  wheel.advance(1499);
  EXPECT_EQ(alarm.fired, 0);
  EXPECT_TRUE(alarm.armed());
  wheel.advance(1500);
  EXPECT_EQ(alarm.fired, 1);
  EXPECT_FALSE(alarm.armed());
}

TEST(TimerWheelTest, MomentsThatHavePassedFireNext) {
  TimerWheel wheel(1000);
  Alarm alarm;
  wheel.arm(alarm, 10);
  wheel.advance(1000);
  EXPECT_EQ(alarm.fired, 0);
  wheel.advance(1001);
  EXPECT_EQ(alarm.fired, 1);
}

TEST(TimerWheelTest, DisarmingAndDestroyingPreventIt) {
  TimerWheel wheel(0);
  Alarm disarmed;
  wheel.arm(disarmed, 50);
  {
    Alarm gone;
    wheel.arm(gone, 50);
  }
  disarmed.disarm();
  wheel.advance(1000);
  EXPECT_EQ(disarmed.fired, 0);
}

TEST(TimerWheelTest, ArmingAgainMovesTheTimer) {
  TimerWheel wheel(0);
  Alarm alarm;
  wheel.arm(alarm, 50);
  wheel.arm(alarm, 100'000);
  wheel.advance(99'999);
  EXPECT_EQ(alarm.fired, 0);
  wheel.advance(100'000);
  EXPECT_EQ(alarm.fired, 1);
}

TEST(TimerWheelTest, TimersMayActOnEachOtherWhileTheyFire) {
  TimerWheel wheel(0);
  auto victim = std::make_unique<Alarm>();
  Alarm first;
  Alarm repeating;
  first.action = [&](Alarm&) { victim.reset(); };
  repeating.action = [&](Alarm& self) {
    if (self.fired < 5) wheel.arm(self, self.at_ms() + 256);
  };
  wheel.arm(*victim, 300);  // same slot: the first of them fires last
  wheel.arm(first, 300);
  wheel.arm(repeating, 256);
  wheel.advance(10'000);
  EXPECT_EQ(first.fired, 1);
  EXPECT_EQ(victim, nullptr);
  EXPECT_EQ(repeating.fired, 5);
}

TEST(TimerWheelTest, TellsWhenToWakeUp) {
  TimerWheel wheel(1000);
  EXPECT_EQ(wheel.next_due_ms(), INT64_MAX);
  Alarm near;
  Alarm far;
  wheel.arm(far, 500'000);
  EXPECT_LE(wheel.next_due_ms(), 500'000);
  EXPECT_GT(wheel.next_due_ms(), 1000);
  wheel.arm(near, 1003);
  EXPECT_EQ(wheel.next_due_ms(), 1003);
}

// A machine that has been up for 49.7 days passes this number of milliseconds.
TEST(TimerWheelTest, TimersFireOnTimeAcrossPowersOf256) {
  for (int bits : {8, 16, 24, 32, 40}) {
    const std::int64_t edge = std::int64_t{1} << bits;
    TimerWheel wheel(edge - 10);
    Alarm alarm;
    wheel.arm(alarm, edge + 10);
    EXPECT_LE(wheel.next_due_ms(), edge + 10) << bits;
    wheel.advance(edge + 9);
    EXPECT_EQ(alarm.fired, 0) << bits;
    wheel.advance(edge + 10);
    EXPECT_EQ(alarm.fired, 1) << bits;
  }
}

TEST(TimerWheelTest, FarTimersFireOnTime) {
  for (std::int64_t far : {std::int64_t{1} << 31, std::int64_t{1} << 33, std::int64_t{1} << 41}) {
    TimerWheel wheel(12'345);
    Alarm alarm;
    wheel.arm(alarm, far);
    wheel.advance(far - 1);
    EXPECT_EQ(alarm.fired, 0) << far;
    wheel.advance(far);
    EXPECT_EQ(alarm.fired, 1) << far;
  }
}

/// A sorted multimap is the model: at every step the wheel must have fired exactly what the model says.
class Model {
 public:
  explicit Model(unsigned seed) : random_(seed), now_(start()), wheel_(now_), alarms_(300) {}

  void step() {
    Alarm& alarm = alarms_[random_() % alarms_.size()];
    switch (random_() % 4) {
      case 0:
        disarm(alarm);
        break;
      case 1:
        advance(now_ + some_span() / (1 + static_cast<std::int64_t>(random_() % 50)));
        break;
      default:
        arm(alarm, now_ + some_span());
        break;
    }
  }

  void finish() {
    while (!expected_.empty()) advance(expected_.rbegin()->first + 1);
  }

 private:
  std::int64_t start() {
    const std::int64_t edges[] = {0, 1 << 16, 1 << 24, std::int64_t{1} << 32, std::int64_t{1} << 40};
    return edges[random_() % 5] + static_cast<std::int64_t>(random_() % 100'000);
  }
  std::int64_t some_span() {
    const int bits = static_cast<int>(random_() % 36);
    return static_cast<std::int64_t>((static_cast<std::uint64_t>(random_()) << 16 | random_() % 65'536) &
                                     ((std::uint64_t{1} << bits) - 1));
  }
  void forget(Alarm& alarm) {
    for (auto it = expected_.begin(); it != expected_.end(); ++it) {
      if (it->second == &alarm) {
        expected_.erase(it);
        return;
      }
    }
  }
  void arm(Alarm& alarm, std::int64_t at) {
    forget(alarm);
    expected_.emplace(std::max(at, now_ + 1), &alarm);
    wheel_.arm(alarm, at);
  }
  void disarm(Alarm& alarm) {
    forget(alarm);
    alarm.disarm();
  }
  void advance(std::int64_t to) {
    if (!expected_.empty()) ASSERT_LE(wheel_.next_due_ms(), expected_.begin()->first);
    now_ = std::max(now_, to);
    wheel_.advance(now_);
    while (!expected_.empty() && expected_.begin()->first <= now_) {
      Alarm& alarm = *expected_.begin()->second;
      ASSERT_EQ(alarm.fired, 1);
      ASSERT_FALSE(alarm.armed());
      alarm.fired = 0;
      expected_.erase(expected_.begin());
    }
    for (Alarm& alarm : alarms_) ASSERT_EQ(alarm.fired, 0);
  }

  std::mt19937 random_;
  std::int64_t now_;
  TimerWheel wheel_;
  std::vector<Alarm> alarms_;
  std::multimap<std::int64_t, Alarm*> expected_;
};

TEST(TimerWheelTest, AgreesWithASortedMap) {
  const unsigned base = std::random_device{}();
  for (unsigned round = 0; round < 20; ++round) {
    SCOPED_TRACE("seed " + std::to_string(base + round));
    Model model(base + round);
    for (int i = 0; i < 2000 && !testing::Test::HasFatalFailure(); ++i) model.step();
    model.finish();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice::rt
