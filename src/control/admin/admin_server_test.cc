// SPDX-License-Identifier: Apache-2.0
#include "control/admin/admin_server.h"

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"
#include "control/admin/status_server.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;

class AdminServerTest : public AdminTest {
 protected:
  void require_token() {
    settings.admin_auth = settings::AdminAuth::Token;
    settings.admin_token = Secret<std::string>("wonder");
  }
};

TEST_F(AdminServerTest, TheRootSaysWhatClientsDecideBy) {
  const auto reply = get("/");
  const Json root = reply->json();
  EXPECT_EQ(root.find("tagline")->as_string(), "Welcome to kong");
  EXPECT_EQ(root.find("version")->as_string(), "3.10.0.0");
  EXPECT_EQ(root.find("edition")->as_string(), "community");
  EXPECT_EQ(root.find("plugins")->find("available_on_server")->find("key-auth")->find("priority")->as_int(), 1250);
  EXPECT_EQ(to_json(*root.find("plugins")->find("enabled_in_cluster")), R"(["key-auth"])");
  const Json& configuration = *root.find("configuration");
  EXPECT_EQ(configuration.find("database")->as_string(), "off");
  EXPECT_EQ(configuration.find("role")->as_string(), "traditional");
  EXPECT_TRUE(configuration.find("loaded_plugins")->find("key-auth")->as_bool());
  EXPECT_EQ(root.find("sluice")->find("role")->as_string(), "all");
  EXPECT_EQ(reply->header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(reply->header("Server"), "kong/3.10.0.0");
  EXPECT_EQ(reply->header("X-Kong-Admin-Latency"), "0");
}

TEST_F(AdminServerTest, UnknownPathsAndVerbs) {
  EXPECT_EQ(get("/nonsense")->text, R"({"message":"Not found"})");
  EXPECT_EQ(get("/services//alpha")->status, 404);
  EXPECT_EQ(get("/ui/..%2f..%2fetc/passwd")->status, 400);
  EXPECT_EQ(patch("/status", "{}")->text, R"({"message":"Method not allowed"})");
}

TEST_F(AdminServerTest, HeadAndOptions) {
  const auto head = send("HEAD", "/services");
  EXPECT_EQ(head->status, 200);
  EXPECT_TRUE(head->text.empty());
  const auto options = send("OPTIONS", "/services");
  EXPECT_EQ(options->status, 204);
  EXPECT_EQ(options->header("Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(options->header("Access-Control-Allow-Methods"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(options->header("Access-Control-Allow-Headers"), "Content-Type");
}

TEST_F(AdminServerTest, StatusCountsMemoryInTheUnitAskedFor) {
  const Json status = get("/status")->json();
  EXPECT_EQ(status.find("configuration_hash")->as_string().size(), 32U);
  EXPECT_EQ(status.find("server")->find("total_requests")->as_int(), 2) << "the load and this one";
  EXPECT_THAT(to_json(*status.find("memory")), HasSubstr(" MiB"));
  EXPECT_THAT(get("/status?unit=k&scale=0")->text, HasSubstr(" KiB"));
  EXPECT_EQ(get("/status?unit=x")->status, 400);
}

TEST_F(AdminServerTest, SmallerEndpoints) {
  EXPECT_THAT(get("/endpoints")->text, HasSubstr("\"/services/{services}/routes/{routes}\""));
  EXPECT_THAT(get("/robots.txt")->text, HasSubstr("Disallow: /"));
  EXPECT_EQ(get("/plugins/enabled")->text, R"({"enabled_plugins":["key-auth","http-log"]})");
  EXPECT_EQ(get("/metrics")->text, "kong_x 1\n");
  EXPECT_EQ(get("/metrics")->header("Content-Type"), "text/plain; charset=UTF-8");
}

TEST_F(AdminServerTest, ExplainTakesArgumentsOrABody) {
  constexpr std::string_view kAnswer = R"({"method":"PUT","url":"http://x/y","headers":["A=b"]})";
  EXPECT_EQ(get("/explain?method=PUT&url=http://x/y&header=A:%20b")->text, kAnswer);
  EXPECT_EQ(post("/explain", R"({"method":"PUT","url":"http://x/y","headers":{"A":"b"}})")->text, kAnswer);
  EXPECT_EQ(get("/explain")->status, 400);
}

TEST_F(AdminServerTest, AReaderMayAskForAnExplanationByPost) {
  require_token();
  const auto reader = iam::make_token("eyes", iam::Role::Reader);
  tokens.set({reader.token});
  const auto ask = [&](std::string_view target) {
    return send("POST", target, R"({"url":"http://x/y"})",
                {{"Content-Type", "application/json"}, {"Kong-Admin-Token", reader.text}})
        ->status;
  };
  EXPECT_EQ(ask("/explain"), 200);
  EXPECT_EQ(ask("/services"), 403);
}

TEST_F(AdminServerTest, WithoutTokensForeignHostsAndOriginsAreRefused) {
  EXPECT_EQ(send("GET", "/", {}, {{"Host", "evil.test"}})->status, 403);
  EXPECT_EQ(send("GET", "/", {}, {{"Host", "[::1]:8001"}})->status, 200);
  EXPECT_EQ(send("GET", "/", {}, {{"Host", "console.test:8001"}})->status, 200);
  const auto foreign = send("GET", "/services", {}, {{"Origin", "https://evil.test"}});
  EXPECT_EQ(foreign->status, 403);
  EXPECT_EQ(foreign->header("Access-Control-Allow-Origin"), "");
  const auto console = send("GET", "/services", {}, {{"Origin", "https://console.test:8445"}});
  EXPECT_EQ(console->status, 200);
  EXPECT_EQ(console->header("Access-Control-Allow-Origin"), "https://console.test:8445");
  EXPECT_EQ(console->header("Access-Control-Allow-Credentials"), "true");
}

TEST_F(AdminServerTest, WithTokensEveryRequestNeedsOne) {
  require_token();
  EXPECT_EQ(get("/services")->status, 401);
  EXPECT_EQ(get("/ui/..%2f..%2fetc/passwd")->status, 400) << "what is malformed is so for everybody";
  EXPECT_EQ(send("GET", "/services", {}, {{"X-API-KEY", "wonder"}})->status, 401);
  EXPECT_EQ(send("GET", "/services", {}, {{"Authorization", "Bearer wonde"}})->status, 401);
  EXPECT_EQ(send("GET", "/services", {}, {{"Authorization", "Bearer wonder"}})->status, 200);
  EXPECT_EQ(send("GET", "/services", {}, {{"Kong-Admin-Token", "wonder"}})->status, 200);
  EXPECT_EQ(send("GET", "/services", {}, {{"Kong-Admin-Token", "wonder"}, {"Host", "evil.test"}})->status, 403);
}

TEST_F(AdminServerTest, APreflightNeedsNoToken) {
  require_token();
  const auto reply = send("OPTIONS", "/services", {},
                          {{"Origin", "http://localhost:8002"}, {"Access-Control-Request-Method", "POST"}});
  EXPECT_EQ(reply->status, 204);
  EXPECT_THAT(reply->header("Access-Control-Allow-Headers"), HasSubstr("Kong-Admin-Token"));
  EXPECT_EQ(send("OPTIONS", "/services")->status, 401);
}

TEST_F(AdminServerTest, ABodyOverTheLimitIsRefused) {
  settings.admin_max_body_size = Bytes{10};
  const auto reply = post("/config", R"({"_format_version":"3.0"})");
  EXPECT_EQ(reply->status, 413);
  EXPECT_TRUE(reply->closed);
}

TEST_F(AdminServerTest, ReadinessFollowsTheGatewayAndTheDrain) {
  StatusServer status{Parts{catalog, gateway, settings, store, publisher, {}, {}}};
  const auto ask = [&](std::string_view method, std::string_view path, std::string_view body = {}) {
    FakeStream stream(reactor, method, path, body);
    stream.request().headers.add("Content-Type", "application/x-www-form-urlencoded");
    rt::run(reactor, [](StatusServer& server, FakeStream& exchange) -> Task<int> {
      co_await server.handle(exchange);
      co_return 0;
    }(status, stream));
    return std::pair(stream.status, stream.text);
  };
  EXPECT_EQ(ask("GET", "/status/ready"), std::pair(200, std::string(R"({"message":"ready"})")));
  EXPECT_EQ(ask("GET", "/services").first, 404);
  gateway.node.hash = std::string(32, '0');
  EXPECT_THAT(ask("GET", "/status/ready").second,
              HasSubstr("no configuration available (empty configuration present)"));
  EXPECT_EQ(ask("POST", "/status/ready", "status=draining").first, 204);
  EXPECT_EQ(ask("GET", "/status/ready"), std::pair(503, std::string(R"({"message":"draining"})")));
}

}  // namespace
}  // namespace sluice::control::admin
