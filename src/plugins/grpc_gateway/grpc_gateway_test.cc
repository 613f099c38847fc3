// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/grpc/grpc_testing.h"
#include "plugins/grpc_gateway/path_template.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using grpc::AnsweredBody;
using grpc::framed;
using testing::Call;
using ::testing::HasSubstr;
using testing::Shard;
using ::testing::StartsWith;

class GrpcGatewayTest : public ::testing::Test {
 protected:
  /// The upstream has answered.
  void answer(Call& call, std::vector<std::string> pieces,
              std::vector<std::pair<std::string, std::string>> trailers = {{"grpc-status", "0"}}) {
    call.ex.response.head.status = 200;
    call.ex.response.from_upstream = true;
    call.ex.response.headers.set("Content-Type", "application/grpc");
    call.ex.response.body = call.ex.make<AnsweredBody>(call.ex.arena, std::move(pieces), std::move(trailers));
    call.response_hook(*plugin);
  }

  Shard shard;
  grpc::TempProto proto;
  std::unique_ptr<gateway::Plugin> plugin = shard.make(add_grpc_gateway, proto.config());
};

TEST_F(GrpcGatewayTest, KeepsTheContract) {
  testing::expect_contract(add_grpc_gateway, "GrpcGateway");
}

TEST_F(GrpcGatewayTest, AnswersPreflights) {
  Call call(shard, "OPTIONS", "/v1/messages/a");
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 200);
  EXPECT_EQ(call.body(), "OK");
  EXPECT_EQ(call.reply().content_type, "application/json");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Methods"), "GET,POST,PATCH,DELETE");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Headers"), "content-type");
  EXPECT_EQ(call.reply_header("Access-Control-Allow-Origin"), "*");
}

TEST_F(GrpcGatewayTest, MakesACallOfPathAndQuery) {
  Call call(shard, "GET", "/v1/messages/a%20b?loud=true&times=3&inner.word=w+x&none=1");
  call.request_hook(*plugin);
  ASSERT_FALSE(call.replied()) << call.body();
  EXPECT_EQ(call.ex.request.method, "POST");
  EXPECT_EQ(call.ex.request.upstream_path, "/hello.Talk/Say");
  EXPECT_FALSE(call.ex.request.has_query);
  EXPECT_EQ(call.upstream_header("Content-Type"), "application/grpc");
  EXPECT_EQ(call.upstream_header("TE"), "trailers");
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x03"
                                         "a b\x10\x01\x18\x03\x2a\x05\x0a\x03w x"));
}

TEST_F(GrpcGatewayTest, TakesFalseForFalse) {
  Call call(shard, "GET", "/v1/messages/a?loud=false");
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_body(), framed({"\x0a\x01"
                                          "a\x10\x00",
                                          5}));
}

TEST_F(GrpcGatewayTest, MergesContentOverThePath) {
  Call call(shard, "POST", "/v1/messages/a");
  call.with_body("application/json", R"({"times": 2})").request_hook(*plugin);
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x01"
                                         "a\x18\x02"));
}

TEST_F(GrpcGatewayTest, PutsContentIntoTheFieldThatTheRuleNames) {
  Call call(shard, "PUT", "/v1/inner/x/y");
  call.with_body("application/json", R"({"word": "w"})").request_hook(*plugin);
  EXPECT_EQ(call.ex.request.upstream_path, "/hello.Talk/Put");
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x03x/y\x2a\x03\x0a\x01w"));
}

TEST_F(GrpcGatewayTest, KnowsAdditionalBindings) {
  Call call(shard, "GET", "/v1/legacy/shelves/7:say");
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_body(), framed("\x0a\x09shelves/7"));
}

TEST_F(GrpcGatewayTest, RefusesWhatTheFileDoesNotName) {
  Call path(shard, "GET", "/v2");
  path.request_hook(*plugin);
  EXPECT_EQ(path.status(), 400);
  EXPECT_EQ(path.body(), R"(failed to transcode .proto file Unknown path "/v2")");
  Call method(shard, "DELETE", "/v2");
  method.request_hook(*plugin);
  EXPECT_EQ(method.body(), R"(failed to transcode .proto file Unknown method "delete")");
}

