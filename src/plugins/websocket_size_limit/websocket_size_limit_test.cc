// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using gateway::FrameLimits;
using testing::Call;
using testing::Shard;

FrameLimits limits_by(std::string_view config) {
  Shard shard;
  auto plugin = shard.make(add_websocket_size_limit, config);
  Call call(shard, "GET", "/");
  EXPECT_FALSE(call.request_hook(*plugin).replied());
  const auto* limits = call.ex.find<FrameLimits>();
  return limits != nullptr ? *limits : FrameLimits{0, 0};
}

TEST(WebsocketSizeLimit, LimitsEachEnd) {
  const FrameLimits limits = limits_by(R"({"client_max_payload":1024,"upstream_max_payload":2048})");
  EXPECT_EQ(limits.from_client, 1024U);
  EXPECT_EQ(limits.from_upstream, 2048U);
}

TEST(WebsocketSizeLimit, LeavesTheOtherEndItsPreset) {
  EXPECT_EQ(limits_by(R"({"client_max_payload":1})").from_upstream, 16U << 20U);
  EXPECT_EQ(limits_by(R"({"upstream_max_payload":1})").from_client, 1U << 20U);
}

TEST(WebsocketSizeLimit, WantsOneLimitInItsBounds) {
  Shard shard;
  EXPECT_THAT(shard.violations(add_websocket_size_limit, "{}"), ::testing::HasSubstr("at least one of"));
  EXPECT_NE(shard.violations(add_websocket_size_limit, R"({"client_max_payload":0})"), "");
  EXPECT_NE(shard.violations(add_websocket_size_limit, R"({"upstream_max_payload":33554433})"), "");
}

TEST(WebsocketSizeLimit, AgreesWithThePublishedContract) {
  testing::expect_contract(add_websocket_size_limit, "WebsocketSizeLimit");
}

}  // namespace
}  // namespace sluice::plugins
