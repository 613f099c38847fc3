// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/service.h"
#include "plugins/all.h"
#include "plugins/plugin_testing.h"
#include "plugins/rate_limiting/calendar_windows.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class RateLimiting : public ::testing::Test {
 protected:
  std::unique_ptr<gateway::Plugin> make(std::string_view config, const gateway::PluginIdentity& identity = {}) {
    return shard.make(add_rate_limiting, config, identity);
  }
  /// Sends one request and returns its status, 200 when it passes.
  int send(gateway::Plugin& plugin, const std::function<void(gateway::Exchange&)>& prepare = {}) {
    Call call(shard, "GET", "/");
    if (prepare) prepare(call.ex);
    call.request_hook(plugin);
    return call.replied() ? call.status() : 200;
  }

  Shard shard;
};

TEST_F(RateLimiting, LetsAsManyRequestsPassAsTheLimitSays) {
  auto plugin = make(R"({"minute":2})");
  EXPECT_EQ(send(*plugin), 200);
  EXPECT_EQ(send(*plugin), 200);
  EXPECT_EQ(send(*plugin), 429);
}

TEST_F(RateLimiting, TellsTheClientOfItsLimits) {
  auto plugin = make(R"({"minute":2})");
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.response_header("RateLimit-Limit"), "2");
  EXPECT_EQ(call.response_header("RateLimit-Remaining"), "1");
  EXPECT_EQ(call.response_header("RateLimit-Reset"), "40");  // the clock stands at second 20 of its minute
  EXPECT_EQ(call.response_header("X-RateLimit-Limit-Minute"), "2");
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Minute"), "1");
  EXPECT_EQ(call.response_header("Retry-After"), "(none)");
}

TEST_F(RateLimiting, TellsARefusedClientWhenToComeBack) {
  auto plugin = make(R"({"minute":1})");
  send(*plugin);
  Call call(shard, "GET", "/");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 429);
  EXPECT_EQ(call.body(), "API rate limit exceeded");
  call.response_hook(*plugin);
  EXPECT_EQ(call.response_header("RateLimit-Remaining"), "0");
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Minute"), "0");
  EXPECT_EQ(call.response_header("Retry-After"), "40");
}

TEST_F(RateLimiting, FollowsThePeriodWithTheFewestRequestsLeft) {
  auto plugin = make(R"({"second":5,"minute":10})");
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Second"), "4");
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Minute"), "9");
  EXPECT_EQ(call.response_header("RateLimit-Limit"), "5");
  EXPECT_EQ(call.response_header("RateLimit-Reset"), "1");
}

TEST_F(RateLimiting, PrefersTheLongerPeriodOfEquals) {
  auto plugin = make(R"({"second":5,"hour":5})");
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.response_header("RateLimit-Reset"), "2800");
}

TEST_F(RateLimiting, CountsARefusedRequestInNoPeriod) {
  auto plugin = make(R"({"second":1,"minute":3})");
  EXPECT_EQ(send(*plugin), 200);
  EXPECT_EQ(send(*plugin), 429);
  EXPECT_EQ(send(*plugin), 429);
  shard.clock->advance_ms(1000);
  EXPECT_EQ(send(*plugin), 200);
  shard.clock->advance_ms(1000);
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Minute"), "0");
  shard.clock->advance_ms(1000);
  EXPECT_EQ(send(*plugin), 429);
}

TEST_F(RateLimiting, LeavesTheShorterPeriodAloneWhenALongerOneRefuses) {
  auto plugin = make(R"({"second":3,"minute":3})");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(*plugin), 200);
  shard.clock->advance_ms(1000);
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.status(), 429);
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Second"), "3");
  EXPECT_EQ(call.response_header("X-RateLimit-Remaining-Minute"), "0");
}

TEST_F(RateLimiting, StartsAnewInTheNextWindow) {
  auto plugin = make(R"({"minute":1})");
  EXPECT_EQ(send(*plugin), 200);
  EXPECT_EQ(send(*plugin), 429);
  shard.clock->advance_ms(39'999);
  EXPECT_EQ(send(*plugin), 429);
  shard.clock->advance_ms(1);
  EXPECT_EQ(send(*plugin), 200);
}

TEST_F(RateLimiting, ReplacesTheUpstreamsOwnHeaders) {
  auto plugin = make(R"({"minute":2})");
  Call call(shard, "GET", "/");
  call.request_hook(*plugin);
  call.ex.response.headers.add("ratelimit-limit", "999");
  call.ex.response.headers.add("Retry-After", "7");
  call.response_hook(*plugin);
  EXPECT_EQ(call.ex.response.headers.count("RateLimit-Limit"), 1U);
  EXPECT_EQ(call.response_header("RateLimit-Limit"), "2");
  EXPECT_EQ(call.response_header("Retry-After"), "7");
}

TEST_F(RateLimiting, HidesAllHeadersWhenTold) {
  auto plugin = make(R"({"minute":1,"hide_client_headers":true})");
  send(*plugin);
  Call call(shard, "GET", "/");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.status(), 429);
  EXPECT_EQ(call.ex.response.headers.size(), 0U);
}

