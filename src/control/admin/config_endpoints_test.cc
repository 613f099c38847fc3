// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kYaml = "_format_version: '3.0'\nservices:\n- {name: y, url: 'http://y.test'}\n";

class ConfigEndpointsTest : public AdminTest {
 protected:
  Exchange yaml(std::string_view target, std::string_view text) {
    return send("POST", target, text, {{"Content-Type", "application/yaml"}});
  }
  std::vector<std::string> services() { return column(get("/services")->json(), "name"); }
};

TEST_F(ConfigEndpointsTest, ALoadAnswersWithItsEntitiesByTypeAndId) {
  const auto reply = post("/config", kConfig);
  EXPECT_EQ(reply->status, 201);
  const Json loaded = reply->json();
  EXPECT_EQ(loaded.find("services")->find("11111111-1111-4111-8111-111111111111")->find("name")->as_string(), "alpha");
  EXPECT_EQ(loaded.find("consumers")->as_object().size(), 2U);
  EXPECT_THAT(reply->text, testing::Not(HasSubstr("ws_id")));
}

TEST_F(ConfigEndpointsTest, YamlAndTextInsideJsonAreTakenToo) {
  EXPECT_EQ(yaml("/config", kYaml)->status, 201);
  EXPECT_THAT(services(), ElementsAre("y"));
  std::string wrapped = "{\"config\":";
  append_json_string(wrapped, "_format_version: '3.0'\nservices:\n- {name: z, url: 'http://z.test'}\n");
  EXPECT_EQ(post("/config", wrapped + "}")->status, 201);
  EXPECT_THAT(services(), ElementsAre("z"));
}

TEST_F(ConfigEndpointsTest, TheSameTextAgainIsNotLoadedWhenItsHashIsChecked) {
  EXPECT_EQ(yaml("/config?check_hash=1", kYaml)->status, 201);
  const std::string hash = store.hash();
  const std::size_t applied = gateway.deltas.size();
  EXPECT_EQ(yaml("/config?check_hash=1", kYaml)->status, 304);
  EXPECT_EQ(gateway.deltas.size(), applied);
  EXPECT_EQ(yaml("/config", kYaml)->status, 201);
  EXPECT_EQ(get("/status")->json().find("configuration_hash")->as_string(), hash);
}

TEST_F(ConfigEndpointsTest, TheSameConfigurationInOtherWordsIsNoNewVersion) {
  EXPECT_EQ(post("/config", kConfig)->status, 201);
  const std::string version = get("/services")->header("ETag");
  const std::string hash = store.hash();
  const auto again = post("/config", std::string(kConfig) + "  ");
  EXPECT_EQ(again->status, 201);
  EXPECT_EQ(again->json().find("consumers")->as_object().size(), 2U) << "the answer names all of it";
  EXPECT_EQ(get("/services")->header("ETag"), version);
  EXPECT_NE(store.hash(), hash) << "it is known by its latest text";
  EXPECT_EQ(yaml("/config", kYaml)->status, 201);
  EXPECT_NE(get("/services")->header("ETag"), version);
}

TEST_F(ConfigEndpointsTest, WhatIsWrongIsToldAndNothingChanges) {
  const auto reply = post("/config", R"({"_format_version":"3.0","services":[{"name":"x"}]})");
  EXPECT_EQ(reply->status, 400);
  const Json body = reply->json();
  EXPECT_EQ(body.find("code")->as_int(), 14);
  EXPECT_EQ(to_json(*body.find("fields")), R"({"services":[{"host":"required field missing"}]})");
  EXPECT_EQ(get("/services/alpha")->status, 200);
  const auto flat = post("/config?flatten_errors=1", R"({"_format_version":"3.0","services":[{"name":"x"}]})");
  EXPECT_THAT(flat->text, HasSubstr(R"("flattened_errors":[{"entity_type":"service","entity_name":"x")"));
  EXPECT_EQ(post("/config", "{\"_format")->text, R"({"message":"Cannot parse JSON body"})");
  EXPECT_EQ(send("POST", "/config", "<p>", {{"Content-Type", "text/html"}})->status, 415);
  EXPECT_THAT(yaml("/config", "a: [")->text, HasSubstr("failed parsing declarative configuration: "));
}

