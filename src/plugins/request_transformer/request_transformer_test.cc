// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using ::testing::HasSubstr;
using testing::Shard;

class RequestTransformerTest : public ::testing::Test {
 protected:
  Call& run(std::string_view config, Call& call) {
    plugin_ = shard_.make(add_request_transformer, config);
    return call.request_hook(*plugin_);
  }
  std::string edit(std::string_view config, std::string_view type, std::string_view content) {
    Call call(shard_, "POST", "/");
    call.with_body(type, content);
    return run(config, call).upstream_body();
  }

  Shard shard_;
  std::unique_ptr<gateway::Plugin> plugin_;
};

TEST_F(RequestTransformerTest, HasThePublishedContract) {
  testing::expect_contract(add_request_transformer, "RequestTransformer");
}

TEST_F(RequestTransformerTest, RemovesAndAddsHeaders) {
  Call call(shard_, "GET", "/", {{"X-A", "1"}});
  run(R"({"remove":{"headers":["X-A"]},"add":{"headers":["X-B:1"]}})", call);
  EXPECT_EQ(call.upstream_header("x-a"), "(none)");
  EXPECT_EQ(call.upstream_header("x-b"), "1");
}

TEST_F(RequestTransformerTest, AddsOnlyWhatIsAbsent) {
  Call call(shard_, "GET", "/", {{"X-B", "9"}});
  EXPECT_EQ(run(R"({"add":{"headers":["X-B:1"]}})", call).upstream_header("x-b"), "9");
}

TEST_F(RequestTransformerTest, RenamesReplacesAndAppendsHeaders) {
  Call call(shard_, "GET", "/", {{"X-A", "1"}, {"X-C", "old"}, {"X-New", "lost"}});
  run(R"({"rename":{"headers":["x-a:X-New"]},"replace":{"headers":["X-C:new","X-None:1"]},
          "append":{"headers":["X-C:more","X-D:1"]}})",
      call);
  EXPECT_EQ(call.upstream_header("x-a"), "(none)");
  EXPECT_EQ(call.upstream_header("X-New"), "1");
  EXPECT_EQ(call.upstream_header("X-C"), "new");
  EXPECT_EQ(call.ex.request.headers.count("X-C"), 2U);
  EXPECT_EQ(call.upstream_header("X-D"), "1");
  EXPECT_EQ(call.upstream_header("X-None"), "(none)");
}

TEST_F(RequestTransformerTest, HonoursAChangeOfCase) {
  Call call(shard_, "GET", "/", {{"x-a", "1"}});
  run(R"({"rename":{"headers":["x-a:X-A"]}})", call);
  EXPECT_EQ(call.ex.request.headers.begin()->name, "X-A");
}

TEST_F(RequestTransformerTest, ReplacesHostAndDoesNothingElseToIt) {
  Call replaced(shard_, "GET", "/");
  run(R"({"replace":{"headers":["host:h.test"]}})", replaced);
  EXPECT_EQ(replaced.ex.request.upstream_host, "h.test");
  Call added(shard_, "GET", "/", {{"Host", "a"}});
  run(R"({"add":{"headers":["host:h.test"]},"append":{"headers":["Host:x"]},"remove":{"headers":["HOST"]}})", added);
  EXPECT_EQ(added.ex.request.upstream_host, std::nullopt);
  EXPECT_EQ(added.upstream_header("host"), "a");
  EXPECT_EQ(added.ex.request.headers.count("host"), 1U);
}

TEST_F(RequestTransformerTest, KeepsTheQueryAsItIsUnlessItIsToChange) {
  Call call(shard_, "GET", "/?a=%41&b");
  EXPECT_EQ(run(R"({"add":{"headers":["X:1"]}})", call).ex.request.query, "a=%41&b");
}

TEST_F(RequestTransformerTest, EditsTheQuery) {
  Call appended(shard_, "GET", "/?q=1");
  EXPECT_EQ(run(R"({"append":{"querystring":["q:2"]}})", appended).ex.request.query, "q=1&q=2");
  Call all(shard_, "GET", "/?gone=1&gone=2&old=3&set=4&flag");
  run(R"({"remove":{"querystring":["gone"]},"rename":{"querystring":["old:new"]},
          "replace":{"querystring":["set:a b","none:1"]},"add":{"querystring":["flag:x","more:1"]}})",
      all);
  EXPECT_EQ(all.ex.request.query, "new=3&set=a%20b&flag&more=1");
}

