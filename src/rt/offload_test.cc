// SPDX-License-Identifier: Apache-2.0
#include "rt/offload.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "rt/task.h"
#include "rt/test_loop.h"

namespace sluice::rt {
namespace {

Task<std::thread::id> thread_of_work(BlockingPool& pool, Reactor& reactor) {
  auto id = co_await offload(pool, reactor, [] { return std::this_thread::get_id(); });
  co_return id;
}
Task<int> waits_for(BlockingPool& pool, Reactor& reactor, std::latch& latch, std::shared_ptr<int> token) {
  auto value = co_await offload(pool, reactor, [&latch, token] {
    latch.wait();
    return *token;
  });
  co_return value;
}

TEST(OffloadTest, WorkRunsElsewhereAndTheResultComesBack) {
  Reactor reactor;
  BlockingPool pool(2);
  EXPECT_NE(run(reactor, thread_of_work(pool, reactor)), std::this_thread::get_id());
}

TEST(OffloadTest, ResultsThatComeTooLateAreDropped) {
  Reactor reactor;
  auto token = std::make_shared<int>(5);
  std::latch latch(1);
  {
    BlockingPool pool(1);
    auto task = waits_for(pool, reactor, latch, token);
    task.start();
    task.reset();
    latch.count_down();
  }
  reactor.run_once(10);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(OffloadTest, ManyAtOnceAllComeBack) {
  Reactor reactor;
  BlockingPool pool(3);
  auto token = std::make_shared<int>(1);
  std::latch open(0);
  std::vector<Task<int>> tasks;
  tasks.reserve(500);
  for (int i = 0; i < 500; ++i) tasks.push_back(waits_for(pool, reactor, open, token));
  for (auto& task : tasks) task.start();
  turn_until(reactor, [&] { return std::ranges::all_of(tasks, [](auto& task) { return task.ready(); }); });
  int sum = 0;
  for (auto& task : tasks) sum += task.take();
  EXPECT_EQ(sum, 500);
}

TEST(BlockingPoolTest, FinishesWhatWasSubmittedBeforeItGoes) {
  std::atomic<int> done{0};
  {
    BlockingPool pool(2);
    for (int i = 0; i < 200; ++i) pool.submit([&done] { ++done; });
  }
  EXPECT_EQ(done, 200);
}

TEST(BlockingPoolTest, WhoWorkedLastWorksNext) {
  Reactor reactor;
  BlockingPool pool(4);
  std::thread::id before = run(reactor, thread_of_work(pool, reactor));
  int again = 0;
  for (int i = 0; i < 50; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // until it is idle again
    const std::thread::id now = run(reactor, thread_of_work(pool, reactor));
    again += now == std::exchange(before, now) ? 1 : 0;
  }
  EXPECT_GT(again, 30);  // now and then it is still on its way to its seat
}

}  // namespace
}  // namespace sluice::rt
