// SPDX-License-Identifier: Apache-2.0
#include "entity/route_path.h"

namespace sluice::entity {
namespace {

TEST(RoutePath, IsNormalized) {
  EXPECT_EQ(normalized_path("/a/./b/../c"), "/a/c");
  EXPECT_EQ(normalized_path("/a//b"), "/a/b");
  EXPECT_EQ(normalized_path("/%61%2fb%c3"), "/a%2Fb%C3");
  EXPECT_EQ(normalized_path("/.."), "/");
  EXPECT_EQ(normalized_path("/a/"), "/a/");
  EXPECT_EQ(normalized_path("/a/.."), "/");
}

TEST(RoutePath, IsPlainOrARegularExpression) {
  EXPECT_EQ(check_route_path("/a"), std::nullopt);
  EXPECT_EQ(check_route_path("~/a\\d+"), std::nullopt);
  EXPECT_EQ(check_route_path("~a"), "should start with: / (fixed path) or ~/ (regexed path)");
  EXPECT_EQ(check_route_path("/a%2"), "invalid url-encoded value: '%2'");
  EXPECT_EQ(check_route_path("/%61"), "non-normalized path, consider use '/a' instead");
}

TEST(RoutePath, OfOldFilesMayLookLikeARegularExpression) {
  EXPECT_TRUE(looks_like_regex("/a/\\d+"));
  EXPECT_TRUE(looks_like_regex("/a(b|c)"));
  EXPECT_FALSE(looks_like_regex("/a-b_c.d~e/%20"));
}

}  // namespace
}  // namespace sluice::entity
