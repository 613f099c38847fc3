// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/route_checks.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace sluice::gateway {
namespace {

TEST(RouteChecks, SayWhatIsWrongWithAPattern) {
  const auto checks = route_checks(router::Flavor::TraditionalCompatible);
  EXPECT_FALSE(checks.regex("/users/[0-9]+"));
  ASSERT_TRUE(checks.regex("/users/(["));
  EXPECT_NE(checks.regex("/users/([")->find("/users/(["), std::string::npos);
}

TEST(RouteChecks, KnowTheDialectOfTheFlavor) {
  EXPECT_TRUE(route_checks(router::Flavor::TraditionalCompatible).regex("/a(?=b)"));
  EXPECT_FALSE(route_checks(router::Flavor::Traditional).regex("/a(?=b)"));
}

TEST(RouteChecks, SayWhatIsWrongWithAnExpression) {
  const auto checks = route_checks(router::Flavor::Expressions);
  auto check = [&](const char* route) { return checks.expression(parse_json(route)->as_object()); };
  EXPECT_FALSE(check(R"({"expression":"http.path ^= \"/a\"","protocols":["http"]})"));
  EXPECT_TRUE(check(R"({"expression":"http.path ^= ","protocols":["http"]})"));
  EXPECT_TRUE(check(R"({"expression":"http.path ^= \"/a\"","protocols":["tcp"]})")) << "streams have no path";
  EXPECT_FALSE(check(R"({"protocols":["http"]})"));
}

}  // namespace
}  // namespace sluice::gateway
