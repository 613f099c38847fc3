// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/route_table.h"

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/router/router_testing.h"

namespace sluice::gateway::router {
namespace {

using expr::Protocol;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::numbered;
using ::testing::Pair;
using testing::Request;

// A table of the given routes, numbered from 1 in their order unless they carry an id.
RouteTable::Ref table_of(std::vector<RouteSpec> specs, Flavor flavor = Flavor::TraditionalCompatible) {
  std::uint32_t n = 0;
  for (RouteSpec& spec : specs) {
    ++n;
    if (spec.id.is_nil()) spec.id = numbered(n);
    if (spec.name.empty()) spec.name = "r" + std::to_string(n);
  }
  auto table = RouteTable::empty(flavor)->with(specs);
  EXPECT_TRUE(table.has_value()) << (table ? "" : table.error().front().message);
  return table ? *table : RouteTable::empty(flavor);
}

std::string winner(const RouteTable& table, const Request& request) {
  const Match match = table.match(request.input());
  return match ? match.route->name : match.too_costly ? "too costly" : "none";
}

TEST(RouteTable, AnEmptyTableMatchesNothing) {
  EXPECT_EQ(winner(*RouteTable::empty(Flavor::Traditional), {}), "none");
}

TEST(RouteTable, PrefersTheLongestPrefix) {
  const auto table = table_of({{.paths = {"/"}}, {.paths = {"/api"}}, {.paths = {"/api/v1"}}, {.paths = {"/apiary"}}});
  EXPECT_EQ(winner(*table, {.path = "/"}), "r1");
  EXPECT_EQ(winner(*table, {.path = "/api"}), "r2");
  EXPECT_EQ(winner(*table, {.path = "/apix"}), "r2");
  EXPECT_EQ(winner(*table, {.path = "/api/v1/x"}), "r3");
  EXPECT_EQ(winner(*table, {.path = "/apiary/bees"}), "r4");
  const Match match = table->match(Request{.path = "/api/v1/x"}.input());
  EXPECT_EQ(match.prefix_length, 7U);
}

TEST(RouteTable, MoreAttributesBeatALongerPath) {
  const auto table = table_of({{.paths = {"/api/v1"}}, {.methods = {"GET"}, .paths = {"/"}}});
  EXPECT_EQ(winner(*table, {.path = "/api/v1"}), "r2");
  EXPECT_EQ(winner(*table, {.method = "PUT", .path = "/api/v1"}), "r1");
}

TEST(RouteTable, MatchesHostsExactlyByWildcardAndByPort) {
  const auto table = table_of({{.hosts = {"example.com"}},
                               {.hosts = {"*.example.com"}},
                               {.hosts = {"example.*"}},
                               {.hosts = {"Upper.Test:8443"}},
                               {.hosts = {"*.port.test:81"}}});
  EXPECT_EQ(winner(*table, {.host = "example.com"}), "r1");
  EXPECT_EQ(winner(*table, {.host = "a.example.com"}), "r2");
  EXPECT_EQ(winner(*table, {.host = "a.b.example.com"}), "r2");
  EXPECT_EQ(winner(*table, {.host = "example.org"}), "r3");
  EXPECT_EQ(winner(*table, {.host = "example.co.uk"}), "r3");
  EXPECT_EQ(winner(*table, {.host = ".example.com"}), "none");
  EXPECT_EQ(winner(*table, {.host = "example."}), "none");
  EXPECT_EQ(winner(*table, {.host = "upper.test", .port = 8443}), "r4");
  EXPECT_EQ(winner(*table, {.host = "upper.test", .port = 80}), "none");
  EXPECT_EQ(winner(*table, {.host = "x.port.test", .port = 81}), "r5");
  EXPECT_EQ(winner(*table, {.host = "x.port.test", .port = 80}), "none");
}

TEST(RouteTable, MatchesBracketedAddressesAsHosts) {
  const auto table = table_of({{.hosts = {"[::1]"}}, {.hosts = {"[::2]:81"}}});
  EXPECT_EQ(winner(*table, {.host = "[::1]"}), "r1");
  EXPECT_EQ(winner(*table, {.host = "[::2]", .port = 81}), "r2");
}

TEST(RouteTable, RegexPathsBeatPlainOnesAndObeyTheirPriority) {
  const auto table = table_of({{.paths = {"/users/42/and/more"}},
                               {.paths = {"~/users/(?<id>\\d+)"}},
                               {.paths = {"~/users/4.*"}, .regex_priority = 1}});
  EXPECT_EQ(winner(*table, {.path = "/users/42/and/more"}), "r3");
  EXPECT_EQ(winner(*table, {.path = "/users/52"}), "r2");
  EXPECT_EQ(winner(*table, {.path = "/x/users/52"}), "none");
}

TEST(RouteTable, HandsOutTheCapturesOfTheRegexThatMatched) {
  const auto table = table_of({{.paths = {"~/nothing", "~/(?<org>[a-z]+)/(\\d+)$"}}});
  const Request request{.path = "/acme/42"};
  const Match match = table->match(request.input());
  ASSERT_TRUE(match);
  EXPECT_EQ(match.prefix_length, 8U);
  const UriCaptures captures = captures_of(match, request.path);
  EXPECT_THAT(captures.unnamed, ElementsAre("/acme/42", "acme", "42"));
  EXPECT_THAT(captures.named, ElementsAre(Pair("org", "acme")));
}

TEST(RouteTable, PlainPathsHaveNoCaptures) {
  const auto table = table_of({{.paths = {"/a"}}});
  EXPECT_TRUE(captures_of(table->match(Request{.path = "/a"}.input()), "/a").unnamed.empty());
}

TEST(RouteTable, EveryHeaderNameMustHaveOneOfItsValues) {
  const auto table = table_of({{.paths = {"/"}},
                               {.paths = {"/"}, .headers = {{"X-Version", {"v1", "V2"}}}},
                               {.paths = {"/"}, .headers = {{"x-version", {"v1"}}, {"X-Env", {"~*^prod-\\d"}}}}});
  EXPECT_EQ(winner(*table, {}), "r1");
  EXPECT_EQ(winner(*table, {.headers = {{"X-VERSION", "v2"}}}), "r2");
  EXPECT_EQ(winner(*table, {.headers = {{"x-version", "v9"}, {"x-version", "V1"}}}), "r2");
  EXPECT_EQ(winner(*table, {.headers = {{"x-version", "v1"}, {"x-env", "PROD-1"}}}), "r3");
  EXPECT_EQ(winner(*table, {.headers = {{"x-version", "v1"}, {"x-env", "dev"}}}), "r2");
}

TEST(RouteTable, IgnoresSnisOnPlainHttp) {
  const auto table = table_of({{.paths = {"/"}, .snis = {"a.test", "*.b.test"}}});
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Http}), "r1");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Https, .sni = "a.test"}), "r1");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Https, .sni = "x.b.test"}), "r1");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Https, .sni = "c.test"}), "none");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Https}), "none");
}