TEST_F(RateLimiting, RefusesWithTheConfiguredStatusAndMessage) {
  auto plugin = make(R"({"minute":1,"error_code":418,"error_message":"slow down"})");
  send(*plugin);
  Call call(shard, "GET", "/");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 418);
  EXPECT_EQ(call.body(), "slow down");
}

TEST_F(RateLimiting, CountsConsumersApartAndStrangersByAddress) {
  auto plugin = make(R"({"minute":1})");
  const gateway::Consumer& alice = shard.directory.add_consumer("alice");
  const gateway::Consumer& bob = shard.directory.add_consumer("bob");
  const auto as = [](const gateway::Consumer& who) {
    return [&who](gateway::Exchange& ex) { ex.authenticated.consumer = &who; };
  };
  const auto from = [](std::string_view address) {
    return [address](gateway::Exchange& ex) { ex.client.forwarded_address = *IpAddress::parse(address); };
  };
  EXPECT_EQ(send(*plugin, as(alice)), 200);
  EXPECT_EQ(send(*plugin, as(alice)), 429);
  EXPECT_EQ(send(*plugin, as(bob)), 200);
  EXPECT_EQ(send(*plugin, from("10.0.0.1")), 200);
  EXPECT_EQ(send(*plugin, from("10.0.0.1")), 429);
  EXPECT_EQ(send(*plugin, from("10.0.0.2")), 200);
  EXPECT_EQ(send(*plugin, from("2001:db8::1")), 200);
}

TEST_F(RateLimiting, CountsByHeaderAndWithoutItByAddress) {
  auto plugin = make(R"({"minute":1,"limit_by":"header","header_name":"X-Tenant"})");
  const auto tenant = [](std::string_view name) {
    return [name](gateway::Exchange& ex) { ex.request.headers.add("X-Tenant", name); };
  };
  const std::string long_name(300, 'a');
  const std::string other_long_name(300, 'b');
  EXPECT_EQ(send(*plugin, tenant("a")), 200);
  EXPECT_EQ(send(*plugin, tenant("a")), 429);
  EXPECT_EQ(send(*plugin, tenant("b")), 200);
  EXPECT_EQ(send(*plugin, tenant(long_name)), 200);
  EXPECT_EQ(send(*plugin, tenant(other_long_name)), 200);
  EXPECT_EQ(send(*plugin, tenant(long_name)), 429);
  EXPECT_EQ(send(*plugin), 200);
  EXPECT_EQ(send(*plugin), 429);
}

TEST_F(RateLimiting, CountsByPathServiceCredentialAndGroup) {
  const auto from = [](gateway::Exchange& ex, std::string_view address) {
    ex.client.forwarded_address = *IpAddress::parse(address);
  };
  auto by_path = make(R"({"minute":1,"limit_by":"path","path":"/"})");
  EXPECT_EQ(send(*by_path, [&](auto& ex) { from(ex, "10.0.0.1"); }), 200);
  EXPECT_EQ(send(*by_path, [&](auto& ex) { from(ex, "10.0.0.2"); }), 429);

  entity::Service service;
  service.id.value = Uuid::random();
  auto by_service = make(R"({"minute":1,"limit_by":"service"})");
  EXPECT_EQ(send(*by_service, [&](auto& ex) { ex.service = &service; }), 200);
  EXPECT_EQ(send(*by_service, [&](auto& ex) { ex.service = &service, from(ex, "10.0.0.2"); }), 429);

  const std::string credential = Uuid::random().to_string();
  const auto holder = [&](gateway::Exchange& ex) {
    ex.authenticated.has_credential = true;
    ex.authenticated.credential_id = credential;
  };
  auto by_credential = make(R"({"minute":1,"limit_by":"credential"})");
  EXPECT_EQ(send(*by_credential, holder), 200);
  EXPECT_EQ(send(*by_credential, [&](auto& ex) { holder(ex), from(ex, "10.0.0.2"); }), 429);

  const Uuid gold = shard.directory.add_group("gold");
  gateway::Consumer& alice = shard.directory.add_consumer("alice");
  gateway::Consumer& bob = shard.directory.add_consumer("bob");
  alice.consumer_groups = bob.consumer_groups = {gold};
  auto by_group = make(R"({"minute":1,"limit_by":"consumer-group"})");
  EXPECT_EQ(send(*by_group, [&](auto& ex) { ex.authenticated.consumer = &alice; }), 200);
  EXPECT_EQ(send(*by_group, [&](auto& ex) { ex.authenticated.consumer = &bob; }), 429);
}

TEST_F(RateLimiting, SharesCountersWithinOneScopeOnly) {
  gateway::PluginIdentity route;
  route.route_id = Uuid::random().to_string();
  auto global = make(R"({"minute":1})");
  auto other_global = make(R"({"minute":1,"hour":5})");
  auto on_route = make(R"({"minute":1})", route);
  EXPECT_EQ(send(*global), 200);
  EXPECT_EQ(send(*other_global), 429);
  EXPECT_EQ(send(*on_route), 200);
}

