// SPDX-License-Identifier: Apache-2.0
#include "rt/scope.h"

#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include "rt/reactor.h"
#include "rt/test_loop.h"

namespace sluice::rt {
namespace {

Task<void> nap(Reactor& reactor, std::int64_t ms, std::shared_ptr<int> token) {
  co_await Sleep(reactor, reactor.after_ms(ms));
  ++*token;
}
Task<void> at_once(std::shared_ptr<int> token) {
  ++*token;
  co_return;
}
Task<void> spawns(TaskScope& scope, Reactor& reactor, std::shared_ptr<int> token) {
  co_await Sleep(reactor, reactor.after_ms(1));
  for (int i = 0; i < 3; ++i) scope.spawn(at_once(token));
}
Task<void> breaks(Reactor& reactor) {
  co_await Sleep(reactor, reactor.after_ms(1));
  throw std::runtime_error("broken");
}

TEST(TaskScopeTest, RunsTasksToTheirEndAndForgetsThem) {
  Reactor reactor;
  TaskScope scope;
  auto token = std::make_shared<int>(0);
  for (int i = 0; i < 10; ++i) scope.spawn(nap(reactor, i % 3, token));
  scope.spawn(at_once(token));
  EXPECT_EQ(scope.size(), 10U - 4U);  // those that sleep for no time have ended
  turn_until(reactor, [&] { return scope.empty(); });
  EXPECT_EQ(*token, 11);
}

TEST(TaskScopeTest, CancelsWhatStillRunsWhenItGoes) {
  Reactor reactor;
  auto token = std::make_shared<int>(0);
  {
    TaskScope scope;
    for (int i = 0; i < 10; ++i) scope.spawn(nap(reactor, 5, token));
    EXPECT_EQ(token.use_count(), 11);
  }
  EXPECT_EQ(token.use_count(), 1);
  for (int i = 0; i < 3; ++i) reactor.run_once(5);
  EXPECT_EQ(*token, 0);
}

TEST(TaskScopeTest, FinishedTasksReleaseWhatTheyHeldAtOnce) {
  Reactor reactor;
  TaskScope scope;
  auto token = std::make_shared<int>(0);
  scope.spawn(nap(reactor, 2, token));
  turn_until(reactor, [&] { return scope.empty(); });
  EXPECT_EQ(token.use_count(), 1);
}

TEST(TaskScopeTest, TasksMaySpawnIntoTheirOwnScope) {
  Reactor reactor;
  TaskScope scope;
  auto token = std::make_shared<int>(0);
  scope.spawn(spawns(scope, reactor, token));
  turn_until(reactor, [&] { return scope.empty(); });
  EXPECT_EQ(*token, 3);
}

TEST(TaskScopeTest, ATaskThatThrowsIsForgottenToo) {
  Reactor reactor;
  TaskScope scope;
  testing::internal::CaptureStderr();
  scope.spawn(breaks(reactor));
  turn_until(reactor, [&] { return scope.empty(); });
  EXPECT_NE(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace sluice::rt