TEST_F(ConfigEndpointsTest, WhatTheGatewayFindsStandsAtTheEntity) {
  gateway.problems = {{"routes", *Uuid::parse("22222222-2222-4222-8222-222222222222"), "paths", "not a valid regex"}};
  const auto reply = post("/config?flatten_errors=1", kConfig);
  EXPECT_EQ(reply->status, 400);
  const Json body = reply->json();
  const Json& error = body.find("flattened_errors")->as_array().at(0);
  EXPECT_EQ(error.find("entity_name")->as_string(), "alpha-route");
  EXPECT_EQ(to_json(*error.find("errors")), R"([{"type":"field","message":"not a valid regex","field":"paths"}])");
  EXPECT_THAT(post("/config", kConfig)->text, HasSubstr(R"("routes":[{"paths":"not a valid regex"}])"));
}

TEST_F(ConfigEndpointsTest, ARowThatSaysTheSameKeepsItsDocument) {
  const auto before = *store.table("services").find(*Uuid::parse("11111111-1111-4111-8111-111111111111"));
  EXPECT_EQ(post("/config", kConfig)->status, 201);
  EXPECT_EQ(*store.table("services").find(*Uuid::parse("11111111-1111-4111-8111-111111111111")), before);
}

TEST_F(ConfigEndpointsTest, TheConfigurationCanBeReadBack) {
  const Json config = get("/config")->json();
  EXPECT_THAT(config.find("config")->as_string(), HasSubstr("alpha.test"));
  const auto again = yaml("/config", config.find("config")->as_string());
  EXPECT_EQ(again->status, 201) << again->text;
  EXPECT_EQ(services().size(), 3U);
}

TEST_F(ConfigEndpointsTest, ASecondLoadHasToWait) {
  gateway.held = true;
  FakeStream first(reactor, "POST", "/config", kConfig);
  first.request().headers.add("Content-Type", "application/json");
  Task<void> task = server.handle(first);
  task.start();
  const auto second = post("/config", kConfig);
  EXPECT_EQ(second->status, 429);
  EXPECT_EQ(second->header("Retry-After"), "1");
  gateway.held = false;
  rt::turn_until(reactor, [&] { return task.ready(); });
  EXPECT_EQ(first.status, 201);
}

TEST_F(ConfigEndpointsTest, ALoadIsFinishedAlsoWhenTheClientHasGone) {
  gateway.held = true;
  {
    FakeStream stream(reactor, "POST", "/config", kYaml);
    stream.request().headers.add("Content-Type", "application/yaml");
    Task<void> task = server.handle(stream);
    task.start();
  }
  gateway.held = false;
  rt::turn_until(reactor, [&] { return !publisher.loading(); });
  EXPECT_THAT(services(), ElementsAre("y"));
}

TEST_F(ConfigEndpointsTest, AFileThatWasValidatedElsewhereIsTakenOver) {
  sync::Delta delta = gateway.deltas.back();
  std::erase_if(delta.upserts, [](const sync::EntityRow& row) { return row.type != "consumers"; });
  delta.hash = std::string(32, 'f');
  auto loading = publisher.load(publish::ready_made(delta));
  loading.start();
  ASSERT_TRUE(loading.ready());
  EXPECT_TRUE(loading.take().has_value());
  EXPECT_TRUE(services().empty());
  EXPECT_EQ(store.hash(), std::string(32, 'f'));
  gateway.problems = {{"consumers", delta.upserts[0].id, "username", "no"}};
  auto refused = publisher.load(publish::ready_made(delta));
  refused.start();
  EXPECT_EQ(refused.take().error().declarative.all.text(),
            "consumers." + delta.upserts[0].id.to_string() + ".username: no");
}

// PATCH: single changes
// -------------------------------------------------------------------------------------------------------------------

TEST_F(ConfigEndpointsTest, ASmallChangeIsOneSmallDelta) {
  const auto reply = patch("/config", R"({"upsert":{"routes":[{"name":"r2","paths":["/r2"],"service":"beta"}]}})");
  EXPECT_EQ(reply->status, 200) << reply->text;
  const sync::Delta& delta = gateway.deltas.back();
  EXPECT_FALSE(delta.complete);
  EXPECT_EQ(delta.upserts.size(), 1U);
  EXPECT_TRUE(delta.removals.empty());
  EXPECT_EQ(delta.hash, reply->json().find("configuration_hash")->as_string());
  EXPECT_EQ(get("/services/beta/routes/r2")->status, 200);
  EXPECT_EQ(get("/routes/alpha-route")->status, 200);
}