TEST(RouteTable, LeavesTheProtocolCheckOfHttpToTheCaller) {
  const auto table = table_of({{.protocols = {RouteProtocol::Https}, .paths = {"/"}}});
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Http}), "r1");
}

TEST(RouteTable, OlderRoutesWinTiesThenSmallerIds) {
  const auto table = table_of({{.paths = {"/a"}, .created_at = 20},
                               {.paths = {"/a"}, .created_at = 10},
                               {.id = numbered(9), .paths = {"/b"}},
                               {.id = numbered(8), .paths = {"/b"}}});
  EXPECT_EQ(winner(*table, {.path = "/a"}), "r2");
  EXPECT_EQ(winner(*table, {.path = "/b"}), "r4");
}

TEST(RouteTable, StreamsAreFoundByNameSourceAndDestination) {
  const auto table = table_of({
      {.protocols = {RouteProtocol::TlsPassthrough}, .snis = {"a.test"}},
      {.protocols = {RouteProtocol::Tls}, .snis = {"*.b.test"}},
      {.protocols = {RouteProtocol::Tcp}, .destinations = {{"", 9000}}},
      {.protocols = {RouteProtocol::Tcp}, .sources = {{"10.1.0.0/16", {}}}, .destinations = {{"10.9.9.9", 9001}}},
      {.protocols = {RouteProtocol::Udp}, .destinations = {{"", 9000}}},
      {.protocols = {RouteProtocol::Tcp}, .destinations = {{"192.168.0.0/16", {}}}},
  });
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tls, .sni = "a.test"}), "r1");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tls, .sni = "x.b.test"}), "r2");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tcp, .sni = "a.test"}), "none");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tcp, .port = 9000}), "r3");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Udp, .port = 9000}), "r5");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tcp, .port = 9001, .src = "10.1.2.3"}), "r4");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tcp, .port = 9001, .src = "10.2.2.3"}), "none");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Tcp, .port = 1, .dst = "192.168.3.4"}), "r6");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Http, .port = 9000}), "none");
}

