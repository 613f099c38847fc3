// SPDX-License-Identifier: Apache-2.0
#include "rt/reactor.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "rt/scope.h"
#include "rt/task.h"
#include "rt/test_loop.h"

namespace sluice::rt {
namespace {

Task<void> sleep_and_count(Reactor& reactor, std::int64_t ms, int& count) {
  co_await Sleep(reactor, reactor.after_ms(ms));
  ++count;
}

TEST(ReactorTest, SleepersWakeInTime) {
  Reactor reactor;
  int count = 0;
  const std::int64_t before = reactor.clock().mono_ms();
  run(reactor, sleep_and_count(reactor, 30, count));
  EXPECT_EQ(count, 1);
  EXPECT_GE(reactor.clock().mono_ms() - before, 30);
}

TEST(ReactorTest, CancelledSleepersStayAsleep) {
  Reactor reactor;
  int count = 0;
  auto task = sleep_and_count(reactor, 10, count);
  task.start();
  task.reset();
  for (int i = 0; i < 3; ++i) reactor.run_once(10);
  EXPECT_EQ(count, 0);
}

TEST(ReactorTest, AManualClockTurnsTheTimers) {
  auto owned = std::make_unique<ManualClock>();
  ManualClock* clock = owned.get();
  Reactor reactor(std::move(owned));
  int count = 0;
  auto task = sleep_and_count(reactor, 3'600'000, count);
  task.start();
  reactor.run_once(0);
  EXPECT_EQ(count, 0);
  clock->advance_ms(3'600'000);
  reactor.run_once(0);
  EXPECT_EQ(count, 1);
}

TEST(ReactorTest, PostedWorkRunsInOrder) {
  Reactor reactor;
  std::vector<int> seen;
  for (int i = 0; i < 5; ++i) reactor.post([&seen, i] { seen.push_back(i); });
  EXPECT_TRUE(seen.empty());
  reactor.run_once(0);
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(ReactorTest, WorkPostedByWorkRunsInALaterTurn) {
  Reactor reactor;
  int depth = 0;
  reactor.post([&] {
    ++depth;
    reactor.post([&] { ++depth; });
  });
  reactor.run_once(0);
  EXPECT_EQ(depth, 1);
  reactor.run_once(1000);
  EXPECT_EQ(depth, 2);
}

TEST(ReactorTest, DeferredWorkRunsAtTheEndOfTheTurn) {
  Reactor reactor;
  std::vector<int> seen;
  reactor.post([&] {
    reactor.defer([&] { seen.push_back(2); });
    seen.push_back(1);
  });
  reactor.run_once(0);
  EXPECT_EQ(seen, (std::vector<int>{1, 2}));
}

TEST(ReactorTest, OtherThreadsWakeItUp) {
  Reactor reactor;
  int sum = 0;  // only touched on the reactor's thread
  constexpr int kThreads = 4;
  constexpr int kPosts = 5000;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kPosts; ++i) reactor.post([&sum] { ++sum; });
    });
  }
  turn_until(reactor, [&] { return sum == kThreads * kPosts; });
  for (auto& thread : threads) thread.join();
}

// The wake-up must not stay pending when a poster's write comes after its work was taken: the loop would spin.
TEST(ReactorTest, IdlesAfterTheLastPost) {
  Reactor reactor;
  std::atomic<bool> done{false};
  int sum = 0;
  std::thread poster([&] {
    for (int i = 0; i < 20'000; ++i) reactor.post([&sum] { ++sum; });
    done = true;
  });
  turn_until(reactor, [&] { return done && sum == 20'000; });
  poster.join();
  for (int i = 0; i < 3; ++i) reactor.run_once(0);
  const std::int64_t before = reactor.clock().mono_ms();
  reactor.run_once(30);
  EXPECT_GE(reactor.clock().mono_ms() - before, 25);
}

TEST(ReactorTest, StopsFromAnotherThread) {
  Reactor reactor;
  std::thread stopper([&] { reactor.stop(); });
  reactor.run();
  stopper.join();
}

}  // namespace
}  // namespace sluice::rt
