// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/path_trie.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/router/router_testing.h"

namespace sluice::gateway::router {
namespace {

using ::testing::ElementsAre;
using testing::numbered;

Shared<const Route> route(std::uint32_t n, Flavor flavor = Flavor::TraditionalCompatible) {
  expr::RegexCache cache;
  return *Route::compile({.id = numbered(n), .name = std::to_string(n), .paths = {"/"}}, flavor, cache);
}

std::vector<std::string> names_in(const EntrySet& entries) {
  std::vector<std::string> names;
  entries.each([&](EntryView entry) {
    names.push_back(entry.route->name);
    return true;
  });
  return names;
}

std::vector<std::string> found(const PathTrie& trie, std::string_view text) {
  std::vector<std::string> names;
  trie.each_prefix(text, [&](const EntryBucket& bucket, std::size_t length) {
    bucket.each_set(nullptr, [&](const EntrySet& entries) {
      for (const auto& name : names_in(entries)) names.push_back(name + "@" + std::to_string(length));
    });
  });
  return names;
}

TEST(EntrySet, KeepsTheOrderOfPreferenceWhateverTheOrderOfInsertion) {
  EntrySet up, down;
  for (std::uint32_t n = 1; n <= 9; ++n) up.insert(route(n), 0);
  for (std::uint32_t n = 9; n >= 1; --n) down.insert(route(n), 0);
  EXPECT_THAT(names_in(up), ElementsAre("1", "2", "3", "4", "5", "6", "7", "8", "9"));
  EXPECT_EQ(names_in(up), names_in(down));
}

TEST(EntrySet, CopiesAreIndependent) {
  EntrySet first;
  const auto one = route(1);
  first.insert(one, 0);
  first.insert(route(2), 0);
  EntrySet second = first;
  second.erase({one.get(), 0});
  second.insert(route(3), 0);
  EXPECT_THAT(names_in(first), ElementsAre("1", "2"));
  EXPECT_THAT(names_in(second), ElementsAre("2", "3"));
}

TEST(EntrySet, ReplacesAnEntryOfEqualPlace) {
  EntrySet set;
  set.insert(route(1), 0);
  set.insert(route(1), 0);
  EXPECT_THAT(names_in(set), ElementsAre("1"));
}

TEST(EntryBucket, FindsEntriesByTheHeaderValueTheyRequire) {
  const std::vector<expr::HeaderValue> gold = {{"x_tier", "gold"}};
  EntryBucket bucket;
  const auto one = route(1);
  bucket.insert(one, 0, gold);
  bucket.insert(route(2), 0, {});
  const auto names = [&](const testing::Headers& headers) {
    std::vector<std::string> all;
    bucket.each_set(&headers, [&](const EntrySet& entries) {
      for (auto& name : names_in(entries)) all.push_back(name);
    });
    return all;
  };
  EXPECT_THAT(names({{"X-Tier", "Gold"}}), ElementsAre("1", "2"));
  EXPECT_THAT(names({{"X-Tier", "silver"}}), ElementsAre("2"));
  bucket.erase({one.get(), 0}, gold);
  EXPECT_THAT(names({{"X-Tier", "Gold"}}), ElementsAre("2"));
}

TEST(PathTrie, FindsEveryStoredPrefixLongestFirst) {
  PathTrie trie;
  trie.insert("", route(1), 0, {});
  trie.insert("/api", route(2), 0, {});
  trie.insert("/api/v1", route(3), 0, {});
  trie.insert("/apple", route(4), 0, {});
  EXPECT_THAT(found(trie, "/api/v1/x"), ElementsAre("3@7", "2@4", "1@0"));
  EXPECT_THAT(found(trie, "/apple"), ElementsAre("4@6", "1@0"));
  EXPECT_THAT(found(trie, "/ap"), ElementsAre("1@0"));
}

TEST(PathTrie, CopiesAreIndependent) {
  PathTrie first;
  const auto two = route(2);
  first.insert("/a", route(1), 0, {});
  first.insert("/a/b", two, 0, {});
  PathTrie second = first;
  second.erase("/a/b", {two.get(), 0}, {});
  second.insert("/a/bc", route(3), 0, {});
  EXPECT_THAT(found(first, "/a/bc"), ElementsAre("2@4", "1@2"));
  EXPECT_THAT(found(second, "/a/bc"), ElementsAre("3@5", "1@2"));
}

TEST(PathTrie, AgreesWithAPlainMapUnderRandomChanges) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto key = [&] {
    std::string text;
    for (auto n = random() % 7; n > 0; --n) text += "ab\xFF"[random() % 3];
    return text;
  };
  std::map<std::string, Shared<const Route>> model;
  PathTrie trie;
  for (std::uint32_t step = 1; step < 4000; ++step) {
    const std::string at = key();
    if (const auto known = model.find(at); known != model.end()) {
      trie.erase(at, {known->second.get(), 0}, {});
      model.erase(known);
    } else {
      const auto added = route(step);
      trie.insert(at, added, 0, {});
      model.emplace(at, added);
    }
    const std::string text = key();
    std::vector<std::string> expected;
    for (std::size_t length = text.size() + 1; length-- > 0;) {
      const auto hit = model.find(text.substr(0, length));
      if (hit != model.end()) expected.push_back(hit->second->name + "@" + std::to_string(length));
    }
    ASSERT_EQ(found(trie, text), expected);
  }
  for (const auto& [at, held] : model) trie.erase(at, {held.get(), 0}, {});
  EXPECT_TRUE(trie.empty());
}

}  // namespace
}  // namespace sluice::gateway::router