TEST(RouteTable, TraditionalTakesPatternsThatNeedBacktracking) {
  const auto table = table_of({{.paths = {"~/(?!admin)[a-z]+"}}}, Flavor::Traditional);
  EXPECT_EQ(winner(*table, {.path = "/users"}), "r1");
  EXPECT_EQ(winner(*table, {.path = "/admin"}), "none");
}

TEST(RouteTable, ARegexThatRunsOutOfBoundsLetsNoLesserRouteAnswer) {
  const auto table = table_of({{.paths = {"~/(?!b)(a+)+$"}}, {.paths = {"/"}}}, Flavor::Traditional);
  EXPECT_EQ(winner(*table, {.path = "/" + std::string(2000, 'a') + "!"}), "too costly");
  EXPECT_EQ(winner(*table, {.path = "/x"}), "r2");
}

TEST(RouteTable, TraditionalAndCompatibleDifferAsTheReferenceSays) {
  // Wildcard with port outranks a plain host in traditional only.
  const std::vector<RouteSpec> specs = {{.hosts = {"a.test"}}, {.hosts = {"*.test:80"}}};
  EXPECT_EQ(winner(*table_of(specs), {.host = "a.test"}), "r1");
  EXPECT_EQ(winner(*table_of(specs, Flavor::Traditional), {.host = "a.test"}), "r2");
}

TEST(RouteTable, ExpressionsAreOrderedByPriority) {
  const auto table =
      table_of({{.expression = R"(http.path ^= "/")", .priority = 1},
                {.expression = R"(http.path ^= "/a" && http.method == "GET")", .priority = 2},
                {.expression = "http.path ~ r\"^/a/(?<n>\\d+)\"", .priority = 3},
                {.expression = R"(any(http.headers.x_env) == "b" || http.host =^ ".canary.test")", .priority = 4}},
               Flavor::Expressions);
  EXPECT_EQ(winner(*table, {.path = "/x"}), "r1");
  EXPECT_EQ(winner(*table, {.path = "/a"}), "r2");
  EXPECT_EQ(winner(*table, {.method = "PUT", .path = "/a"}), "r1");
  EXPECT_EQ(winner(*table, {.path = "/a/7"}), "r3");
  EXPECT_EQ(winner(*table, {.path = "/a/7", .headers = {{"X-Env", "b"}}}), "r4");
  EXPECT_EQ(winner(*table, {.host = "x.canary.test", .path = "/a/7"}), "r4");
  const Request request{.path = "/a/7"};
  EXPECT_THAT(captures_of(table->match(request.input()), request.path).named, ElementsAre(Pair("n", "7")));
}

TEST(RouteTable, ExpressionsBeatMatchersInMixedTables) {
  const auto table = table_of({{.methods = {"GET"}, .hosts = {"example.com"}, .paths = {"/a/long/path"}},
                               {.expression = R"(http.path ^= "/")"}},
                              Flavor::Expressions);
  EXPECT_EQ(winner(*table, {.path = "/a/long/path"}), "r2");
}

