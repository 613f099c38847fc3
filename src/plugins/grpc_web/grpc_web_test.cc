// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "plugins/all.h"
#include "plugins/grpc/grpc_testing.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using grpc::AnsweredBody;
using grpc::framed;
using testing::Call;
using testing::Shard;
using ::testing::StartsWith;

constexpr std::string_view kSay = "/hello.Talk/Say";
const std::string kHi = framed("\x0a\x02hi");
const std::string kFine = framed("grpc-status:0\r\ngrpc-message:\r\n", grpc::kTrailers);

class GrpcWebTest : public ::testing::Test {
 protected:
  void answer(Call& call, std::vector<std::string> pieces,
              std::vector<std::pair<std::string, std::string>> trailers = {{"grpc-status", "0"}}) {
    call.ex.response.head.status = 200;
    call.ex.response.from_upstream = true;
    call.ex.response.headers.set("Content-Type", "application/grpc");
    call.ex.response.body = call.ex.make<AnsweredBody>(call.ex.arena, std::move(pieces), std::move(trailers));
    call.response_hook(*with_proto);
  }

  Shard shard;
  grpc::TempProto proto;
  std::unique_ptr<gateway::Plugin> plain = shard.make(add_grpc_web, "{}");
  std::unique_ptr<gateway::Plugin> with_proto = shard.make(add_grpc_web, proto.config());
};

TEST_F(GrpcWebTest, KeepsTheContract) {
  testing::expect_contract(add_grpc_web, "GrpcWeb");
}

TEST_F(GrpcWebTest, AnswersPreflights) {
  Call call(shard, "OPTIONS", kSay);
  call.request_hook(*plain);
  EXPECT_EQ(call.status(), 200);
  EXPECT_EQ(call.body(), "OK");
  EXPECT_EQ(call.reply().content_type, "application/grpc-web-text+proto");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Methods"), "POST");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Headers"), "content-type,x-grpc-web,x-user-agent");
}

TEST_F(GrpcWebTest, LeavesMessagesOfProtobufAsTheyAre) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web+proto", kHi).request_hook(*plain);
  ASSERT_FALSE(call.replied());
  EXPECT_EQ(call.upstream_header("Content-Type"), "application/grpc");
  EXPECT_EQ(call.upstream_header("TE"), "trailers");
  EXPECT_EQ(call.upstream_body(), kHi);
  answer(call, {kHi});
  EXPECT_EQ(call.response_header("Content-Type"), "application/grpc-web+proto");
  EXPECT_EQ(grpc::read_all(call.ex.response.body), kHi + kFine);
}

TEST_F(GrpcWebTest, WrapsEverythingInTextForClientsOfText) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web-text", base64_encode(kHi)).request_hook(*plain);
  EXPECT_EQ(call.upstream_body(), kHi);
  answer(call, {kHi});
  EXPECT_EQ(call.response_header("Content-Type"), "application/grpc-web-text");
  EXPECT_EQ(grpc::read_all(call.ex.response.body), base64_encode(kHi) + base64_encode(kFine));
}

TEST_F(GrpcWebTest, ReadsTextsOneBehindTheOther) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web-text", base64_encode("a") + base64_encode("bc")).request_hook(*plain);
  EXPECT_EQ(call.upstream_body(), "abc");
}

TEST_F(GrpcWebTest, RefusesTextThatIsNone) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web-text", "%%%").request_hook(*plain);
  EXPECT_EQ(call.status(), 400);
}

TEST_F(GrpcWebTest, TranslatesPlainJson) {
  Call call(shard, "POST", kSay);
  call.with_body("application/json", R"({"name": "a"})").request_hook(*with_proto);
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x01"
                                         "a"));
  answer(call, {kHi});
  EXPECT_EQ(call.response_header("Content-Type"), "application/json");
  EXPECT_EQ(grpc::read_all(call.ex.response.body), R"({"reply":"hi","count":0})");
}

TEST_F(GrpcWebTest, TranslatesJsonInFrames) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web+json", framed(R"({"name": "a"})")).request_hook(*with_proto);
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x01"
                                         "a"));
  answer(call, {kHi});
  EXPECT_EQ(grpc::read_all(call.ex.response.body), framed(R"({"reply":"hi","count":0})") + kFine);
}

TEST_F(GrpcWebTest, NeedsAFileForJson) {
  Call call(shard, "POST", kSay);
  call.with_body("application/json", "{}").request_hook(*plain);
  EXPECT_EQ(call.status(), 400);
  EXPECT_EQ(call.body(), "transcoding requests require a .proto file defining the service");
}

TEST_F(GrpcWebTest, RefusesAPathThatTheFileDoesNotName) {
  Call call(shard, "POST", "/hello.Talk/None");
  call.with_body("application/json", "{}").request_hook(*with_proto);
  EXPECT_EQ(call.status(), 400);
  EXPECT_EQ(call.body(), R"(Unknown path "/hello.Talk/None")");
}

TEST_F(GrpcWebTest, RefusesOtherContent) {
  Call call(shard, "POST", kSay);
  call.with_body("text/plain", "x").request_hook(*plain);
  EXPECT_EQ(call.status(), 400);
}

TEST_F(GrpcWebTest, PutsAStatusThatCameInTheHeadIntoAFrame) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web", kHi).request_hook(*plain);
  call.ex.response.from_upstream = true;
  call.ex.response.headers.set("grpc-status", "5");
  call.ex.response.headers.set("grpc-message", "gone");
  call.response_hook(*plain);
  EXPECT_EQ(grpc::read_all(call.ex.response.body), framed("grpc-status:5\r\ngrpc-message:gone\r\n", grpc::kTrailers));
}

TEST_F(GrpcWebTest, SendsThePathThatTheSettingsAskFor) {
  Call whole(shard, "POST", "/prefix/hello.Talk/Say");
  whole.ex.request.upstream_path = kSay;
  whole.with_body("application/grpc-web", kHi).request_hook(*plain);
  EXPECT_EQ(whole.ex.request.upstream_path, "/prefix/hello.Talk/Say");

  auto stripping = shard.make(add_grpc_web, proto.config(R"(, "pass_stripped_path": true)"));
  Call stripped(shard, "POST", "/prefix/hello.Talk/Say");
  stripped.ex.request.upstream_path = kSay;
  stripped.with_body("application/json", "{}").request_hook(*stripping);
  EXPECT_FALSE(stripped.replied()) << stripped.body();
  EXPECT_EQ(stripped.ex.request.upstream_path, kSay);
}

TEST_F(GrpcWebTest, AllowsTheOriginOfTheSettings) {
  auto plugin = shard.make(add_grpc_web, R"({"allow_origin_header": "https://app.test"})");
  Call call(shard, "POST", kSay);
  call.response_hook(*plugin);
  EXPECT_EQ(call.response_header("Access-Control-Allow-Origin"), "https://app.test");
}

TEST_F(GrpcWebTest, LeavesTheGatewaysOwnAnswersAlone) {
  Call call(shard, "POST", kSay);
  call.with_body("application/grpc-web", kHi).request_hook(*plain);
  call.ex.response.headers.set("Content-Type", "application/json");
  call.response_hook(*plain);
  EXPECT_EQ(call.response_header("Content-Type"), "application/json");
}

}  // namespace
}  // namespace sluice::plugins