TEST_F(RequestTransformerTest, DropsTheQuestionMarkWithTheLastArgument) {
  Call call(shard_, "GET", "/?a=1");
  EXPECT_FALSE(run(R"({"remove":{"querystring":["a"]}})", call).ex.request.has_query);
}

TEST_F(RequestTransformerTest, ReplacesThePathByATemplate) {
  Call call(shard_, "GET", "/x/7");
  call.ex.captures.named = {{"id", "7"}};
  EXPECT_EQ(run(R"j({"replace":{"uri":"/u/$(uri_captures[\"id\"])"}})j", call).ex.request.upstream_path, "/u/7");
}

TEST_F(RequestTransformerTest, NeverLetsATemplateEndThePathOrAHeader) {
  Call call(shard_, "GET", "/?p=x%3fa%20b%0d%0aX%3a1");
  run(R"j({"replace":{"uri":"/$(query_params.p)"},"add":{"headers":["X-P:$(query_params.p)"]}})j", call);
  EXPECT_EQ(call.ex.request.upstream_path, "/x%3Fa%20b%0D%0AX:1");
  EXPECT_EQ(call.upstream_header("X-P"), "x?a b%0D%0AX:1");
}

TEST_F(RequestTransformerTest, FailsWhenThePathIsNone) {
  Call call(shard_, "GET", "/");
  EXPECT_EQ(run(R"j({"replace":{"uri":"$(headers.none)"}})j", call).status(), 500);
}

TEST_F(RequestTransformerTest, EvaluatesTemplatesBeforeAnythingChanges) {
  Call call(shard_, "GET", "/", {{"X-Custom-Id", "1"}});
  run(R"j({"remove":{"headers":["X-Custom-Id"]},"add":{"headers":["X-Copy:$(headers.x_custom_id)"],
          "querystring":["c:$(headers['x-custom-id'])"]}})j",
      call);
  EXPECT_EQ(call.upstream_header("X-Copy"), "1");
  EXPECT_EQ(call.ex.request.query, "c=1");
}

TEST_F(RequestTransformerTest, RefusesTemplatesThatNeedLua) {
  EXPECT_THAT(shard_.unsupported(add_request_transformer, R"j({"add":{"headers":["X:$(headers.x:upper())"]}})j"),
              HasSubstr("add.headers: template expression '$(headers.x:upper())' is not supported"));
  EXPECT_EQ(shard_.unsupported(add_request_transformer, R"j({"add":{"headers":["X:$(headers.x)"]}})j"), "");
}

TEST_F(RequestTransformerTest, WantsAValueInEveryPair) {
  EXPECT_THAT(shard_.violations(add_request_transformer, R"({"add":{"headers":["X-A"]}})"),
              HasSubstr("key 'X-A' has no value"));
  EXPECT_THAT(shard_.violations(add_request_transformer, R"({"remove":{"headers":["a b"]}})"),
              HasSubstr("'a b' is not a valid header"));
}

TEST_F(RequestTransformerTest, EditsTopLevelMembersOfJson) {
  constexpr std::string_view kJson = "application/json; charset=utf-8";
  EXPECT_EQ(edit(R"({"add":{"body":["a:1"]}})", kJson, R"({"a":false})"), R"({"a":"1"})");
  EXPECT_EQ(edit(R"({"remove":{"body":["a"]},"rename":{"body":["b:c"]},"replace":{"body":["d:x","e:y"]},
                     "add":{"body":["d:no","f:z"]}})",
                 kJson, R"({"a":1,"b":[],"d":null,"e":false})"),
            R"({"d":"x","e":false,"c":[],"f":"z"})");
  EXPECT_EQ(edit(R"({"append":{"body":["s:2","l:2","n:2","new:2"]}})", kJson, R"({"s":"1","l":["1"],"n":1})"),
            R"({"s":["1","2"],"l":["1","2"],"n":["2"],"new":["2"]})");
}

TEST_F(RequestTransformerTest, PassesWhatIsNoJsonUnchanged) {
  EXPECT_EQ(edit(R"({"add":{"body":["a:1"]}})", "application/json", "{nope"), "{nope");
  EXPECT_EQ(edit(R"({"add":{"body":["a:1"]}})", "text/plain", "a=b"), "a=b");
}