TEST(RouteTable, ProtocolsJoinAnExpressionUnlessTheyAreALoneTlsOne) {
  const auto table = table_of({{.protocols = {RouteProtocol::Http}, .expression = R"(http.path == "/http")"},
                               {.protocols = {RouteProtocol::Https}, .expression = R"(http.path == "/https")"},
                               {.protocols = {RouteProtocol::Grpcs}, .expression = R"(http.path == "/grpcs")"}},
                              Flavor::Expressions);
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Https, .path = "/http"}), "none");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Http, .path = "/https"}), "r2");
  EXPECT_EQ(winner(*table, {.protocol = Protocol::Http, .path = "/grpcs"}), "none");
}

TEST(RouteTable, ReportsEveryRouteThatDoesNotCompileAndChangesNothing) {
  const auto table = table_of({{.paths = {"/"}}});
  const std::vector<RouteSpec> bad = {{.id = numbered(5), .paths = {"~/(a", "~/(?=b)"}},
                                      {.id = numbered(6), .expression = "http.nope == 1"},
                                      {.id = numbered(7), .paths = {"/fine"}}};
  const auto next = table->with(bad);
  ASSERT_FALSE(next.has_value());
  ASSERT_EQ(next.error().size(), 3U);
  EXPECT_EQ(next.error()[0].field, "paths");
  EXPECT_THAT(next.error()[1].message, HasSubstr("look-ahead"));
  EXPECT_EQ(next.error()[2].id, numbered(6));
  EXPECT_THAT(next.error()[2].message, HasSubstr("line 1, column 1: unknown field http.nope"));
  EXPECT_EQ(table->size(), 1U);
}

TEST(RouteTable, GenerationsDoNotDisturbEachOther) {
  const auto first = table_of({{.paths = {"/a"}}, {.paths = {"/a/b"}}});
  const std::vector<RouteSpec> changed = {{.id = numbered(1), .name = "moved", .paths = {"/c"}}};
  const auto second = *first->with(changed, std::vector{numbered(2)});
  EXPECT_EQ(winner(*first, {.path = "/a/b"}), "r2");
  EXPECT_EQ(winner(*first, {.path = "/c"}), "none");
  EXPECT_EQ(winner(*second, {.path = "/a/b"}), "none");
  EXPECT_EQ(winner(*second, {.path = "/c"}), "moved");
  EXPECT_EQ(second->size(), 1U);
}

TEST(RouteTable, KeepsWhatTheCallerAttached) {
  const auto payload = std::make_shared<int>(7);
  const auto table = table_of({{.paths = {"/"}, .target = payload}});
  EXPECT_EQ(table->match(Request{}.input()).route->target.get(), payload.get());
  EXPECT_EQ(table->match(Request{}.input()).target, payload.get());
}

TEST(RouteTable, IsReadByManyThreadsWhileTheNextGenerationsAreBuilt) {
  const auto first = table_of({{.hosts = {"example.com"}, .paths = {"/a"}}, {.paths = {"~/b/\\d"}}});
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> readers;
  readers.reserve(2);
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!stop) {
        if (winner(*first, {.path = "/a"}) != "r1" || winner(*first, {.path = "/b/1"}) != "r2") ++wrong;
      }
    });
  }
  RouteTable::Ref table = first;
  for (std::uint32_t n = 3; n < 5000; ++n) {
    const std::vector<RouteSpec> added = {{.id = numbered(n), .hosts = {"example.com"}, .paths = {"/a"}}};
    table = *table->with(added, std::vector{numbered(n - 1), numbered(1)});
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
}

TEST(RouteTable, ManyNestedPrefixesAreAllConsidered) {
  std::vector<RouteSpec> specs;
  specs.reserve(100);
  std::string path;
  for (int i = 0; i < 100; ++i) {
    path += "/a";
    specs.push_back({.methods = {i == 0 ? "GET" : "PUT"}, .paths = {path}});
  }
  EXPECT_EQ(winner(*table_of(specs), {.path = path}), "r1");
  EXPECT_EQ(winner(*table_of(specs), {.method = "PUT", .path = path}), "r100");
}

}  // namespace
}  // namespace sluice::gateway::router
