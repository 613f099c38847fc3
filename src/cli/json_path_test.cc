// SPDX-License-Identifier: Apache-2.0
#include "cli/json_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Json shop() {
  return *parse_json(R"({"services":[
      {"name":"a","port":80,"tags":["x"],"routes":[{"name":"a1","methods":["GET"]}]},
      {"name":"b","port":443,"routes":[{"name":"b1"},{"name":"b2","methods":["POST","PUT"]}]}],
      "paths":{"/one":{"get":1},"/two":{"post":2}}})");
}

std::vector<std::string> places(std::string_view path) {
  Json document = shop();
  auto parsed = JsonPath::parse(path);
  if (!parsed) return {parsed.error().what};
  std::vector<std::string> found;
  for (const auto& match : parsed->select(document)) {
    found.push_back(match.value != nullptr ? match.where() : "~" + match.name);
  }
  return found;
}

TEST(JsonPath, SelectsTheDocumentItself) {
  EXPECT_THAT(places("$"), ElementsAre("$"));
}

TEST(JsonPath, FollowsNamesIndicesAndWildcards) {
  EXPECT_THAT(places("$.services[0].name"), ElementsAre("services[0].name"));
  EXPECT_THAT(places("$['services'][-1]['name']"), ElementsAre("services[1].name"));
  EXPECT_THAT(places("$.services[*].port"), ElementsAre("services[0].port", "services[1].port"));
  EXPECT_THAT(places("$.services[5].name"), IsEmpty());
}

TEST(JsonPath, FindsDescendantsOnceEach) {
  EXPECT_THAT(places("$..routes[*].name"),
              ElementsAre("services[0].routes[0].name", "services[1].routes[0].name", "services[1].routes[1].name"));
  EXPECT_THAT(places("$..methods[*]").size(), 3u);
}

TEST(JsonPath, TakesSlicesAndUnions) {
  EXPECT_THAT(places("$.services[0:1].name"), ElementsAre("services[0].name"));
  EXPECT_THAT(places("$.services[::-1].name"), ElementsAre("services[1].name", "services[0].name"));
  EXPECT_THAT(places("$.services[0]['name','port']"), ElementsAre("services[0].name", "services[0].port"));
}

TEST(JsonPath, FiltersByComparison) {
  EXPECT_THAT(places("$.services[?(@.port==443)].name"), ElementsAre("services[1].name"));
  EXPECT_THAT(places("$.services[?@.port < 100 && @.name != 'b']"), ElementsAre("services[0]"));
  EXPECT_THAT(places("$.services[?(!@.tags)]"), ElementsAre("services[1]"));
  EXPECT_THAT(places("$.services[?(@.name=='a' || @.name=='b')]").size(), 2u);
}

TEST(JsonPath, FiltersByRegularExpressionsAndLengths) {
  EXPECT_THAT(places("$..routes[?(@.name =~ /^b/)]").size(), 2u);
  EXPECT_THAT(places("$..routes[?(@.name.match(/^b2$/))]"), ElementsAre("services[1].routes[1]"));
  EXPECT_THAT(places("$..routes[?match(@.name, 'b')]"), IsEmpty());
  EXPECT_THAT(places("$.services[?length(@.routes) > 1].name"), ElementsAre("services[1].name"));
  EXPECT_THAT(places("$.paths[?(@property == '/one')]").size(), 1u);
}

TEST(JsonPath, GivesNamesAndParents) {
  EXPECT_THAT(places("$.paths.*~"), ElementsAre("~/one", "~/two"));
  EXPECT_THAT(places("$.services[?(@.name=='a')].port^"), ElementsAre("services[0]"));
}

TEST(JsonPath, SaysWhereItIsMalformed) {
  for (const char* text :
       {"services", "$.services[", "$.services[?(@.a==]", "$..", "$.a b", "$[1:2:0]", "$[?(@.a =~ /(/)]"}) {
    const auto parsed = JsonPath::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().what, testing::HasSubstr("position")) << text;
  }
}

TEST(JsonPath, BoundsNesting) {
  EXPECT_FALSE(JsonPath::parse("$[?" + std::string(10000, '!') + "@.a]").has_value());
  EXPECT_FALSE(JsonPath::parse("$[?" + std::string(10000, '(') + "@.a]").has_value());
}

}  // namespace
}  // namespace sluice::cli
