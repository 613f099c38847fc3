// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"
#include "plugins/response_transformer/json_edit.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Shard;

/// Gives content in pieces.
class PiecesBody final : public http::BodyReader {
 public:
  explicit PiecesBody(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  Task<Result<http::Chunk>> read() override {
    const std::string& piece = pieces_[next_++];
    return Result<http::Chunk>(http::Chunk{piece, next_ == pieces_.size()});
  }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
};

std::string read_all(http::BodyReader* body) {
  std::string all;
  for (bool last = body == nullptr; !last;) {
    auto task = body->read();
    task.start();
    auto chunk = task.take();
    if (!chunk) return "error: " + chunk.error().what;
    all.append(chunk->bytes);
    last = chunk->last;
  }
  return all;
}

class ResponseTransformerTest : public ::testing::Test {
 protected:
  gateway::Exchange& run(std::string_view config) {
    plugin_ = shard_.make(add_response_transformer, config);
    call_.response_hook(*plugin_);
    return call_.ex;
  }
  std::string edit(std::string_view config, std::vector<std::string> pieces,
                   std::string_view type = "application/json") {
    call_.ex.response.headers.set("Content-Type", type);
    call_.ex.response.headers.set("Content-Length", "7");
    call_.ex.response.body = call_.ex.make<PiecesBody>(std::move(pieces));
    return read_all(run(config).response.body);
  }

  Shard shard_;
  std::unique_ptr<gateway::Plugin> plugin_;
  Call call_{shard_, "GET", "/"};
};

TEST_F(ResponseTransformerTest, HasThePublishedContract) {
  testing::expect_contract(add_response_transformer, "ResponseTransformer");
}

TEST_F(ResponseTransformerTest, ChangesHeaders) {
  auto& headers = call_.ex.response.headers;
  headers.add("Server", "x");
  headers.add("X-Old", "1");
  headers.add("X-Set", "1");
  run(R"({"remove":{"headers":["Server"]},"rename":{"headers":["x-old:X-New"]},
          "replace":{"headers":["X-Set:$(x) y","X-None:1"]},"add":{"headers":["X-Set:no","X-Add:1"]}})");
  EXPECT_EQ(call_.response_header("server"), "(none)");
  EXPECT_EQ(call_.response_header("x-old"), "(none)");
  EXPECT_EQ(call_.response_header("X-New"), "1");
  EXPECT_EQ(call_.response_header("X-Set"), "$(x) y");
  EXPECT_EQ(call_.response_header("X-None"), "(none)");
  EXPECT_EQ(call_.response_header("X-Add"), "1");
}  // namespace sluice::plugins

TEST_F(ResponseTransformerTest, AppendsALine) {
  call_.ex.response.headers.add("Set-Cookie", "x=y");
  run(R"({"append":{"headers":["Set-Cookie:a=b"]}})");
  EXPECT_EQ(call_.ex.response.headers.count("Set-Cookie"), 2U);
}

TEST_F(ResponseTransformerTest, WritesTypedValues) {
  EXPECT_EQ(edit(R"({"add":{"json":["p:5","q:1.5","b:true","n:x","s:5"],
                            "json_types":["number","number","boolean","number"]}})",
                 {"{", "}"}),
            R"({"p":5,"q":1.5,"b":true,"s":"5"})");
  EXPECT_EQ(call_.response_header("Content-Length"), "(none)");
  EXPECT_EQ(call_.ex.response.head.framing.kind, http::Framing::Kind::Chunked);
}

TEST_F(ResponseTransformerTest, FollowsLuasNotionOfPresence) {
  EXPECT_EQ(edit(R"({"remove":{"json":["gone"]},"rename":{"json":["old:new","none:x"]},
                     "replace":{"json":["f:1","t:1"]},"add":{"json":["f:2","z:2"]}})",
                 {R"({"gone":1,"old":2,"f":false,"t":0,"z":null})"}),
            R"({"f":"2","t":"1","z":null,"new":2})");
}

TEST_F(ResponseTransformerTest, AppendsToMembers) {
  EXPECT_EQ(edit(R"({"append":{"json":["s:2","l:2","n:2"]}})", {R"({"s":"1","l":["1"],"n":1})"}),
            R"({"s":["1","2"],"l":["1","2"],"n":["2"]})");
}

TEST_F(ResponseTransformerTest, LeavesOtherTypesAlone) {
  EXPECT_EQ(edit(R"({"add":{"json":["p:5"]}})", {"{}"}, "text/html"), "{}");
  EXPECT_EQ(call_.response_header("Content-Length"), "7");
}

TEST_F(ResponseTransformerTest, AcceptsParametersAndLists) {
  EXPECT_EQ(edit(R"({"add":{"json":["p:5"]}})", {"{}"}, "text/plain, application/JSON; charset=utf-8"), R"({"p":"5"})");
}

TEST_F(ResponseTransformerTest, PassesWhatIsNoJson) {
  EXPECT_EQ(edit(R"({"add":{"json":["p:5"]}})", {"{no", "pe"}), "{nope");
  EXPECT_EQ(call_.response_header("Content-Length"), "(none)");
}

TEST_F(ResponseTransformerTest, HasNothingToEditWithoutContent) {
  call_.ex.response.headers.set("Content-Type", "application/json");
  EXPECT_EQ(run(R"({"add":{"json":["p:5"]}})").response.body, nullptr);
}

TEST(JsonEditReader, PassesWhatIsTooLong) {
  JsonEdit edit;
  edit.remove = {"a"};
  PiecesBody inner({R"({"a":1,)", R"("b":2)", "}"});
  JsonEditReader reader(inner, edit, 8);
  EXPECT_EQ(read_all(&reader), R"({"a":1,"b":2})");
}

}  // namespace
}  // namespace sluice::plugins
