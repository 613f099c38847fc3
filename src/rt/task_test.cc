// SPDX-License-Identifier: Apache-2.0
#include "rt/task.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "rt/frame_pool.h"

namespace sluice::rt {
namespace {

/// co_await suspends until resume(); notes when it is destroyed while somebody waits.
struct Gate {
  std::coroutine_handle<> waiting;
  int cancelled = 0;

  struct Wait {
    Gate& gate;
    bool suspended = false;
    explicit Wait(Gate& g) : gate(g) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {
      if (!suspended) return;
      ++gate.cancelled;
      gate.waiting = {};
    }
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> caller) {
      suspended = true;
      gate.waiting = caller;
    }
    void await_resume() { suspended = false; }
  };
  [[nodiscard]] Wait wait() { return Wait(*this); }
  void resume() { std::exchange(waiting, {}).resume(); }
};

struct Note {
  std::vector<std::string>& log;
  std::string text;
  ~Note() { log.push_back(text); }
};

Task<int> born_ready() {
  return 7;
}
Task<int> at_once(int value) {
  co_return value;
}
Task<int> after(Gate& gate, int value) {
  co_await gate.wait();
  co_return value;
}
Task<int> sum(Gate& gate) {
  const int first = co_await born_ready();
  const int second = co_await at_once(20);
  const int third = co_await after(gate, 300);
  co_return first + second + third;
}
Task<void> fails() {
  throw std::runtime_error("broken");
  co_return;
}
Task<std::string> catches() {
  std::string seen = "nothing";
  try {
    co_await fails();
  } catch (const std::runtime_error& error) {
    seen = error.what();
  }
  co_return seen;
}
Task<void> inner(Gate& gate, std::vector<std::string>& log) {
  const Note note{log, "inner"};
  co_await gate.wait();
}
Task<void> outer(Gate& gate, std::vector<std::string>& log) {
  const Note note{log, "outer"};
  co_await inner(gate, log);
}
Task<int> deep(int depth) {
  if (depth == 0) co_return 0;
  const int below = co_await deep(depth - 1);
  co_return below + 1;
}
Task<int> count_to(int limit) {
  int total = 0;
  for (int i = 0; i < limit; ++i) total += co_await at_once(1);
  co_return total;
}
Task<std::unique_ptr<int>> owns() {
  co_return std::make_unique<int>(5);
}
Task<Result<int>> refuses() {
  co_return fail(Errc::Invalid, "no");
}
Task<Result<int>> passes_on() {
  CO_TRY(auto value, co_await refuses());
  co_return value + 1;
}

TEST(TaskTest, ATaskBornReadyNeedsNoStart) {
  auto task = born_ready();
  EXPECT_TRUE(task.ready());
  EXPECT_EQ(task.take(), 7);
  EXPECT_TRUE(Task<void>::done().ready());
}

TEST(TaskTest, StartsOnlyWhenAsked) {
  auto task = at_once(3);
  EXPECT_FALSE(task.ready());
  task.start();
  ASSERT_TRUE(task.ready());
  EXPECT_EQ(task.take(), 3);
}

TEST(TaskTest, NestedTasksResumeTheirCaller) {
  Gate gate;
  auto task = sum(gate);
  task.start();
  EXPECT_FALSE(task.ready());
  gate.resume();
  ASSERT_TRUE(task.ready());
  EXPECT_EQ(task.take(), 327);
}

TEST(TaskTest, DestroyingATaskCancelsWhatItWaitsForFromTheInside) {
  Gate gate;
  std::vector<std::string> log;
  {
    auto task = outer(gate, log);
    task.start();
    EXPECT_TRUE(gate.waiting);
  }
  EXPECT_EQ(gate.cancelled, 1);
  EXPECT_EQ(log, (std::vector<std::string>{"inner", "outer"}));
}

TEST(TaskTest, ATaskThatNeverStartedIsFreed) {
  Gate gate;
  std::vector<std::string> log;
  {
    auto task = outer(gate, log);
  }
  EXPECT_TRUE(log.empty());
}

TEST(TaskTest, AssigningCancelsTheFormerTask) {
  Gate gate;
  auto task = after(gate, 1);
  task.start();
  task = at_once(2);
  EXPECT_EQ(gate.cancelled, 1);
  task.start();
  EXPECT_EQ(task.take(), 2);
}

TEST(TaskTest, MovingATaskMovesTheFrame) {
  Gate gate;
  auto task = after(gate, 1);
  task.start();
  auto moved = std::move(task);
  EXPECT_EQ(gate.cancelled, 0);
  gate.resume();
  EXPECT_EQ(moved.take(), 1);
}

TEST(TaskTest, ExceptionsReachTheCaller) {
  auto task = catches();
  task.start();
  EXPECT_EQ(task.take(), "broken");
  auto alone = fails();
  alone.start();
  ASSERT_TRUE(alone.ready());
  EXPECT_THROW(alone.take(), std::runtime_error);
}

TEST(TaskTest, CarriesValuesThatOnlyMove) {
  auto task = owns();
  task.start();
  EXPECT_EQ(*task.take(), 5);
}

TEST(TaskTest, ErrorsPassThroughCoTry) {
  auto task = passes_on();
  task.start();
  auto result = task.take();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().what, "no");
}

TEST(TaskTest, DeepNestingWorks) {
  auto task = deep(500);
  task.start();
  EXPECT_EQ(task.take(), 500);
}

TEST(TaskTest, LongLoopsOverTasksThatDoNotSuspendNeedNoStack) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "sanitizers keep clang from making tail calls of symmetric transfers";
#endif
#endif
  auto task = count_to(100'000);
  task.start();
  EXPECT_EQ(task.take(), 100'000);
}

TEST(TaskTest, TheContinuationOfAnOwnerIsResumedAtTheEnd) {
  Gate gate;
  Gate owner;
  auto waits = after(owner, 0);
  waits.start();
  auto task = after(gate, 1);
  task.on_done(std::exchange(owner.waiting, {}));
  task.start();
  gate.resume();
  EXPECT_TRUE(task.ready());
  EXPECT_TRUE(waits.ready());
}

#if !defined(__has_feature) || !__has_feature(address_sanitizer)
TEST(FramePoolTest, FramesOfOneSizeClassAreRecycled) {
  drop_cached_frames();
  void* first = allocate_frame(200);
  release_frame(first, 200);
  void* second = allocate_frame(220);  // the same class of 32 octets
  EXPECT_EQ(first, second);
  release_frame(second, 220);
  drop_cached_frames();
}
#endif

TEST(FramePoolTest, LargeAndManyFramesAreFreed) {
  std::vector<void*> frames;
  frames.reserve(2000);
  for (int i = 0; i < 2000; ++i) frames.push_back(allocate_frame(128));
  for (void* frame : frames) release_frame(frame, 128);
  release_frame(allocate_frame(100'000), 100'000);
  drop_cached_frames();
}

}  // namespace
}  // namespace sluice::rt
