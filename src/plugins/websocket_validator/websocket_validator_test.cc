// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using gateway::Frame;
using gateway::FrameSource;
using http::websocket::Message;
using testing::Call;
using testing::Shard;

constexpr std::string_view kNamed =
    R"({"client":{"text":{"type":"draft4","schema":"{\"type\":\"object\",\"required\":[\"name\"]}"}}})";
constexpr std::string_view kFromUpstream =
    R"({"upstream":{"binary":{"type":"draft4","schema":"{\"type\":\"array\"}"}}})";

/// The code with which the sender is sent away; 0: the message passes.
int judged(std::string_view config, FrameSource from, Message message) {
  Shard shard;
  auto plugin = shard.make(add_websocket_validator, config);
  Call call(shard, "GET", "/");
  Frame frame{from, message};
  auto task = plugin->on_frame(call.ex, frame);
  const gateway::FrameVerdict verdict = task.take();
  if (verdict.refusal() == nullptr) return 0;
  EXPECT_EQ(verdict.refusal()->peer_code, 1001);
  return verdict.refusal()->code;
}
Message text(std::string payload) {
  return {Message::Kind::Text, std::move(payload)};
}
Message binary(std::string payload) {
  return {Message::Kind::Binary, std::move(payload)};
}

TEST(WebsocketValidator, PassesWhatTheSchemaAccepts) {
  EXPECT_EQ(judged(kNamed, FrameSource::Client, text(R"({"name":"a"})")), 0);
}

TEST(WebsocketValidator, RefusesWhatItDoesNotAndWhatIsNoJson) {
  EXPECT_EQ(judged(kNamed, FrameSource::Client, text(R"({"x":1})")), 1007);
  EXPECT_EQ(judged(kNamed, FrameSource::Client, text("no json")), 1007);
  EXPECT_EQ(judged(kNamed, FrameSource::Client, text("")), 1007);
}

TEST(WebsocketValidator, JudgesOnlyWhatHasASchema) {
  EXPECT_EQ(judged(kNamed, FrameSource::Client, binary("no json")), 0);
  EXPECT_EQ(judged(kNamed, FrameSource::Upstream, text("no json")), 0);
  EXPECT_EQ(judged(kNamed, FrameSource::Client, {Message::Kind::Ping, "no json"}), 0);
  EXPECT_EQ(judged(kFromUpstream, FrameSource::Upstream, binary("[]")), 0);
  EXPECT_EQ(judged(kFromUpstream, FrameSource::Upstream, binary("{}")), 1007);
}

TEST(WebsocketValidator, RefusesASchemaThatIsNone) {
  Shard shard;
  EXPECT_THAT(shard.violations(add_websocket_validator,
                               R"({"client":{"text":{"type":"draft4","schema":"{\"type\":\"text\"}"}}})"),
              ::testing::HasSubstr("not a valid JSON Schema of draft 4: /type: unknown type"));
  EXPECT_NE(shard.violations(add_websocket_validator, R"({"client":{"text":{"type":"draft7","schema":"{}"}}})"), "");
  EXPECT_NE(shard.violations(add_websocket_validator, R"({"client":{"text":{"schema":"{}"}}})"), "");
  EXPECT_NE(shard.violations(add_websocket_validator, R"({"client":{}})"), "");
  EXPECT_NE(shard.violations(add_websocket_validator, "{}"), "");
}

TEST(WebsocketValidator, AgreesWithThePublishedContract) {
  testing::expect_contract(add_websocket_validator, "WebsocketValidator");
}

}  // namespace
}  // namespace sluice::plugins
