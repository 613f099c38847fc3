// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::gateway::router {
namespace {

using ::testing::ElementsAre;

std::uint64_t priority(const RouteSpec& spec, std::size_t group = 0) {
  return compatible_priority(spec, group_paths(spec, Flavor::TraditionalCompatible).at(group));
}
constexpr std::uint64_t at(unsigned bit, std::uint64_t value = 1) {
  return value << bit;
}

TEST(GroupPaths, PutsRegexesTogetherAndPlainPathsByLength) {
  const RouteSpec spec{.paths = {"/ab", "~/x", "/a", "/cd", "~/y"}};
  const auto groups = group_paths(spec, Flavor::TraditionalCompatible);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_TRUE(groups[0].regex);
  EXPECT_THAT(groups[0].paths, ElementsAre("/x", "/y"));
  EXPECT_THAT(groups[1].paths, ElementsAre("/ab", "/cd"));
  EXPECT_THAT(groups[2].paths, ElementsAre("/a"));
  EXPECT_EQ(group_paths(spec, Flavor::Traditional).size(), 5U);
  EXPECT_EQ(group_paths({}, Flavor::Traditional).size(), 1U);
}

TEST(CompatiblePriority, HasTheBitsOfTheReference) {
  EXPECT_EQ(priority({.methods = {"GET"}}), at(61));
  EXPECT_EQ(priority({.hosts = {"a.b"}}), at(61) | at(60));
  EXPECT_EQ(priority({.hosts = {"*.b"}}), at(61));
  EXPECT_EQ(priority({.hosts = {"a.b", "*.b"}}), at(61));
  EXPECT_EQ(priority({.headers = {{"x", {"1"}}, {"y", {"1"}}}}), at(61) | at(52, 2));
  EXPECT_EQ(priority({.paths = {"/abc"}}), at(61) | 4);
  EXPECT_EQ(priority({.paths = {"~/abc"}, .regex_priority = 7}), at(61) | at(51) | at(19, 7));
  EXPECT_EQ(priority({.paths = {"/abc"}, .regex_priority = 7}), at(61) | 4);
  EXPECT_EQ(priority({.methods = {"GET"}, .hosts = {"a"}, .paths = {"/"}, .snis = {"s"}}), at(61, 4) | at(60) | 1);
  EXPECT_EQ(priority({.expression = "x", .priority = 5}), at(56, 0xFF) | 5);
}

TEST(CompatiblePriority, OfStreamsWeighsNamesThenEndpoints) {
  const auto stream = [](RouteSpec spec) {
    spec.protocols = {RouteProtocol::Tcp};
    return priority(spec);
  };
  EXPECT_EQ(stream({.snis = {"a"}}), at(61));
  EXPECT_EQ(stream({.sources = {{"10.0.0.1", 80}}}), at(4, 12));
  EXPECT_EQ(stream({.destinations = {{"10.0.0.0/8", {}}}}), 1U);
  EXPECT_EQ(stream({.sources = {{"", 80}}, .destinations = {{"10.0.0.1", {}}}}), at(61) | at(4, 4) | 8);
}

TEST(Rank, NegativeRegexPrioritiesStayBelowZero) {
  const auto rank = [](std::int64_t priority, Flavor flavor) {
    const RouteSpec spec{.paths = {"~/a"}, .regex_priority = priority};
    return rank_of(spec, group_paths(spec, flavor).front(), flavor);
  };
  for (const Flavor flavor : {Flavor::Traditional, Flavor::TraditionalCompatible}) {
    EXPECT_LT(rank(-1, flavor), rank(0, flavor));
    EXPECT_LT(rank(-2, flavor), rank(-1, flavor));
    EXPECT_LT(rank(0, flavor), rank(1, flavor));
  }
}

TEST(TraditionalRank, FollowsTheStepsOfTheReference) {
  const auto rank = [](const RouteSpec& spec) {
    return rank_of(spec, group_paths(spec, Flavor::Traditional).front(), Flavor::Traditional);
  };
  // Each one beats the next.
  const std::vector<RouteSpec> order = {
      {.methods = {"GET"}, .hosts = {"a"}, .paths = {"/"}},
      {.hosts = {"a"}, .headers = {{"x", {"1"}}}},
      {.hosts = {"*.a:80"}, .paths = {"~/a"}},
      {.hosts = {"*.a:80"}, .paths = {"/long"}},
      {.hosts = {"a"}, .paths = {"~/a"}, .regex_priority = 1},
      {.hosts = {"a"}, .paths = {"~/a"}},
      {.hosts = {"a"}, .paths = {"/long"}},
      {.hosts = {"a"}, .paths = {"/"}},
      {.hosts = {"*.a"}, .paths = {"~/a"}},
      {.hosts = {"*.a"}, .paths = {"/long"}},
      {.methods = {"GET"}, .hosts = {"a"}},
      {.methods = {"GET"}, .paths = {"/"}},
      {.hosts = {"a"}},
      {.headers = {{"x", {"1"}}, {"y", {"1"}}}},
      {.headers = {{"x", {"1"}}}},
      {.paths = {"/"}},
      {.methods = {"GET"}},
      {.snis = {"a"}},
  };
  for (std::size_t i = 1; i < order.size(); ++i) EXPECT_GT(rank(order[i - 1]), rank(order[i])) << "row " << i;
}

}  // namespace
}  // namespace sluice::gateway::router
