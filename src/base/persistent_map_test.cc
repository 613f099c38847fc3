// SPDX-License-Identifier: Apache-2.0
#include "base/persistent_map.h"

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Map = PersistentMap<std::string, int>;

struct Colliding {
  std::size_t operator()(int key) const { return static_cast<std::size_t>(key % 3); }
};

TEST(PersistentMap, FindsWhatWasInserted) {
  Map map;
  EXPECT_TRUE(map.insert("a", 1));
  EXPECT_TRUE(map.insert("b", 2));
  EXPECT_FALSE(map.insert("a", 3));
  EXPECT_EQ(map.size(), 2U);
  ASSERT_NE(map.find(std::string_view("a")), nullptr);
  EXPECT_EQ(*map.find("a"), 3);
  EXPECT_EQ(map.find("c"), nullptr);
}

TEST(PersistentMap, LeavesOlderVersionsUntouched) {
  const Map first = Map().with("a", 1).with("b", 2);
  const Map second = first.with("a", 10).without("b").with("c", 3);
  EXPECT_EQ(*first.find("a"), 1);
  EXPECT_EQ(*first.find("b"), 2);
  EXPECT_EQ(first.find("c"), nullptr);
  EXPECT_EQ(*second.find("a"), 10);
  EXPECT_EQ(second.find("b"), nullptr);
  EXPECT_EQ(second.size(), 2U);
}

TEST(PersistentMap, SharesValuesBetweenVersions) {
  PersistentMap<int, std::shared_ptr<int>> map;
  auto value = std::make_shared<int>(7);
  for (int i = 0; i < 1000; ++i) map.insert(i, value);
  EXPECT_EQ(value.use_count(), 1001);
  auto next = map.with(1, std::make_shared<int>(8));
  // Only the nodes on the way to one key are copied.
  EXPECT_LT(value.use_count(), 1001 + 100);
  map = {};
  next = {};
  EXPECT_EQ(value.use_count(), 1);
}

TEST(PersistentMap, ErasingAMissingKeyKeepsTheVersion) {
  const Map map = Map().with("a", 1);
  Map next = map;
  EXPECT_FALSE(next.erase("b"));
  EXPECT_TRUE(next.same_version(map));
}

TEST(PersistentMap, IteratesOverEveryEntryOnce) {
  PersistentMap<int, int> map;
  for (int i = 0; i < 5000; ++i) map.insert(i, i * 2);
  std::map<int, int> seen;
  for (const auto& [key, value] : map) EXPECT_TRUE(seen.emplace(key, value).second);
  EXPECT_EQ(seen.size(), 5000U);
  EXPECT_EQ(seen.at(4999), 9998);
}

TEST(PersistentMap, IterationOrderDependsOnContentOnly) {
  PersistentMap<int, int> up, down;
  for (int i = 0; i < 300; ++i) up.insert(i, i);
  for (int i = 399; i >= 0; --i) down.insert(i, i);
  for (int i = 300; i < 400; ++i) down.erase(i);
  auto a = up.begin();
  for (const auto& entry : down) {
    EXPECT_EQ(a->key, entry.key);
    ++a;
  }
  EXPECT_EQ(a, up.end());
}

TEST(PersistentMap, UpdatesAValueInPlaceWithoutTouchingOtherVersions) {
  PersistentMap<int, std::string, Colliding> map;
  for (int i = 0; i < 10; ++i) map.update(i, [&](std::string& text) { text += std::to_string(i); });
  const auto before = map;
  map.update(4, [](std::string& text) { text += "!"; });
  EXPECT_EQ(*map.find(4), "4!");
  EXPECT_EQ(*before.find(4), "4");
  EXPECT_EQ(map.size(), 10U);
}

TEST(PersistentMap, KeepsLinksAlignedBehindEntriesOfAnySize) {
  using Key = std::array<unsigned char, 16>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const { return key[0] | (std::size_t{key[1]} << 8U); }
  };
  using Odd = PersistentMap<Key, bool, KeyHash>;
  static_assert(sizeof(Odd::Entry) == 17);
  Odd map;
  const auto key = [](int i) {
    Key made{};
    made[0] = static_cast<unsigned char>(i);
    made[1] = static_cast<unsigned char>(i >> 8);
    return made;
  };
  for (int i = 0; i < 2000; ++i) map.insert(key(i), i % 2 == 0);
  for (int i = 0; i < 2000; ++i) {
    ASSERT_NE(map.find(key(i)), nullptr);
    EXPECT_EQ(*map.find(key(i)), i % 2 == 0);
  }
  for (int i = 0; i < 2000; i += 2) EXPECT_TRUE(map.erase(key(i)));
  EXPECT_EQ(map.size(), 1000U);
}

TEST(PersistentMap, SurvivesFullHashCollisions) {
  PersistentMap<int, int, Colliding> map;
  for (int i = 0; i < 60; ++i) map.insert(i, i);
  const auto before = map;
  for (int i = 0; i < 60; i += 2) EXPECT_TRUE(map.erase(i));
  for (int i = 0; i < 60; ++i) {
    EXPECT_EQ(map.contains(i), i % 2 == 1) << i;
    EXPECT_TRUE(before.contains(i)) << i;
  }
  EXPECT_FALSE(map.insert(1, 100));
  EXPECT_EQ(*map.find(1), 100);
  EXPECT_EQ(*before.find(1), 1);
}

TEST(PersistentMap, AgreesWithAnOrdinaryMapUnderRandomChanges) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  PersistentMap<int, int> map;
  std::map<int, int> model;
  std::vector<std::pair<PersistentMap<int, int>, std::map<int, int>>> versions;
  for (int step = 0; step < 20'000; ++step) {
    const int key = static_cast<int>(random() % 700);
    if (random() % 3 == 0) {
      EXPECT_EQ(map.erase(key), model.erase(key) == 1);
    } else {
      map.insert(key, step);
      model[key] = step;
    }
    if (step % 1000 == 0) versions.emplace_back(map, model);
  }
  for (const auto& [version, expected] : versions) {
    ASSERT_EQ(version.size(), expected.size());
    for (const auto& [key, value] : expected) {
      ASSERT_NE(version.find(key), nullptr);
      ASSERT_EQ(*version.find(key), value);
    }
  }
}

TEST(PersistentMap, HoldsAHundredThousandEntriesAndFindsThemQuickly) {
  constexpr int kEntries = 100'000;
  PersistentMap<std::string, int> map;
  std::vector<std::string> keys;
  keys.reserve(kEntries);
  for (int i = 0; i < kEntries; ++i) keys.push_back("host-" + std::to_string(i) + ".example.com");
  for (int i = 0; i < kEntries; ++i) map.insert(keys[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(map.size(), static_cast<std::size_t>(kEntries));
  long sum = 0;
  constexpr int kRounds = 20'000;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kRounds; ++i) sum += *map.find(std::string_view(keys[static_cast<std::size_t>(i % 64)]));
  const auto spent = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start) / kRounds;
  EXPECT_GT(sum, 0);
  RecordProperty("find_ns", static_cast<int>(spent.count()));
  // The figure belongs to bench/micro; this bound only catches a lost order of magnitude on a busy machine.
  EXPECT_LT(spent.count(), 5000.0);
  for (const auto& key : keys) EXPECT_TRUE(map.erase(key));
  EXPECT_TRUE(map.empty());
}

}  // namespace
}  // namespace sluice