TEST_F(GrpcGatewayTest, RefusesContentThatIsNoMessage) {
  Call broken(shard, "POST", "/v1/messages/a");
  broken.with_body("application/json", "{").request_hook(*plugin);
  EXPECT_EQ(broken.status(), 400);
  EXPECT_THAT(broken.body(), StartsWith("decode json err: "));
  Call list(shard, "POST", "/v1/messages/a");
  list.with_body("application/json", "[]").request_hook(*plugin);
  EXPECT_EQ(list.body(), "body must be a table");
  Call wrong(shard, "POST", "/v1/messages/a");
  wrong.with_body("application/json", R"({"times": "x"})").request_hook(*plugin);
  EXPECT_EQ(wrong.body(), "failed to encode payload");
}

TEST_F(GrpcGatewayTest, WritesMessagesOneBehindTheOther) {
  Call call(shard, "GET", "/v1/messages/a");
  call.request_hook(*plugin);
  const std::string content = framed("\x0a\x02hi") + framed("\x0a\x03you\x10\x02");
  answer(call, {content.substr(0, 4), content.substr(4)});
  EXPECT_EQ(call.ex.response.head.status, 200);
  EXPECT_EQ(call.response_header("Content-Type"), "application/json");
  EXPECT_EQ(grpc::read_all(call.ex.response.body), R"({"reply":"hi","count":0}{"reply":"you","count":2})");
}

TEST_F(GrpcGatewayTest, TurnsAStatusInTheHeadIntoOneOfHttp) {
  for (auto [code, status] : {std::pair{"5", 404}, {"16", 401}, {"8", 429}, {"2", 500}, {"99", 500}}) {
    Call call(shard, "GET", "/v1/messages/a");
    call.request_hook(*plugin);
    call.ex.response.head.status = 200;
    call.ex.response.from_upstream = true;
    call.ex.response.headers.set("grpc-status", code);
    call.response_hook(*plugin);
    EXPECT_EQ(call.ex.response.head.status, status) << code;
  }
}

TEST_F(GrpcGatewayTest, TurnsAStatusBehindNoMessageIntoOneOfHttp) {
  Call call(shard, "GET", "/v1/messages/a");
  call.request_hook(*plugin);
  answer(call, {}, {{"grpc-status", "5"}, {"grpc-message", "no such thing"}});
  EXPECT_EQ(call.ex.response.head.status, 404);
  EXPECT_EQ(call.response_header("grpc-message"), "no such thing");
  EXPECT_EQ(grpc::read_all(call.ex.response.body), "");
}

TEST_F(GrpcGatewayTest, SaysThatABrokenMessageIsTheUpstreams) {
  Call call(shard, "GET", "/v1/messages/a");
  call.request_hook(*plugin);
  answer(call, {framed("\xff\xff")});
  EXPECT_EQ(call.status(), 502);
}

TEST_F(GrpcGatewayTest, AllowsEveryOriginWhateverIsAnswered) {
  Call call(shard, "GET", "/v2");
  call.request_hook(*plugin).response_hook(*plugin);
  EXPECT_EQ(call.response_header("Access-Control-Allow-Origin"), "*");
}

TEST_F(GrpcGatewayTest, IsRefusedWithAFileThatCannotBeUsed) {
  EXPECT_THAT(shard.unsupported(add_grpc_gateway, R"({"proto": "/nowhere/x.proto"})"),
              StartsWith("proto: cannot use /nowhere/x.proto"));
  EXPECT_EQ(shard.unsupported(add_grpc_gateway, proto.config()), "");
}

TEST(PathTemplate, MatchesSegmentsAndRests) {
  auto match = [](std::string_view text, std::string_view path) {
    std::string found = "no";
    auto parsed = *grpc::PathTemplate::parse(text);
    if (auto fields = parsed.match(path)) {
      found = "yes";
      for (const auto& [name, value] : *fields) found.append(" ").append(name).append("=").append(value);
    }
    return found;
  };
  EXPECT_EQ(match("/v1/{a}/x.y", "/v1/1/x.y"), "yes a=1");
  EXPECT_EQ(match("/v1/{a}/x.y", "/v1/1/xzy"), "no");
  EXPECT_EQ(match("/v1/{a}", "/v1/1/2"), "no");
  EXPECT_EQ(match("/v1/{a=**}", "/v1/1/2"), "yes a=1/2");
  EXPECT_EQ(match("/v1/{a=b/*}/{c}", "/v1/b/1/2"), "yes a=b/1 c=2");
  EXPECT_EQ(match("/v1/*/x:go", "/v1/1/x:go"), "yes");
  EXPECT_FALSE(grpc::PathTemplate::parse("/v1/{a"));
}

}  // namespace
}  // namespace sluice::plugins
