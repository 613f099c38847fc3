// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/router/router_testing.h"

namespace sluice::gateway::router {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::numbered;
using testing::Request;

std::vector<std::string> lines(const std::vector<RouteSpec>& specs, const Request& request, std::size_t limit = 20) {
  const auto table = *RouteTable::empty(Flavor::TraditionalCompatible)->with(specs);
  std::vector<std::string> result;
  for (const Candidate& candidate : explain(*table, request.input(), limit)) {
    result.push_back(candidate.route->name + ": " + candidate.reason);
  }
  return result;
}

TEST(Explain, ListsCandidatesInOrderWithTheReasonEachLost) {
  const std::vector<RouteSpec> specs = {
      {.id = numbered(1), .name = "all", .paths = {"/"}},
      {.id = numbered(2), .name = "put", .methods = {"PUT", "POST"}, .paths = {"/api"}},
      {.id = numbered(3), .name = "api", .paths = {"/api"}},
      {.id = numbered(4), .name = "twin", .paths = {"/api"}},
      {.id = numbered(5), .name = "far", .methods = {"PUT"}, .hosts = {"other.test"}, .paths = {"/x"}},
      {.id = numbered(6), .name = "host", .hosts = {"*.other.test:81"}, .paths = {"/api"}},
  };
  EXPECT_THAT(lines(specs, {.path = "/api/x"}),
              ElementsAre("put: method 'GET' is none of PUT, POST",
                          "host: host 'example.com' (port 80) is none of *.other.test:81", "api: matches",
                          "twin: matches with equal priority and age, but its id sorts later",
                          "all: matches, with a lower priority"));
}

TEST(Explain, NamesEveryKindOfAttribute) {
  const std::vector<RouteSpec> specs = {
      {.id = numbered(1), .name = "path", .paths = {"~/x\\d", "~/y"}},
      {.id = numbered(2), .name = "header", .paths = {"/"}, .headers = {{"X-Env", {"prod"}}}},
      {.id = numbered(3), .name = "sni", .paths = {"/"}, .snis = {"a.test"}},
      {.id = numbered(4), .name = "source", .paths = {"/"}, .sources = {{"192.168.0.0/16", 1}}},
      {.id = numbered(5), .name = "expression", .expression = R"(http.path == "/b")"},
  };
  EXPECT_THAT(lines(specs, {.protocol = expr::Protocol::Https, .path = "/a", .sni = "b.test"}),
              ElementsAre("expression: the expression does not hold", "header: headers do not carry x_env: prod",
                          "sni: SNI 'b.test' is none of a.test",
                          "source: source 10.0.0.1:40000 is none of 192.168.0.0/16 port 1",
                          "path: path '/a' does not begin with ~/x\\d, ~/y"));
}

TEST(Explain, KeepsTheWinnerWhenTheListIsCut) {
  const std::vector<RouteSpec> specs = {
      {.id = numbered(1), .name = "winner", .paths = {"/"}},
      {.id = numbered(2), .name = "a", .methods = {"PUT"}, .paths = {"/"}},
      {.id = numbered(3), .name = "b", .methods = {"POST"}, .paths = {"/"}},
  };
  EXPECT_THAT(lines(specs, {}, 2), ElementsAre(HasSubstr("a: method"), "winner: matches"));
}

}  // namespace
}  // namespace sluice::gateway::router
