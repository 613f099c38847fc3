// SPDX-License-Identifier: Apache-2.0
#include "control/admin/route_tree.h"

#include <gmock/gmock.h>

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;

class RouteTreeTest : public testing::Test {
 protected:
  RouteTreeTest() {
    for (const auto* pattern :
         {"/", "/plugins", "/plugins/{plugins}", "/plugins/{plugins}/route", "/plugins/enabled"}) {
      tree.add("GET", pattern, [](const Request&) { return Reply::empty(200); });
    }
  }
  std::string find(std::string_view path) const {
    const auto segments = path_segments(path);
    const auto match = segments ? tree.find(*segments) : std::nullopt;
    return match ? match->endpoint->pattern : "none";
  }

  RouteTree tree;
};

TEST_F(RouteTreeTest, ALiteralIsPreferredToAParameter) {
  EXPECT_EQ(find("/plugins/enabled"), "/plugins/enabled");
  EXPECT_EQ(find("/plugins/other/"), "/plugins/{plugins}");
  EXPECT_EQ(find("/plugins/enabled/route"), "/plugins/{plugins}/route");
  EXPECT_EQ(find("/"), "/");
  EXPECT_EQ(find("/plugins/a/b"), "none");
}

TEST_F(RouteTreeTest, SegmentsAreDecoded) {
  EXPECT_THAT(*path_segments("/plugins/a%2Fb%20c"), ElementsAre("plugins", "a/b c"));
  EXPECT_EQ(find("/plugins//route"), "none");
  EXPECT_FALSE(path_segments("/..%2f..%2fetc"));
  EXPECT_FALSE(path_segments("/a%zz"));
  EXPECT_FALSE(path_segments("*"));
}

TEST_F(RouteTreeTest, PatternsAreSorted) {
  EXPECT_THAT(tree.patterns(),
              ElementsAre("/", "/plugins", "/plugins/enabled", "/plugins/{plugins}", "/plugins/{plugins}/route"));
}

}  // namespace
}  // namespace sluice::control::admin
