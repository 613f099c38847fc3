// SPDX-License-Identifier: Apache-2.0
#include "apps/process/watchdog.h"

#include <chrono>
#include <future>
#include <thread>

#include <gtest/gtest.h>

namespace sluice::process {
namespace {

using namespace std::chrono_literals;

/// A reactor on a thread of its own.
class Loop {
 public:
  Loop() : thread_([this] { reactor.run(); }) {}
  ~Loop() {
    reactor.stop();
    thread_.join();
  }
  rt::Reactor reactor;

 private:
  std::thread thread_;
};

TEST(Watchdog, TakesAnIdleLoopForAWellOne) {
  Loop loop;
  std::atomic<int> well{0};
  std::atomic<int> stalls{0};
  Watchdog watchdog({{"idle", loop.reactor}}, 80ms, {[&] { ++well; }, [&](const auto&) { ++stalls; }});
  for (int tries = 0; tries < 500 && well < 20; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_GE(well, 20);
  EXPECT_EQ(stalls, 0);
}

TEST(Watchdog, ReportsALoopThatDoesNotTurnOnceAndWithItsStack) {
  Loop loop;
  std::promise<void> release;
  std::promise<Watchdog::Report> reported;
  std::atomic<int> stalls{0};
  Watchdog watchdog({{"shard-7", loop.reactor}}, 80ms,
                    {[] {},
                     [&](const Watchdog::Report& report) {
                       if (++stalls == 1) reported.set_value(report);
                     }});
  std::this_thread::sleep_for(30ms);  // the loop has told its thread's number by then, or tells it before it hangs
  loop.reactor.post([&] { release.get_future().wait(); });
  auto report = reported.get_future();
  ASSERT_EQ(report.wait_for(20s), std::future_status::ready);
  const Watchdog::Report seen = report.get();
  EXPECT_EQ(seen.name, "shard-7");
  EXPECT_EQ(seen.stalled, 80ms);
  EXPECT_FALSE(seen.stack.empty());
  std::this_thread::sleep_for(60ms);
  EXPECT_EQ(stalls, 1);
  release.set_value();
}

TEST(Watchdog, CallsTheProcessWellWhileOnlyAMinorLoopStalls) {
  Loop loop;
  std::promise<void> release;
  std::atomic<int> well{0};
  std::promise<bool> vital;
  Watchdog watchdog({{"control", loop.reactor, false}}, 80ms,
                    {[&] { ++well; }, [&](const Watchdog::Report& report) { vital.set_value(report.vital); }});
  loop.reactor.post([&] { release.get_future().wait(); });
  auto reported = vital.get_future();
  ASSERT_EQ(reported.wait_for(20s), std::future_status::ready);
  EXPECT_FALSE(reported.get());
  const int before = well;
  for (int tries = 0; tries < 500 && well < before + 3; ++tries) std::this_thread::sleep_for(10ms);
  EXPECT_GE(well, before + 3);
  release.set_value();
}

}  // namespace
}  // namespace sluice::process