TEST_F(RequestTransformerTest, MakesAnObjectOfNothingWhenItAdds) {
  EXPECT_EQ(edit(R"({"add":{"body":["a:1"]}})", "application/json", ""), R"({"a":"1"})");
  EXPECT_EQ(edit(R"({"remove":{"body":["a"]}})", "application/json", ""), "");
}

TEST_F(RequestTransformerTest, EditsForms) {
  EXPECT_EQ(edit(R"({"remove":{"body":["a"]},"add":{"body":["c:x y"]},"append":{"body":["b:2"]}})",
                 "application/x-www-form-urlencoded", "a=1&b=1"),
            "b=1&c=x%20y&b=2");
}

TEST_F(RequestTransformerTest, EditsMultipartContent) {
  constexpr std::string_view kContent =
      "--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"f\"\r\nContent-Type: text/x\r\n\r\n1\r\n"
      "--B\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--B--\r\n";
  EXPECT_EQ(edit(R"({"remove":{"body":["b"]},"replace":{"body":["a:x"]},"add":{"body":["c:3"]}})",
                 "multipart/form-data; boundary=B", kContent),
            "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n"
            "--B\r\nContent-Disposition: form-data; name=\"c\"\r\n\r\n3\r\n--B--\r\n");
  EXPECT_EQ(edit(R"({"rename":{"body":["b:d"]}})", "multipart/form-data; boundary=\"B\"", kContent),
            std::string(kContent.substr(0, kContent.rfind("--B\r\nContent"))) +
                "--B\r\nContent-Disposition: form-data; name=\"d\"\r\n\r\n2\r\n--B--\r\n");
  EXPECT_EQ(edit(R"({"remove":{"body":["b"]}})", "multipart/form-data; boundary=B", "--B\r\nbroken"), "--B\r\nbroken");
}

/// Gives `piece` again and again.
class RepeatingBody final : public http::BodyReader {
 public:
  RepeatingBody(std::string piece, int times) : piece_(std::move(piece)), left_(times) {}
  Task<Result<http::Chunk>> read() override { return Result<http::Chunk>(http::Chunk{piece_, --left_ == 0}); }

 private:
  const std::string piece_;
  int left_;
};

TEST_F(RequestTransformerTest, PassesContentThatIsTooLongUnchanged) {
  Call call(shard_, "POST", "/");
  call.with_chunked_body("");
  call.ex.request.headers.set("Content-Type", "application/json");
  call.ex.request.body = call.ex.make<RepeatingBody>(std::string(std::size_t{1} << 20, ' '), 20);
  run(R"({"add":{"body":["a:1"]}})", call);
  std::size_t size = 0;
  for (bool last = false; !last;) {
    auto task = call.ex.request.body->read();
    task.start();
    auto chunk = task.take();
    ASSERT_TRUE(chunk);
    size += chunk->bytes.size();
    last = chunk->last;
  }
  EXPECT_EQ(size, std::size_t{20} << 20);
}

TEST_F(RequestTransformerTest, CorrectsTheLength) {
  Call call(shard_, "POST", "/");
  call.with_body("application/json", R"({"a":1})");
  run(R"({"remove":{"body":["a"]}})", call);
  EXPECT_EQ(call.ex.request.body_length, 2U);
}

TEST_F(RequestTransformerTest, CopiesFormArgumentsToTheQueryOfAMethodWithoutContent) {
  Call call(shard_, "POST", "/?q=1");
  call.with_body("application/x-www-form-urlencoded", "a=1&q=2");
  run(R"({"http_method":"GET"})", call);
  EXPECT_EQ(call.ex.request.method, "GET");
  EXPECT_EQ(call.ex.request.query, "q=1&a=1&q=2");
  EXPECT_EQ(call.upstream_body(), "a=1&q=2");
}

TEST_F(RequestTransformerTest, ChangesOnlyTheMethodOtherwise) {
  Call call(shard_, "GET", "/?q=1");
  run(R"({"http_method":"PATCH"})", call);
  EXPECT_EQ(call.ex.request.method, "PATCH");
  EXPECT_EQ(call.ex.request.query, "q=1");
}

}  // namespace
}  // namespace sluice::plugins
