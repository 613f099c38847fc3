// SPDX-License-Identifier: Apache-2.0
#include "rt/shared/counter_table.h"

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::rt::shared {
namespace {

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kMinute = 60'000;

void in_threads(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (auto& thread : threads) thread.join();
}

TEST(CounterTable, CountsEachKeyForItself) {
  CounterTable table;
  EXPECT_EQ(table.add("a", 1, kNow, kNow + kMinute), 0);
  EXPECT_EQ(table.add("a", 2, kNow, kNow + kMinute), 1);
  EXPECT_EQ(table.add("b", 1, kNow, kNow + kMinute), 0);
  EXPECT_EQ(table.get("a", kNow), 3);
  EXPECT_EQ(table.get("b", kNow), 1);
  EXPECT_EQ(table.get("c", kNow), 0);
  EXPECT_EQ(table.size(), 2U);
}

TEST(CounterTable, TellsKeysWithZeroOctetsApart) {
  CounterTable table;
  table.add(std::string_view("a\0b", 3), 1, kNow, kNow + kMinute);
  EXPECT_EQ(table.get(std::string_view("a\0c", 3), kNow), 0);
}

TEST(CounterTable, ForgetsACounterWhenItsWindowIsOver) {
  CounterTable table;
  table.add("a", 5, kNow, kNow + 1000);
  EXPECT_EQ(table.get("a", kNow + 999), 5);
  EXPECT_EQ(table.get("a", kNow + 1000), 0);
}

TEST(CounterTable, StartsOverWhenAKeyReturnsInALaterWindow) {
  CounterTable table;
  table.add("a", 5, kNow, kNow + 1000);
  EXPECT_EQ(table.add("a", 1, kNow + 1500, kNow + 2500), 0);
  EXPECT_EQ(table.get("a", kNow + 1500), 1);
  EXPECT_EQ(table.size(), 1U);
}

TEST(CounterTable, KeepsTheFirstExpiryOfAWindow) {
  CounterTable table;
  table.add("a", 1, kNow, kNow + 1000);
  table.add("a", 1, kNow + 500, kNow + 9000);
  EXPECT_EQ(table.get("a", kNow + 1000), 0);
}

TEST(CounterTable, TakesUpToTheLimitAndNotBeyond) {
  CounterTable table;
  EXPECT_EQ(table.take("a", 2, kNow, kNow + kMinute), 0);
  EXPECT_EQ(table.take("a", 2, kNow, kNow + kMinute), 1);
  EXPECT_EQ(table.take("a", 2, kNow, kNow + kMinute), 2);
  EXPECT_EQ(table.take("a", 2, kNow, kNow + kMinute), 2);
  EXPECT_EQ(table.get("a", kNow), 2);
}

TEST(CounterTable, GivesBackWhatWasTaken) {
  CounterTable table;
  table.take("a", 1, kNow, kNow + kMinute);
  table.add("a", -1, kNow, kNow + kMinute);
  EXPECT_EQ(table.take("a", 1, kNow, kNow + kMinute), 0);
}

TEST(CounterTable, HoldsAsManyCountersAsAsked) {
  constexpr int kKeys = 10'000;
  CounterTable table(kKeys);
  for (int i = 0; i < kKeys; ++i) table.add("key " + std::to_string(i), 1, kNow, kNow + kMinute);
  int kept = 0;
  for (int i = 0; i < kKeys; ++i) kept += table.get("key " + std::to_string(i), kNow) == 1 ? 1 : 0;
  EXPECT_EQ(kept, kKeys);
}

TEST(CounterTable, ReplacesExpiredCountersBeforeLiveOnes) {
  constexpr int kKeys = 4'000;
  CounterTable table(kKeys * 2);
  for (int i = 0; i < kKeys; ++i) table.add("live " + std::to_string(i), 1, kNow, kNow + 60 * kMinute);
  for (int round = 0; round < 20; ++round) {
    const std::int64_t now = kNow + std::int64_t{5000} * round;
    for (int i = 0; i < kKeys / 4; ++i) {
      table.add("brief " + std::to_string(round) + "/" + std::to_string(i), 1, now, now + 1000);
    }
  }
  int kept = 0;
  for (int i = 0; i < kKeys; ++i) kept += table.get("live " + std::to_string(i), kNow) == 1 ? 1 : 0;
  EXPECT_EQ(kept, kKeys);
}

TEST(CounterTable, StaysWithinItsSizeWhenFlooded) {
  CounterTable table(64);
  for (int i = 0; i < 10'000; ++i) table.add("key " + std::to_string(i), 1, kNow, kNow + kMinute + i);
  EXPECT_LE(table.size(), 128U);
  EXPECT_EQ(table.get("key 9999", kNow), 1);
}

TEST(CounterTable, LosesNoAdditionOfManyThreads) {
  CounterTable table;
  in_threads(4, [&](int) {
    for (int i = 0; i < 5'000; ++i) table.add("key " + std::to_string(i % 50), 1, kNow, kNow + kMinute);
  });
  for (int i = 0; i < 50; ++i) EXPECT_EQ(table.get("key " + std::to_string(i), kNow), 400);
  EXPECT_EQ(table.size(), 50U);
}

TEST(CounterTable, GrantsExactlyTheLimitToManyThreads) {
  CounterTable table;
  std::atomic<int> granted{0};
  in_threads(4, [&](int) {
    for (int i = 0; i < 3'000; ++i) granted += table.take("key", 1'000, kNow, kNow + kMinute) < 1'000 ? 1 : 0;
  });
  EXPECT_EQ(granted, 1'000);
}

TEST(CounterTable, NeverSplitsACounterThatManyThreadsMakeAtOnce) {
  CounterTable table;
  std::atomic<int> granted{0};
  in_threads(4, [&](int) {
    for (int window = 0; window < 500; ++window) {
      const std::int64_t now = kNow + window;
      const std::string key = "window " + std::to_string(window);
      for (int i = 0; i < 5; ++i) granted += table.take(key, 3, now, now + kMinute) < 3 ? 1 : 0;
    }
  });
  EXPECT_EQ(granted, 1'500);
}

TEST(CounterTable, SurvivesManyThreadsInATableThatIsTooSmall) {
  CounterTable table(16);
  in_threads(4, [&](int thread) {
    for (int i = 0; i < 5'000; ++i) {
      const std::int64_t now = kNow + i;
      table.add("key " + std::to_string((i * 7 + thread) % 200), 1, now, now + 10);
    }
  });
  EXPECT_LE(table.size(), 32U);
}

}  // namespace
}  // namespace sluice::rt::shared
