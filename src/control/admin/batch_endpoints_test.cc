// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;

class BatchTest : public AdminTest {
 protected:
  BatchTest() : AdminTest(Storage::Sqlite) {}
};

constexpr std::string_view kMany = R"({
  "create": {"services": [{"name":"new","url":"http://n.test"}]},
  "upsert": {"routes": [{"name":"nr","paths":["/n"],"service":"new"}], "services":[{"name":"beta","host":"b2.test"}]},
  "update": {"consumers": [{"username":"bob","custom_id":"c-2"}]},
  "delete": {"services": ["gamma"], "routes": ["alpha-route"]}})";

TEST_F(BatchTest, ManyChangesAreOneVersion) {
  const std::size_t before = gateway.deltas.size();
  const auto reply = post("/batch", kMany);
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_EQ(gateway.deltas.size(), before + 1);
  EXPECT_EQ(get("/services/new/routes/nr")->status, 200);
  EXPECT_EQ(get("/services/beta")->json().find("host")->as_string(), "b2.test");
  EXPECT_EQ(get("/consumers/bob")->json().find("custom_id")->as_string(), "c-2");
  EXPECT_EQ(get("/services/gamma")->status, 404);
  EXPECT_EQ(get("/plugins/door")->status, 404);
  const Json body = reply->json();
  EXPECT_EQ(body.find("version")->as_string(), "0.2");
  EXPECT_EQ(body.find("deleted")->find("plugins")->as_array().size(), 1U) << "what went along is told";
}

TEST_F(BatchTest, ADryRunTellsThePlanAndChangesNothing) {
  const auto reply = post("/batch?dry_run=1", kMany);
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_TRUE(reply->json().find("dry_run")->as_bool());
  unsigned updates = 0;
  for (const Json& step : reply->json().find("plan")->as_array()) {
    updates += step.find("action")->as_string() == "update" ? 1 : 0;
    if (step.find("action")->as_string() == "create") EXPECT_TRUE(step.find("before")->is_null());
  }
  EXPECT_EQ(updates, 2U);
  EXPECT_EQ(get("/services/new")->status, 404);
  EXPECT_EQ(get("/services/gamma")->status, 200);
}

TEST_F(BatchTest, EveryViolationIsToldAtOnceAndNothingIsDone) {
  const auto reply = post("/batch", R"({"create":{"services":[{"name":"n","host":"h"},{"name":"alpha","host":"h"}],
      "routes":[{"paths":["x"]}]},"update":{"services":[{"name":"ghost","retries":1}]},
      "delete":{"upstreams":["pool"]}})");
  EXPECT_EQ(reply->status, 400);
  const Json body = reply->json();
  ASSERT_EQ(body.find("errors")->as_array().size(), 3U) << reply->text;
  EXPECT_THAT(reply->text, HasSubstr(R"("action":"create","type":"services","position":1)"));
  EXPECT_THAT(reply->text, HasSubstr("UNIQUE violation detected"));
  EXPECT_EQ(get("/services/n")->status, 404);
  EXPECT_EQ(get("/upstreams/pool")->status, 200);
}

TEST_F(BatchTest, PasswordsMayComeHashed) {
  const std::string hash(40, 'a');
  EXPECT_EQ(post("/batch", R"({"_transform":false,"upsert":{"basicauth_credentials":[{"username":"u","password":")" +
                               hash + R"(","consumer":"ann"}]}})")
                ->status,
            200);
  EXPECT_EQ(get("/basic-auths/u")->json().find("password")->as_string(), hash);
}

TEST_F(BatchTest, ABatchMayBeBoundToAVersion) {
  const std::string version = get("/services")->header("ETag");
  const auto batch = [&](std::string_view name) {
    return send("POST", "/batch", R"({"create":{"consumers":[{"username":")" + std::string(name) + "\"}]}}",
                {{"Content-Type", "application/json"}, {"If-Match", version}});
  };
  EXPECT_EQ(batch("one")->status, 200);
  EXPECT_EQ(batch("two")->status, 412);
}

TEST_F(BatchTest, AReaderReadsWithoutSecretsAndWritesNothing) {
  settings.admin_auth = settings::AdminAuth::Token;
  const auto reader = iam::make_token("eyes", iam::Role::Reader);
  const auto admin = iam::make_token("ops", iam::Role::Administrator);
  tokens.set({reader.token, admin.token});
  const auto as = [&](const std::string& token, std::string_view method, std::string_view target,
                      std::string_view body = {}) {
    return send(method, target, body, {{"Kong-Admin-Token", token}, {"Content-Type", "application/json"}});
  };
  EXPECT_EQ(get("/services")->status, 401);
  EXPECT_EQ(as(reader.text, "GET", "/services")->status, 200);
  EXPECT_EQ(as(reader.text, "POST", "/services", R"({"host":"h"})")->status, 403);
  EXPECT_EQ(as(reader.text, "DELETE", "/services/beta")->status, 403);
  EXPECT_EQ(as(reader.text, "GET", "/key-auths/k1")->json().find("key")->as_string(), "***");
  EXPECT_EQ(as(admin.text, "GET", "/key-auths/k1")->json().find("key")->as_string(), "k1");
  EXPECT_EQ(as(admin.text, "POST", "/services", R"({"host":"h"})")->status, 201);
  EXPECT_EQ(as(admin.text, "GET", "/rbac/users")->status, 404) << "never pretended";
}

TEST_F(BatchTest, AnEtagTellsAReaderNothingOfASecret) {
  settings.admin_auth = settings::AdminAuth::Token;
  const auto reader = iam::make_token("eyes", iam::Role::Reader);
  const auto admin = iam::make_token("ops", iam::Role::Administrator);
  tokens.set({reader.token, admin.token});
  const auto as = [&](const std::string& token, std::string_view method, std::string_view body = {}) {
    return send(method, "/key-auths/44444444-4444-4444-8444-444444444444", body,
                {{"Kong-Admin-Token", token}, {"Content-Type", "application/json"}});
  };
  const auto write = [&](std::string_view key) {
    return as(admin.text, "PUT", R"({"created_at":1,"consumer":{"username":"ann"},"key":")" + std::string(key) + "\"}")
        ->status;
  };
  EXPECT_EQ(write("one"), 200);
  const std::string one = as(reader.text, "GET")->header("ETag");
  const std::string whole = as(admin.text, "GET")->header("ETag");
  EXPECT_EQ(write("two"), 200);
  EXPECT_EQ(as(reader.text, "GET")->header("ETag"), one);
  EXPECT_NE(as(admin.text, "GET")->header("ETag"), whole);
}

TEST_F(BatchTest, TheApiDescribesItself) {
  const Json api = get("/openapi.json")->json();
  EXPECT_EQ(api.find("openapi")->as_string(), "3.0.3");
  const Json* list = api.find("paths")->find("/services/{services}/routes");
  ASSERT_NE(list, nullptr);
  EXPECT_THAT(to_json(*list), HasSubstr("#/components/schemas/routes"));
  EXPECT_NE(api.find("components")->find("schemas")->find("plugins"), nullptr);
  EXPECT_THAT(get("/v1/schemas/json/service")->text, HasSubstr("\"properties\""));
  EXPECT_THAT(get("/v1/schemas/json/plugin/key-auth")->text, HasSubstr("key_names"));
  EXPECT_EQ(get("/v1/schemas/json/ghost")->status, 404);
}

}  // namespace
}  // namespace sluice::control::admin
