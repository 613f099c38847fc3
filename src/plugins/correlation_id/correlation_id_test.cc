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

class CorrelationId : public ::testing::Test {
 protected:
  Shard shard;
};

TEST_F(CorrelationId, CountsUpBehindOneUuid) {
  auto plugin = shard.make(add_correlation_id, "{}");
  Call first(shard, "GET", "/");
  Call second(shard, "GET", "/");
  const std::string one = first.request_hook(*plugin).upstream_header("Kong-Request-ID");
  const std::string two = second.request_hook(*plugin).upstream_header("Kong-Request-ID");
  EXPECT_EQ(one.substr(36), "#1");
  EXPECT_EQ(two, one.substr(0, 36) + "#2");
  EXPECT_EQ(first.ex.record.correlation_id, one);
}

TEST_F(CorrelationId, KeepsWhatTheClientSent) {
  auto plugin = shard.make(add_correlation_id, "{}");
  Call call(shard, "GET", "/", {{"kong-request-id", "abc"}});
  EXPECT_EQ(call.request_hook(*plugin).upstream_header("Kong-Request-ID"), "abc");
  EXPECT_EQ(call.ex.record.correlation_id, "abc");
}

TEST_F(CorrelationId, ReplacesAnEmptyId) {
  auto plugin = shard.make(add_correlation_id, R"({"generator":"uuid"})");
  Call call(shard, "GET", "/", {{"Kong-Request-ID", ""}});
  EXPECT_TRUE(Uuid::parse(call.request_hook(*plugin).upstream_header("Kong-Request-ID")).has_value());
}

TEST_F(CorrelationId, TracksConnectionAndTime) {
  auto plugin = shard.make(add_correlation_id, R"({"generator":"tracker","header_name":"X-Id"})");
  Call call(shard, "GET", "/");
  call.ex.client.local_address = *IpAddress::parse("10.0.0.1");
  call.ex.client.local_port = 8000;
  call.ex.client.connection = 7;
  call.ex.client.connection_requests = 2;
  EXPECT_THAT(call.request_hook(*plugin).upstream_header("X-Id"),
              ::testing::MatchesRegex("10\\.0\\.0\\.1-8000-[0-9]+-7-2-1700000000\\.000"));
}

TEST_F(CorrelationId, EchoesTheIdOnlyWhenTold) {
  for (const bool echo : {false, true}) {
    auto plugin = shard.make(add_correlation_id, echo ? R"({"echo_downstream":true})" : "{}");
    Call call(shard, "GET", "/", {{"Kong-Request-ID", "abc"}});
    call.request_hook(*plugin).response_hook(*plugin);
    EXPECT_EQ(call.response_header("Kong-Request-ID"), echo ? "abc" : "(none)");
  }
}

TEST_F(CorrelationId, EchoesAnIdThoughAnotherPluginAnsweredFirst) {
  auto plugin = shard.make(add_correlation_id, R"({"echo_downstream":true})");
  Call known(shard, "GET", "/", {{"Kong-Request-ID", "abc"}});
  EXPECT_EQ(known.response_hook(*plugin).response_header("Kong-Request-ID"), "abc");
  Call fresh(shard, "GET", "/");
  EXPECT_NE(fresh.response_hook(*plugin).response_header("Kong-Request-ID"), "(none)");
}

TEST_F(CorrelationId, MatchesThePublishedContract) {
  testing::expect_contract(add_correlation_id, "CorrelationId");
}

}  // namespace
}  // namespace sluice::plugins
