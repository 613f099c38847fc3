// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/route.h"
#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class RequestTermination : public ::testing::Test {
 protected:
  /// `status type body`
  std::string answer(std::string_view config, std::string_view target = "/", Fields fields = {}) {
    auto plugin = shard.make(add_request_termination, config);
    Call call(shard, "GET", target, fields);
    call.request_hook(*plugin);
    if (!call.replied()) return "";
    EXPECT_EQ(call.reply().form, gateway::Reply::Form::Exit);
    return std::to_string(call.status()) + " " + call.reply().content_type + " " + call.body();
  }
  Shard shard;
};

TEST_F(RequestTermination, AnswersWithTheMessageOfTheStatus) {
  EXPECT_EQ(answer("{}"), R"(503 application/json; charset=utf-8 {"message":"Service unavailable"})");
  EXPECT_EQ(answer(R"({"status_code":404})"), R"(404 application/json; charset=utf-8 {"message":"Not found"})");
  EXPECT_EQ(answer(R"({"status_code":204})"), "204  ");
}

TEST_F(RequestTermination, AnswersWithItsOwnMessage) {
  EXPECT_EQ(answer(R"({"status_code":200,"message":"o\"k"})"),
            R"(200 application/json; charset=utf-8 {"message":"o\"k"})");
}

TEST_F(RequestTermination, AnswersWithABodyAsItIs) {
  EXPECT_EQ(answer(R"({"body":"<a/>","content_type":"text/xml"})"), "503 text/xml <a/>");
  EXPECT_EQ(answer(R"({"body":"x"})"), "503  x");
}

TEST_F(RequestTermination, WaitsForItsTrigger) {
  EXPECT_EQ(answer(R"({"trigger":"X-T"})"), "");
  EXPECT_NE(answer(R"({"trigger":"X-T"})", "/", {{"x-t", "1"}}), "");
  EXPECT_NE(answer(R"({"trigger":"X-T"})", "/?X-T"), "");
}

TEST_F(RequestTermination, ShowsTheRequestWhenTold) {
  auto plugin = shard.make(add_request_termination, R"({"echo":true,"status_code":200})");
  entity::Route route;
  route.name = "r";
  Call call(shard, "POST", "/a?b=1&b=2&c", {{"X-A", "1"}, {"x-a", "2"}});
  call.with_body("application/json", R"({"n":[1]})");
  call.ex.route = &route;
  call.ex.captures.unnamed = {"/a/7", "7"};  // the first is the whole match
  call.ex.captures.named = {{"id", "7"}};
  call.request_hook(*plugin);
  EXPECT_EQ(call.status(), 200);
  const Json document = parse_json(call.body()).value_or(Json());
  EXPECT_EQ(document.find("kong")->find("hostname")->as_string(), "gateway.test");
  const Json& request = *document.find("request");
  EXPECT_EQ(request.find("method")->as_string(), "POST");
  EXPECT_EQ(to_json(*request.find("query")), R"({"b":["1","2"],"c":true})");
  EXPECT_EQ(to_json(*request.find("headers")->find("x-a")), R"(["1","2"])");
  EXPECT_EQ(request.find("raw_body")->as_string(), R"({"n":[1]})");
  EXPECT_EQ(to_json(*request.find("body")), R"({"n":[1]})");
  EXPECT_EQ(to_json(*request.find("uri_captures")->find("named")), R"({"id":"7"})");
  EXPECT_EQ(to_json(*request.find("uri_captures")->find("unnamed")), R"(["7"])");
  EXPECT_EQ(document.find("matched_route")->find("name")->as_string(), "r");
  EXPECT_EQ(document.find("matched_service"), nullptr);
}

TEST_F(RequestTermination, RefusesContradictions) {
  using ::testing::HasSubstr;
  EXPECT_THAT(shard.violations(add_request_termination, R"({"message":"a","body":"b"})"),
              HasSubstr("message cannot be used with content_type or body"));
  EXPECT_THAT(shard.violations(add_request_termination, R"({"content_type":"text/xml"})"),
              HasSubstr("content_type requires a body"));
  EXPECT_THAT(shard.violations(add_request_termination, R"({"echo":true,"body":"b"})"),
              HasSubstr("echo cannot be used with content_type and body"));
  EXPECT_THAT(shard.violations(add_request_termination, R"({"status_code":99})"),
              HasSubstr("value should be between 100 and 599"));
}

TEST_F(RequestTermination, MatchesThePublishedContract) {
  testing::expect_contract(add_request_termination, "RequestTermination");
}

}  // namespace
}  // namespace sluice::plugins
