// SPDX-License-Identifier: Apache-2.0
#include "rt/shards.h"

#include <atomic>
#include <latch>
#include <thread>

#include <gtest/gtest.h>

namespace sluice::rt {
namespace {

TEST(ShardsTest, EachRunsOnItsOwnThread) {
  Shards shards(3);
  std::array<std::thread::id, 3> ids;
  std::latch started(3);
  shards.start([&](std::size_t i, Reactor& reactor) {
    ids[i] = std::this_thread::get_id();
    started.count_down();
    reactor.run();
  });
  started.wait();
  EXPECT_NE(ids[0], ids[1]);
  EXPECT_NE(ids[1], ids[2]);
  shards.stop();
}

TEST(ShardsTest, PostsTravelBetweenShards) {
  Shards shards(4);
  shards.start([](std::size_t, Reactor& reactor) { reactor.run(); });
  constexpr int kHops = 2000;
  std::latch arrived(1);
  struct Ball {
    Shards& shards;
    std::latch& arrived;
    void hop(int left) {
      if (left == 0) {
        arrived.count_down();
        return;
      }
      shards.post(static_cast<std::size_t>(left) % shards.count(), [this, left] { hop(left - 1); });
    }
  } ball{shards, arrived};
  ball.hop(kHops);
  arrived.wait();
}

TEST(ShardsTest, StopEndsLoopsThatAreBusy) {
  Shards shards(2);
  std::atomic<int> turns{0};
  shards.start([&](std::size_t, Reactor& reactor) {
    std::function<void()> again = [&] {
      ++turns;
      reactor.post(again);
    };
    reactor.post(again);
    reactor.run();
  });
  while (turns < 100) std::this_thread::yield();
  shards.stop();
}

TEST(ShardsTest, CanBeDestroyedWithoutAStart) {
  Shards shards(2);
}

}  // namespace
}  // namespace sluice::rt
