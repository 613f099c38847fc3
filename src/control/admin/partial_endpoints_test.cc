// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PartialsTest : public AdminTest {
 protected:
  PartialsTest() : AdminTest(Storage::Sqlite) {}

  std::string make(std::string_view partial) {
    const auto reply = post("/partials", partial);
    EXPECT_EQ(reply->status, 201) << reply->text;
    return reply->json().find("id")->as_string();
  }
};

TEST_F(PartialsTest, APartialIsAnEntityLikeAnyOther) {
  const std::string id = make(R"({"name":"r","type":"redis-ce","config":{"host":"h"}})");
  EXPECT_EQ(get("/partials/r")->json().find("config")->find("port")->as_int(), 6379);
  EXPECT_EQ(patch("/partials/r", R"({"config":{"port":7000}})")->json().find("config")->find("host")->as_string(), "h");
  EXPECT_EQ(put("/partials/" + id, R"({"name":"r2","type":"redis-ce"})")->status, 200);
  EXPECT_EQ(remove("/partials/r2")->status, 204);
  EXPECT_EQ(get("/partials/r2")->status, 404);
}

TEST_F(PartialsTest, APluginThatTakesNoneIsTold) {
  make(R"({"name":"r","type":"redis-ce"})");
  const auto reply = post("/plugins", R"({"name":"key-auth","partials":[{"name":"r","path":"config.redis"}]})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_THAT(reply->text, HasSubstr("no place for a partial of type 'redis-ce'; this plugin takes: none"));
}

TEST_F(PartialsTest, ALinkToNothingIsAForeignKeyViolation) {
  const auto by_id =
      post("/plugins", R"({"name":"key-auth","partials":[{"id":"99999999-9999-4999-8999-999999999999"}]})");
  EXPECT_EQ(by_id->json().find("code")->as_int(), 4);
  EXPECT_THAT(by_id->text, HasSubstr("does not reference an existing 'partials' entity."));
  const auto by_name = post("/plugins", R"({"name":"key-auth","partials":[{"name":"nobody"}]})");
  EXPECT_EQ(by_name->json().find("code")->as_int(), 13);
}

TEST_F(PartialsTest, ValidationKnowsPartialsByNameAndPlacesWithoutThem) {
  make(R"({"name":"r","type":"redis-ce"})");
  const auto by_name = post("/schemas/plugins/validate", R"({"name":"key-auth","partials":[{"name":"r"}]})");
  EXPECT_EQ(by_name->status, 400);
  EXPECT_THAT(by_name->text, HasSubstr("no place for a partial of type 'redis-ce'"));
  EXPECT_EQ(post("/schemas/plugins/validate",
                 R"({"name":"key-auth","partials":[{"id":"99999999-9999-4999-8999-999999999999","path":"config.no"}]})")
                ->status,
            400);
}

TEST_F(PartialsTest, WhatIsShownWithItsPartialsChangesWithThem) {
  const auto keep = [this](std::string_view type, const Json& document) {
    const Uuid id = *Uuid::parse(document.find("id")->as_string());
    store.put({std::string(type), id, std::make_shared<const std::string>(to_json(document))});
  };
  Json partial = entity::accepted(catalog, "partials", R"({"name":"r","type":"redis-ce","config":{"host":"h"}})");
  keep("partials", partial);
  // No plugin of these tests takes one: the row is written as if one did.
  Json plugin = entity::accepted(catalog, "plugins", R"({"name":"key-auth","instance_name":"linked"})");
  plugin.as_object().set("partials", Json::Array{Json::Object{{"id", *partial.find("id")}, {"path", "config.redis"}}});
  keep("plugins", plugin);
  const std::string seen = get("/plugins/linked?expand_partials=1")->header("ETag");
  const auto again = [&] { return send("GET", "/plugins/linked?expand_partials=1", {}, {{"If-None-Match", seen}}); };
  EXPECT_EQ(again()->status, 304);
  partial.as_object().find("config")->as_object().set("host", "other");
  keep("partials", partial);
  EXPECT_EQ(again()->status, 200);
}

TEST_F(PartialsTest, RowsFromBeforeThereWereAnyAreShownWithNone) {
  Json old = entity::accepted(catalog, "plugins", R"({"name":"key-auth","instance_name":"old"})");
  old.as_object().erase("partials");
  const Uuid id = *Uuid::parse(old.find("id")->as_string());
  store.put({"plugins", id, std::make_shared<const std::string>(to_json(old))});
  const Json shown = get("/plugins/old")->json();
  ASSERT_NE(shown.find("partials"), nullptr);
  EXPECT_TRUE(shown.find("partials")->is_null());
}

TEST_F(PartialsTest, LinksOfOneWithoutAnyAreEmpty) {
  make(R"({"name":"r","type":"redis-ce"})");
  EXPECT_EQ(get("/partials/r/links")->text, R"({"data":[],"next":null,"count":0})");
  EXPECT_EQ(get("/partials/none/links")->status, 404);
}

TEST_F(PartialsTest, SecretsAreHiddenFromThoseWhoMayNotSeeThem) {
  const schema::EntityBase& type = *catalog.find("partials");
  Json document = entity::accepted(catalog, "partials", R"({"type":"redis-ce","config":{"password":"p"}})");
  std::vector<std::string> found;
  type.visit_secrets(document, [&](const std::string& secret) { found.push_back(secret); });
  EXPECT_THAT(found, ElementsAre("p"));
}

TEST_F(PartialsTest, SchemasOfTypesAreShown) {
  const Json schema = get("/schemas/partials/redis-ce")->json();
  EXPECT_EQ(schema.find("fields")->as_array().size(), 1U);
  EXPECT_EQ(get("/schemas/partials/odd")->status, 404);
  EXPECT_EQ(post("/schemas/partials/validate", R"({"type":"redis-ee"})")->status, 200);
  EXPECT_EQ(post("/schemas/partials/validate", R"({"type":"redis-ee","config":{"port":-1}})")->status, 400);
}

}  // namespace
}  // namespace sluice::control::admin
