// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class Cors : public ::testing::Test {
 protected:
  struct Answer {
    std::string origin;
    std::string vary;
    std::string credentials;
  };
  /// What a preflight of `origin` is told.
  Answer preflight(std::string_view config, std::string_view origin) {
    auto plugin = shard.make(add_cors, config);
    Call call(shard, "OPTIONS", "/", {{"Origin", origin}, {"Access-Control-Request-Method", "GET"}});
    call.request_hook(*plugin);
    EXPECT_EQ(call.status(), 200);
    EXPECT_EQ(call.body(), "");
    return {call.reply_header("Access-Control-Allow-Origin"), call.reply_header("Vary"),
            call.reply_header("Access-Control-Allow-Credentials")};
  }
  /// What the response to a GET of `origin` says.
  Answer get(std::string_view config, std::string_view origin) {
    auto plugin = shard.make(add_cors, config);
    Call call(shard, "GET", "/");
    if (!origin.empty()) call.ex.request.headers.add("Origin", origin);
    call.request_hook(*plugin);
    EXPECT_FALSE(call.replied());
    call.ex.response.headers.add("Access-Control-Allow-Origin", "upstream");
    call.response_hook(*plugin);
    return {call.response_header("Access-Control-Allow-Origin"), call.response_header("Vary"),
            call.response_header("Access-Control-Allow-Credentials")};
  }
  Shard shard;
};