TEST_F(ConfigEndpointsTest, AnUpsertReplacesTheEntityOfThatName) {
  const Json before = get("/services/alpha")->json();
  EXPECT_EQ(patch("/config", R"({"upsert":{"services":[{"name":"alpha","url":"http://new.test"}]}})")->status, 200);
  const Json after = get("/services/alpha")->json();
  EXPECT_EQ(after.find("id")->as_string(), before.find("id")->as_string());
  EXPECT_EQ(after.find("host")->as_string(), "new.test");
  EXPECT_TRUE(after.find("tags")->is_null());
}

TEST_F(ConfigEndpointsTest, APluginWithoutANameIsFoundByItsPlace) {
  const std::string change =
      R"({"upsert":{"plugins":[{"name":"key-auth","service":"beta","config":{"hide_credentials":)";
  EXPECT_EQ(patch("/config", change + "false}}]}}")->status, 200);
  EXPECT_EQ(patch("/config", change + "true}}]}}")->status, 200);
  const Json plugins = get("/services/beta/plugins")->json();
  ASSERT_EQ(plugins.find("data")->as_array().size(), 1U);
  EXPECT_TRUE(plugins.find("data")->as_array()[0].find("config")->find("hide_credentials")->as_bool());
}

TEST_F(ConfigEndpointsTest, ADeletionTakesWhatDependsOnIt) {
  EXPECT_EQ(patch("/config", R"({"delete":{"routes":["alpha-route"],"consumers":["ann","ghost"]}})")->status, 200);
  EXPECT_EQ(get("/routes/alpha-route")->status, 404);
  EXPECT_EQ(get("/plugins/door")->status, 404);
  EXPECT_EQ(get("/key-auths/k1")->status, 404);
  EXPECT_TRUE(get("/consumer_groups/gold")->json().find("consumers")->as_array().empty());
}

TEST_F(ConfigEndpointsTest, ADeletionThatLeavesAReferenceIsRefused) {
  const auto reply = patch("/config", R"({"delete":{"services":["alpha"]}})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_THAT(reply->text, HasSubstr("an existing 'routes' entity references this 'services' entity"));
  EXPECT_EQ(get("/services/alpha")->status, 200);
  EXPECT_EQ(patch("/config", R"({"delete":{"services":["alpha"],"routes":["alpha-route"]}})")->status, 200);
}

TEST_F(ConfigEndpointsTest, ASmallChangeIsValidatedLikeAFile) {
  const auto reply = patch("/config", R"({"upsert":{"routes":[{"name":"ok","paths":["/"]},
      {"name":"bad","paths":["x"],"service":"ghost"}]}})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(reply->json().find("code")->as_int(), 14);
  EXPECT_THAT(reply->text, HasSubstr("invalid reference 'service: ghost' (no such entry in 'services')"));
  EXPECT_THAT(reply->text, HasSubstr(R"("upsert":{"routes":[null,{)"));
  EXPECT_EQ(get("/routes/ok")->status, 404);
  EXPECT_THAT(patch("/config", R"({"upsert":{"services":[{"name":"n","host":"h","id":)"
                               R"("11111111-1111-4111-8111-111111111111"},{"name":"n","host":"h"}]}})")
                  ->text,
              HasSubstr("uniqueness violation"));
  EXPECT_THAT(patch("/config", R"({"upsert":{"services":[{"id":"1","host":"h"}]}})")->text,
              HasSubstr("expected a valid UUID"));
  EXPECT_THAT(patch("/config", R"({"upsert":{"rotes":[]}})")->text, HasSubstr("unknown field"));
  EXPECT_THAT(patch("/config", R"({"delete":{"routes":[1]}})")->text, HasSubstr("expected a string"));
}

TEST_F(ConfigEndpointsTest, AReaderSeesNoSecretInTheWhole) {
  settings.admin_auth = settings::AdminAuth::Token;
  const auto reader = iam::make_token("eyes", iam::Role::Reader);
  tokens.set({reader.token});
  const auto reply = send("GET", "/config", {}, {{"Kong-Admin-Token", reader.text}});
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->text, testing::Not(HasSubstr("k1")));
  EXPECT_THAT(reply->text, HasSubstr("***"));
}

TEST_F(ConfigEndpointsTest, WhatTheGatewayFindsInASmallChangeStandsAtTheEntity) {
  gateway.problems = {{"routes", *Uuid::parse("33333333-3333-4333-8333-333333333333"), "paths", "not a valid regex"}};
  const auto reply = patch("/config", R"({"upsert":{"routes":[
      {"id":"33333333-3333-4333-8333-333333333333","paths":["~/("]}]}})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_THAT(reply->text, HasSubstr(R"({"upsert":{"routes":[{"paths":"not a valid regex"}]}})"));
}

}  // namespace
}  // namespace sluice::control::admin
