// SPDX-License-Identifier: Apache-2.0
#include "rt/waiter.h"

#include <optional>

#include <gtest/gtest.h>

#include "rt/task.h"

namespace sluice::rt {
namespace {

Task<Wake> wait(Waiter& waiter, Deadline deadline) {
  co_return co_await waiter.wait(deadline);
}

TEST(Waiter, WakesAtOnce) {
  Reactor reactor;
  Waiter waiter(reactor);
  Task<Wake> waiting = wait(waiter, reactor.after_ms(5000));
  waiting.start();
  EXPECT_TRUE(waiter.is_waited_for());
  waiter.wake();
  ASSERT_TRUE(waiting.ready());
  EXPECT_EQ(waiting.take(), Wake::Ready);
}

TEST(Waiter, WakesSoonOnceTheReactorTurns) {
  Reactor reactor;
  Waiter waiter(reactor);
  Task<Wake> waiting = wait(waiter, reactor.after_ms(5000));
  waiting.start();
  waiter.wake_soon();
  waiter.wake_soon();
  EXPECT_FALSE(waiting.ready());
  reactor.run_once(0);
  ASSERT_TRUE(waiting.ready());
  EXPECT_EQ(waiting.take(), Wake::Ready);
}

TEST(Waiter, AWaitThatIsCancelledMeanwhileIsForgotten) {
  Reactor reactor;
  Waiter waiter(reactor);
  std::optional<Task<Wake>> waiting(wait(waiter, reactor.after_ms(5000)));
  waiting->start();
  waiter.wake_soon();
  waiting.reset();
  reactor.run_once(0);
  EXPECT_FALSE(waiter.is_waited_for());
}

TEST(Waiter, SaysSoWhenTheTimeIsOver) {
  Reactor reactor;
  Waiter waiter(reactor);
  Task<Wake> waiting = wait(waiter, reactor.after_ms(5));
  waiting.start();
  while (!waiting.ready()) reactor.run_once(10);
  EXPECT_EQ(waiting.take(), Wake::TimedOut);
}

}  // namespace
}  // namespace sluice::rt
