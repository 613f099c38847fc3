// SPDX-License-Identifier: Apache-2.0
#include "rt/first_of.h"

#include <vector>

#include <gtest/gtest.h>

#include "rt/reactor.h"
#include "rt/test_loop.h"

namespace sluice::rt {
namespace {

Task<int> nap(Reactor& reactor, std::int64_t ms, int value) {
  co_await Sleep(reactor, reactor.after_ms(ms));
  co_return value;
}
Task<int> at_once(int value) {
  co_return value;
}

Task<std::vector<int>> in_order(Task<int>& a, Task<int>& b) {
  std::vector<int> seen;
  co_await FirstOf(a, b);
  Task<int>& first = a.ready() ? a : b;
  Task<int>& second = a.ready() ? b : a;
  seen.push_back(first.take());
  seen.push_back(co_await second);
  co_return seen;
}
Task<int> whichever(Task<int>& a, Task<int>& b) {
  co_await FirstOf(a, b);
  co_return a.ready() ? a.take() : b.take();
}

TEST(FirstOfTest, ResumesWithTheFasterAndThenAwaitsTheSlower) {
  Reactor reactor;
  auto slow = nap(reactor, 20, 1);
  auto fast = nap(reactor, 2, 2);
  EXPECT_EQ(run(reactor, in_order(slow, fast)), (std::vector<int>{2, 1}));
}

TEST(FirstOfTest, TheSecondIsNotStartedWhenTheFirstEndsAtOnce) {
  Reactor reactor;
  auto now = at_once(1);
  auto later = nap(reactor, 1000, 2);
  EXPECT_EQ(run(reactor, whichever(now, later)), 1);
}

TEST(FirstOfTest, BothMayEndInTheSameTurn) {
  Reactor reactor;
  auto a = nap(reactor, 5, 1);
  auto b = nap(reactor, 5, 2);
  EXPECT_EQ(run(reactor, in_order(a, b)).size(), 2U);
}

TEST(FirstOfTest, TheLoserMayBeDropped) {
  Reactor reactor;
  auto slow = nap(reactor, 20, 1);
  auto fast = nap(reactor, 2, 2);
  EXPECT_EQ(run(reactor, whichever(slow, fast)), 2);
  slow.reset();
  for (int i = 0; i < 3; ++i) reactor.run_once(10);
}

TEST(FirstOfTest, TasksThatOutliveACancelledCallerEndQuietly) {
  Reactor reactor;
  auto a = nap(reactor, 5, 1);
  auto b = nap(reactor, 10, 2);
  auto caller = whichever(a, b);
  caller.start();
  caller.reset();
  turn_until(reactor, [&] { return a.ready() && b.ready(); });
  EXPECT_EQ(a.take(), 1);
}

}  // namespace
}  // namespace sluice::rt