TEST_F(RateLimiting, GrantsALimitOnceToAllShardsTogether) {
  constexpr int kLimit = 500;
  std::atomic<int> passed{0};
  rt::shared::CounterTable counters;
  const auto work = [&] {
    Shard own;
    std::string node;
    rt::BlockingPool blocking(1);
    testing::NoClient client;
    telemetry::Metrics metrics;
    gateway::PluginHost host{own.reactor, blocking, counters, client, metrics, node, node};
    const auto& plugin = own.describe(add_rate_limiting);
    const auto instance = plugin.make(*plugin.config_schema->process(*parse_json(R"({"day":500})")), {}, host);
    for (int i = 0; i < kLimit; ++i) {
      Call call(own, "GET", "/");
      passed += call.request_hook(*instance).replied() ? 0 : 1;
    }
  };
  std::vector<std::thread> shards;
  shards.reserve(3);
  for (int i = 0; i < 3; ++i) shards.emplace_back(work);
  for (auto& thread : shards) thread.join();
  EXPECT_EQ(passed, kLimit);
}

TEST_F(RateLimiting, SaysWhichPoliciesAreNotSupported) {
  EXPECT_EQ(shard.unsupported(add_rate_limiting, R"({"minute":1})"), "");
  EXPECT_EQ(shard.unsupported(add_rate_limiting, R"({"minute":1,"policy":"redis","redis":{"host":"h"}})"),
            "policy: redis is not supported yet; local counts on each node");
  EXPECT_EQ(shard.unsupported(add_rate_limiting, R"({"minute":1,"policy":"cluster"})"),
            "policy: cluster is not supported; local counts on each node");
}

TEST_F(RateLimiting, NeverCountsLocallyUnderAnotherPolicy) {
  auto lenient = make(R"({"minute":1,"policy":"cluster"})");
  EXPECT_EQ(send(*lenient), 200);
  EXPECT_EQ(send(*lenient), 200);
  auto strict = make(R"({"minute":1,"policy":"cluster","fault_tolerant":false})");
  EXPECT_EQ(send(*strict), 500);
}

TEST_F(RateLimiting, WantsAtLeastOneLimit) {
  EXPECT_THAT(shard.violations(add_rate_limiting, "{}"),
              ::testing::HasSubstr("at least one of these fields must be non-empty: 'config.second', 'config.minute', "
                                   "'config.hour', 'config.day', 'config.month', 'config.year'"));
}

TEST_F(RateLimiting, RefusesALimitThatAShorterPeriodMakesUnreachable) {
  EXPECT_THAT(shard.violations(add_rate_limiting, R"({"second":2,"minute":1})"),
              ::testing::HasSubstr("The limit for minute(1.0) cannot be lower than the limit for second(2.0)"));
}

TEST_F(RateLimiting, TiesTheSyncRateToRedis) {
  EXPECT_THAT(shard.violations(add_rate_limiting, R"({"second":2,"sync_rate":1})"),
              ::testing::HasSubstr("sync_rate can only be used with the redis policy"));
  EXPECT_THAT(
      shard.violations(add_rate_limiting, R"({"second":2,"sync_rate":0.01,"policy":"redis","redis":{"host":"h"}})"),
      ::testing::HasSubstr("sync_rate must be greater than 0.02, or -1 to disable"));
}

TEST_F(RateLimiting, WantsTheHeaderOrPathItLimitsBy) {
  EXPECT_THAT(shard.violations(add_rate_limiting, R"({"second":2,"limit_by":"header"})"),
              ::testing::HasSubstr("header_name: required field missing"));
  EXPECT_THAT(shard.violations(add_rate_limiting, R"({"second":2,"limit_by":"path"})"),
              ::testing::HasSubstr("path: required field missing"));
}

TEST_F(RateLimiting, MatchesThePublishedContract) {
  testing::expect_contract(add_rate_limiting, "RateLimiting");
}

TEST(CalendarWindows, FollowTheCalendar) {
  CalendarWindows windows;
  constexpr std::int64_t kFebruary2024 = 1'706'745'600;
  constexpr std::int64_t kDay = 86'400;
  const std::int64_t leap_day = kFebruary2024 + 28 * kDay + 12'345;
  EXPECT_EQ(windows.at(0, leap_day).begin_s, leap_day);
  EXPECT_EQ(windows.at(3, leap_day).begin_s, kFebruary2024 + 28 * kDay);
  EXPECT_EQ(windows.at(4, leap_day).begin_s, kFebruary2024);
  EXPECT_EQ(windows.at(4, leap_day).end_s, kFebruary2024 + 29 * kDay);
  EXPECT_EQ(windows.at(5, leap_day).begin_s, kFebruary2024 - 31 * kDay);
  EXPECT_EQ(windows.at(5, leap_day).end_s, kFebruary2024 + 335 * kDay);
}

}  // namespace
}  // namespace sluice::plugins