TEST_F(Cors, TellsEveryoneYesWithoutOrigins) {
  const Answer answer = preflight("{}", "http://x.test");
  EXPECT_EQ(answer.origin, "*");
  EXPECT_EQ(answer.vary, "");
  EXPECT_EQ(get("{}", "http://x.test").origin, "*");
  EXPECT_EQ(get(R"({"origins":["http://a.com","*"]})", "http://x.test").origin, "*");
  EXPECT_EQ(get(R"({"origins":["http://a.com","*"]})", "http://x.test").vary, "Origin");
  EXPECT_EQ(get(R"({"origins":["b.com","c.com"]})", "b.com").origin, "(none)") << "an origin has a scheme";
}

TEST_F(Cors, NamesTheOnlyOriginWhoeverAsks) {
  const Answer answer = preflight(R"({"origins":["http://a.com"]})", "http://evil.test");
  EXPECT_EQ(answer.origin, "http://a.com");
  EXPECT_EQ(answer.vary, "Origin");
}

TEST_F(Cors, ComparesOriginsNormalised) {
  constexpr std::string_view kConfig = R"({"origins":["http://a.com","http://B.com","https://c.com:443","d.com"]})";
  EXPECT_EQ(preflight(kConfig, "http://b.com:80").origin, "http://b.com");
  EXPECT_EQ(preflight(kConfig, "http://b.com:80").vary, "Origin");
  EXPECT_EQ(preflight(kConfig, "https://c.com").origin, "https://c.com");
  EXPECT_EQ(preflight(kConfig, "http://c.com").origin, "");
  EXPECT_EQ(preflight(kConfig, "http://d.com").origin, "");
  EXPECT_EQ(preflight(kConfig, "http://evil.test").origin, "");
  EXPECT_EQ(get(kConfig, "http://evil.test").origin, "(none)");
}

TEST_F(Cors, AnchorsExpressionsAndMatchesHostsWhereTheyHoldNoColon) {
  constexpr std::string_view kHost = R"({"origins":[".*\\.good\\.test"]})";
  EXPECT_EQ(preflight(kHost, "https://api.good.test:8443").origin, "https://api.good.test:8443");
  EXPECT_EQ(preflight(kHost, "https://api.good.test.evil.test").origin, "");
  EXPECT_EQ(preflight(kHost, "null").origin, "");
  constexpr std::string_view kWhole = R"({"origins":["https://[a-z]+\\.good\\.test"]})";
  EXPECT_EQ(preflight(kWhole, "https://api.good.test").origin, "https://api.good.test");
  EXPECT_EQ(preflight(kWhole, "http://api.good.test").origin, "");
  EXPECT_EQ(preflight(kWhole, "https://api.good.test:8443").origin, "");
}

TEST_F(Cors, NeverReflectsForeignOriginsWithCredentials) {
  constexpr std::string_view kConfig = R"({"origins":["https://good.test"],"credentials":true})";
  for (const char* origin : {"null", "https://good.test.evil.test", "https://evil.test"}) {
    EXPECT_EQ(preflight(kConfig, origin).origin, "https://good.test");
  }
}

TEST_F(Cors, NamesTheOriginInsteadOfAStarWithCredentials) {
  const Answer answer = get(R"({"credentials":true})", "http://x.test");
  EXPECT_EQ(answer.origin, "http://x.test");
  EXPECT_EQ(answer.credentials, "true");
  EXPECT_EQ(answer.vary, "Origin");
  EXPECT_EQ(get(R"({"credentials":true})", "").origin, "*");
}

TEST_F(Cors, AnswersAPreflightInFull) {
  auto plugin = shard.make(add_cors, R"({"max_age":3600,"private_network":true})");
  Call call(shard, "OPTIONS", "/",
            {{"Origin", "http://x.test"},
             {"Access-Control-Request-Method", "PUT"},
             {"Access-Control-Request-Headers", "x-a,x-b"},
             {"Access-Control-Request-Private-Network", "true"}});
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Methods"), "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Headers"), "x-a,x-b");
  EXPECT_EQ(call.reply_header("Access-Control-Max-Age"), "3600");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Private-Network"), "true");
  EXPECT_EQ(call.ex.response.headers.size(), 0U);
}

TEST_F(Cors, NamesItsOwnHeadersAndMethods) {
  auto plugin = shard.make(add_cors, R"({"headers":["X-A","X-B"],"methods":["GET","POST"]})");
  Call call(shard, "OPTIONS", "/",
            {{"Origin", "http://x.test"},
             {"Access-Control-Request-Method", "PUT"},
             {"Access-Control-Request-Headers", "evil"}});
  call.request_hook(*plugin);
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Headers"), "X-A,X-B");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Methods"), "GET,POST");
}

TEST_F(Cors, ProxiesOptionsThatAreNoPreflight) {
  auto plugin = shard.make(add_cors, "{}");
  Call call(shard, "OPTIONS", "/", {{"Origin", "http://x.test"}});
  EXPECT_FALSE(call.request_hook(*plugin).replied());
}

TEST_F(Cors, LeavesPreflightsToTheUpstreamWhenTold) {
  auto plugin = shard.make(add_cors, R"({"preflight_continue":true})");
  Call call(shard, "OPTIONS", "/", {{"Origin", "http://x.test"}, {"Access-Control-Request-Method", "GET"}});
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_FALSE(call.replied());
  EXPECT_EQ(call.ex.response.headers.size(), 0U);
}

TEST_F(Cors, SaysNothingWithoutOriginWhenTold) {
  EXPECT_EQ(get("{}", "").origin, "*");
  EXPECT_EQ(get(R"({"allow_origin_absent":false})", "").origin, "upstream");
}

TEST_F(Cors, ExposesHeadersAndKeepsTheUpstreamsVary) {
  auto plugin = shard.make(add_cors, R"({"origins":["http://a.com"],"exposed_headers":["X-A","X-B"]})");
  Call call(shard, "GET", "/", {{"Origin", "http://a.com"}});
  call.request_hook(*plugin);
  call.ex.response.headers.add("Vary", "Accept-Encoding");
  call.response_hook(*plugin);
  EXPECT_EQ(call.response_header("Access-Control-Expose-Headers"), "X-A,X-B");
  EXPECT_EQ(call.ex.response.headers.count("Vary"), 2U);
}

TEST_F(Cors, WantsOriginsOrExpressions) {
  EXPECT_EQ(shard.violations(add_cors, R"({"origins":["*","http://a.com",".*\\.b\\.com"]})"), "");
  EXPECT_THAT(shard.violations(add_cors, R"({"origins":["("]})"), ::testing::HasSubstr("'(' is not a valid regex"));
}

// The contract lists the default methods by name, the wire has them in the order that the reference gives.
TEST_F(Cors, MatchesThePublishedContract) {
  testing::expect_contract(add_cors, "Cors", {.left_out = {"methods:default"}});
}

}  // namespace
}  // namespace sluice::plugins
