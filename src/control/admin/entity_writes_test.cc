// SPDX-License-Identifier: Apache-2.0
#include "control/admin/entity_writes.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr std::string_view kAlpha = "11111111-1111-4111-8111-111111111111";

class EntityWritesTest : public AdminTest {
 protected:
  EntityWritesTest() : AdminTest(Storage::Sqlite) {}

  static std::string text(const Exchange& reply, std::string_view member) {
    const Json json = reply->json();
    const Json* value = json.find(member);
    return value == nullptr ? "absent" : value->is_string() ? value->as_string() : to_json(*value);
  }
};

// POST
// -------------------------------------------------------------------------------------------------------------------

TEST_F(EntityWritesTest, ACreatedEntityIsWholeLiveAndFound) {
  const auto reply = post("/services", R"({"name":"new","url":"http://x.test/y"})");
  EXPECT_EQ(reply->status, 201) << reply->text;
  const Json service = reply->json();
  EXPECT_EQ(service.find("port")->as_int(), 80);
  EXPECT_EQ(service.find("path")->as_string(), "/y");
  EXPECT_TRUE(service.find("tags")->is_null());
  EXPECT_GT(service.find("created_at")->as_int(), 1'700'000'000);
  EXPECT_EQ(get("/services/new")->text, reply->text);
  ASSERT_EQ(gateway.deltas.back().upserts.size(), 1U);
  EXPECT_EQ(gateway.deltas.back().upserts[0].id.to_string(), service.find("id")->as_string());
}

TEST_F(EntityWritesTest, WhatIsInvalidIsToldInKongsWords) {
  EXPECT_EQ(post("/services", R"({"url":"http://x.test","nope":1})")->status, 400);
  EXPECT_EQ(post("/services", R"({"name":"n"})")->text,
            R"x({"code":2,"name":"schema violation","message":"schema violation (host: required field missing)",)x"
            R"x("fields":{"host":"required field missing"}})x");
}

TEST_F(EntityWritesTest, AnotherOneOfThatNameIsAConflict) {
  const auto reply = post("/services", R"({"name":"alpha","url":"http://x.test"})");
  EXPECT_EQ(reply->status, 409);
  EXPECT_EQ(reply->text, R"x({"code":5,"name":"unique constraint violation",)x"
                         R"x("message":"UNIQUE violation detected on '{name=\"alpha\"}'","fields":{"name":"alpha"}})x");
  EXPECT_EQ(get("/services")->json().find("data")->as_array().size(), 3U);
}

TEST_F(EntityWritesTest, APluginStandsOnceInAPlace) {
  const auto reply = post("/routes/alpha-route/plugins", R"({"name":"key-auth"})");
  EXPECT_EQ(reply->status, 409);
  EXPECT_THAT(text(reply, "message"),
              HasSubstr(R"(name="key-auth",route={id="22222222-2222-4222-8222-222222222222"})"));
  EXPECT_THAT(reply->text, HasSubstr(R"("service":null)"));
  EXPECT_EQ(post("/services/beta/plugins", R"({"name":"key-auth"})")->status, 201);
}

TEST_F(EntityWritesTest, AnIdIsTakenOnce) {
  const auto reply =
      post("/services", R"({"id":"11111111-1111-4111-8111-111111111111","name":"x","url":"http://x.test"})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(text(reply, "message"), "primary key violation on key '{id=\"11111111-1111-4111-8111-111111111111\"}'");
  EXPECT_EQ(text(reply, "code"), "3");
}

TEST_F(EntityWritesTest, ReferencesMustLeadSomewhere) {
  const auto by_id = post("/routes", R"({"paths":["/"],"service":{"id":"99999999-9999-4999-8999-999999999999"}})");
  EXPECT_EQ(by_id->status, 400);
  EXPECT_EQ(text(by_id, "message"),
            "the foreign key '{id=\"99999999-9999-4999-8999-999999999999\"}' does not "
            "reference an existing 'services' entity.");
  EXPECT_EQ(text(by_id, "fields"), R"({"service":{"id":"99999999-9999-4999-8999-999999999999"}})");
  EXPECT_EQ(text(post("/routes", R"({"paths":["/"],"service":{"name":"ghost"}})"), "code"), "13");
  EXPECT_EQ(text(post("/routes", R"({"paths":["/"],"service":{"id":"beta"}})"), "message"),
            "schema violation (service.id: expected a valid UUID)");
  EXPECT_EQ(post("/routes", R"({"paths":["/"],"service":{"name":"beta"}})")->status, 201);
  EXPECT_EQ(get("/services/beta/routes")->json().find("data")->as_array().size(), 1U);
}

TEST_F(EntityWritesTest, ANestedEntityBelongsToTheOneInThePath) {
  const auto reply = post("/services/alpha/routes", R"({"name":"r2","paths":["/r2"]})");
  EXPECT_EQ(reply->status, 201);
  EXPECT_EQ(text(reply, "service"), "{\"id\":\"" + std::string(kAlpha) + "\"}");
  EXPECT_EQ(post("/services/ghost/routes", R"({"paths":["/"]})")->status, 404);
}

TEST_F(EntityWritesTest, CredentialsAreMadeUpAndHashed) {
  const auto key = post("/consumers/ann/key-auth", "{}");
  EXPECT_EQ(key->status, 201);
  EXPECT_EQ(text(key, "key").size(), 32U);
  const auto basic = post("/consumers/ann/basic-auth", R"({"username":"ann","password":"secret"})");
  EXPECT_EQ(basic->status, 201);
  EXPECT_EQ(text(basic, "password").size(), 40U);
  const auto again = patch("/consumers/ann/basic-auth/ann", R"({"tags":["t"]})");
  EXPECT_EQ(text(again, "password"), text(basic, "password"));
  EXPECT_NE(text(patch("/basic-auths/ann", R"({"password":"other"})"), "password"), text(basic, "password"));
}

TEST_F(EntityWritesTest, FormsAndMultipartBodiesAreBodiesToo) {
  const auto form = send("POST", "/services", "name=f&url=http%3A%2F%2Ff.test&tags[]=a&tags[]=b&retries=3",
                         {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(form->status, 201) << form->text;
  EXPECT_EQ(text(form, "tags"), R"(["a","b"])");
  EXPECT_EQ(text(form, "retries"), "3");
  const auto parts =
      send("POST", "/consumers", "--b\r\nContent-Disposition: form-data; name=\"username\"\r\n\r\nzed\r\n--b--\r\n",
           {{"Content-Type", "multipart/form-data; boundary=b"}});
  EXPECT_EQ(parts->status, 201) << parts->text;
}

// PUT and PATCH
// -------------------------------------------------------------------------------------------------------------------

TEST_F(EntityWritesTest, APutReplacesAllOfAnEntity) {
  const auto reply = put("/services/alpha", R"({"url":"http://new.test"})");
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_EQ(text(reply, "id"), kAlpha);
  EXPECT_EQ(text(reply, "port"), "80");
  EXPECT_EQ(text(reply, "path"), "null");
  EXPECT_EQ(text(reply, "tags"), "null");
}

TEST_F(EntityWritesTest, APutMakesWhatIsNotThere) {
  EXPECT_EQ(text(put("/services/fresh", R"({"url":"http://f.test"})"), "name"), "fresh");
  const auto by_id = put("/services/33333333-3333-4333-8333-333333333333", R"({"name":"third","url":"http://f.test"})");
  EXPECT_EQ(by_id->status, 200);
  EXPECT_EQ(text(get("/services/third"), "id"), "33333333-3333-4333-8333-333333333333");
  EXPECT_EQ(put("/upstreams/pool/targets/127.0.0.1:9999", "{}")->status, 404) << "targets are the exception";
}

TEST_F(EntityWritesTest, ACertificatesNamesMustBeAListAndNoOtherWriteWaitsForIt) {
  const auto reply = put("/certificates/new.example", R"({"snis":"x","cert":"c","key":"k"})");
  EXPECT_EQ(reply->status, 400) << reply->text;
  EXPECT_EQ(put("/services/alpha", R"({"url":"http://new.test"})")->status, 200);
}

TEST_F(EntityWritesTest, APutByANewNameTakesNoOtherEntitysPlace) {
  const auto reply = put("/services/fresh", "{\"id\":\"" + std::string(kAlpha) + R"(","url":"http://f.test"})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(text(reply, "code"), "3");
  EXPECT_EQ(text(get("/services/" + std::string(kAlpha)), "name"), "alpha");
}

TEST_F(EntityWritesTest, AFormChangesAPluginByTheSchemaOfTheStoredOne) {
  EXPECT_EQ(post("/plugins", R"({"name":"rate-limiting","instance_name":"limit","config":{"minute":5}})")->status, 201);
  const auto reply =
      send("PATCH", "/plugins/limit", "config.minute=10", {{"Content-Type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(reply->status, 200) << reply->text;
  EXPECT_EQ(reply->json().find("config")->find("minute")->number(), 10);
}

TEST_F(EntityWritesTest, APatchMergesRecordsAndReplacesLists) {
  const auto reply = patch("/upstreams/pool", R"({"healthchecks":{"active":{"timeout":7}},"tags":["a"]})");
  EXPECT_EQ(reply->status, 200) << reply->text;
  const Json pool = reply->json();
  EXPECT_EQ(pool.find("healthchecks")->find("active")->find("timeout")->as_int(), 7);
  EXPECT_EQ(pool.find("healthchecks")->find("active")->find("http_path")->as_string(), "/");
  EXPECT_EQ(text(patch("/upstreams/pool", R"({"tags":null})"), "tags"), "null");
  EXPECT_EQ(patch("/upstreams/ghost", R"({"tags":null})")->text, R"({"message":"Not found"})");
  EXPECT_EQ(patch("/plugins/door", R"({"config":{"hide_credentials":true}})")->status, 200);
}

TEST_F(EntityWritesTest, TheEntityBehindAReferenceCanBeWrittenThroughIt) {
  EXPECT_EQ(text(patch("/routes/alpha-route/service", R"({"retries":9})"), "retries"), "9");
  EXPECT_EQ(text(put("/routes/alpha-route/service", R"({"url":"http://n.test","name":"alpha"})"), "id"), kAlpha);
  EXPECT_EQ(post("/routes", R"({"name":"alone","paths":["/alone"]})")->status, 201);
  EXPECT_EQ(patch("/routes/alone/service", R"({"retries":9})")->status, 404);
  EXPECT_EQ(put("/routes/alone/service", R"({"url":"http://n.test","name":"linked"})")->status, 200);
  EXPECT_EQ(text(get("/routes/alone/service"), "name"), "linked");
  EXPECT_EQ(remove("/routes/alone/service")->status, 405);
}

// DELETE
// -------------------------------------------------------------------------------------------------------------------

TEST_F(EntityWritesTest, DeletingIsQuietAboutWhatIsNotThere) {
  EXPECT_EQ(remove("/services/gamma")->status, 204);
  EXPECT_EQ(remove("/services/gamma")->status, 204);
  EXPECT_EQ(get("/services/gamma")->status, 404);
}

TEST_F(EntityWritesTest, WhatIsReferredToStays) {
  const auto reply = remove("/services/alpha");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(reply->text, R"({"code":4,"name":"foreign key violation","message":)"
                         R"("an existing 'routes' entity references this 'services' entity",)"
                         R"("fields":{"@referenced_by":"routes"}})");
  EXPECT_EQ(get("/services/alpha")->status, 200);
  EXPECT_EQ(remove("/routes/alpha-route")->status, 204);
  EXPECT_EQ(get("/plugins/door")->status, 404) << "what hangs on a route goes with it";
  EXPECT_EQ(remove("/services/alpha")->status, 204);
}

TEST_F(EntityWritesTest, WhatTheGatewayCannotServeIsRefusedAndNotKept) {
  gateway.problems = {{"routes", *Uuid::parse("33333333-3333-4333-8333-333333333333"), "paths", "not a valid regex"}};
  const auto reply = post("/routes", R"({"id":"33333333-3333-4333-8333-333333333333","paths":["~/("]})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(text(reply, "fields"), R"({"paths":"not a valid regex"})");
  EXPECT_EQ(get("/routes/33333333-3333-4333-8333-333333333333")->status, 404);
}

// Preconditions
// -------------------------------------------------------------------------------------------------------------------

TEST_F(EntityWritesTest, AWriteMayBeBoundToWhatTheClientSaw) {
  const std::string seen = get("/services/beta")->header("ETag");
  const auto write = [&](std::string_view method, std::string_view target, std::string_view tag) {
    return send(method, target, R"({"retries":1})",
                {{"Content-Type", "application/json"}, {"If-Match", std::string(tag)}});
  };
  EXPECT_EQ(write("PATCH", "/services/beta", seen)->status, 200);
  EXPECT_EQ(write("PATCH", "/services/beta", seen)->status, 412);
  EXPECT_EQ(write("DELETE", "/services/beta", seen)->status, 412);
  EXPECT_EQ(write("PATCH", "/services/beta", "*")->status, 200);
  EXPECT_EQ(send("DELETE", "/services/beta", {}, {{"If-Match", get("/services/beta")->header("ETag")}})->status, 204);
}

TEST_F(EntityWritesTest, APutMayBeBoundToMakingSomethingNew) {
  const auto write = [&] {
    return send("PUT", "/services/once", R"({"url":"http://o.test"})",
                {{"Content-Type", "application/json"}, {"If-None-Match", "*"}});
  };
  EXPECT_EQ(write()->status, 200);
  EXPECT_EQ(write()->status, 412);
}

TEST_F(EntityWritesTest, SoMayAWriteThroughAReference) {
  const auto write = [&](std::string_view method, std::string_view field, std::string_view value) {
    return send(method, "/routes/alpha-route/service", R"({"host":"h.test"})",
                {{"Content-Type", "application/json"}, {std::string(field), std::string(value)}})
        ->status;
  };
  EXPECT_EQ(write("PATCH", "If-Match", "\"older\""), 412);
  EXPECT_EQ(write("PUT", "If-Match", "\"older\""), 412);
  EXPECT_EQ(write("PUT", "If-None-Match", "*"), 412);
  EXPECT_EQ(write("PATCH", "If-Match", get("/routes/alpha-route/service")->header("ETag")), 200);
}

TEST_F(EntityWritesTest, SoMayAMembership) {
  const std::string list = "/consumer_groups/gold/consumers";
  const std::string seen = get(list)->header("ETag");
  const auto send_if = [&](std::string_view method, const std::string& target, const std::string& tag,
                           std::string_view body) {
    return send(method, target, body, {{"Content-Type", "application/json"}, {"If-Match", tag}})->status;
  };
  EXPECT_EQ(send_if("POST", list, seen, R"({"consumer":"bob"})"), 201);
  EXPECT_EQ(send_if("POST", list, seen, R"({"consumer":"bob"})"), 412);
  EXPECT_EQ(send_if("DELETE", list + "/bob", seen, {}), 412);
  EXPECT_EQ(send_if("DELETE", list + "/bob", get(list + "/bob")->header("ETag"), {}), 204);
  EXPECT_EQ(send_if("DELETE", list, seen, {}), 412);
  EXPECT_EQ(send_if("DELETE", list, get(list)->header("ETag"), {}), 204);
}

TEST_F(EntityWritesTest, AReadMayBeSparedAndAListGuarded) {
  const std::string seen = get("/services/beta")->header("ETag");
  EXPECT_EQ(send("GET", "/services/beta", {}, {{"If-None-Match", seen}})->status, 304);
  const std::string list = get("/services")->header("ETag");
  const auto create = [&](std::string_view name) {
    return send("POST", "/services", "{\"host\":\"h\",\"name\":\"" + std::string(name) + "\"}",
                {{"Content-Type", "application/json"}, {"If-Match", list}});
  };
  EXPECT_EQ(create("one")->status, 201);
  EXPECT_EQ(create("two")->status, 412);
}

// What is special about some types
// -------------------------------------------------------------------------------------------------------------------

TEST_F(EntityWritesTest, TargetsAreFoundByTheirAddressAndUnique) {
  EXPECT_EQ(text(post("/upstreams/pool/targets", R"({"target":"10.0.0.1"})"), "target"), "10.0.0.1:8000");
  EXPECT_EQ(post("/upstreams/pool/targets", R"({"target":"10.0.0.1:8000"})")->status, 409);
  EXPECT_EQ(text(patch("/upstreams/pool/targets/10.0.0.1:8000", R"({"weight":7})"), "weight"), "7");
  EXPECT_EQ(remove("/upstreams/pool/targets/10.0.0.1:8000")->status, 204);
  EXPECT_EQ(get("/upstreams/pool/targets")->json().find("data")->as_array().size(), 2U);
}

TEST_F(EntityWritesTest, MembershipsComeAndGoFromBothSides) {
  const auto joined = post("/consumer_groups/gold/consumers", R"({"consumer":"bob"})");
  EXPECT_EQ(joined->status, 201) << joined->text;
  EXPECT_THAT(column(Json(Json::Object{{"data", *joined->json().find("consumers")}}), "username"), ElementsAre("bob"));
  EXPECT_EQ(post("/consumer_groups/gold/consumers", R"({"consumer":"bob"})")->status, 409);
  EXPECT_EQ(post("/consumer_groups/gold/consumers", R"({"consumer":"ghost"})")->status, 404);
  EXPECT_EQ(post("/consumer_groups", R"({"name":"silver"})")->status, 201);
  EXPECT_EQ(post("/consumers/bob/consumer_groups", R"({"group":"silver"})")->status, 201);
  EXPECT_THAT(column(get("/consumers/bob/consumer_groups")->json(), "name"), UnorderedElementsAre("gold", "silver"));
  EXPECT_EQ(remove("/consumer_groups/gold/consumers/bob")->status, 204);
  EXPECT_EQ(remove("/consumer_groups/gold/consumers/bob")->status, 404);
  EXPECT_EQ(remove("/consumers/bob/consumer_groups")->status, 204);
  EXPECT_THAT(column(get("/consumer_groups/gold/consumers")->json(), "username"), ElementsAre("ann"));
}

TEST_F(EntityWritesTest, WhatTheSameCommitRemovesAgainIsNotShownAsAMember) {
  const auto members = [this](std::string_view earlier, std::string_view removed, std::string_view group) {
    gateway.held = true;
    // The first is carried out alone; those that come meanwhile are taken together.
    FakeStream first(reactor, "DELETE", earlier, {});
    FakeStream joins(reactor, "POST", "/consumer_groups/" + std::string(group) + "/consumers", R"({"consumer":"bob"})");
    joins.request().headers.add("Content-Type", "application/json");
    FakeStream removes(reactor, "DELETE", removed, {});
    std::vector<rt::Task<void>> tasks;
    for (FakeStream* stream : {&first, &joins, &removes}) tasks.push_back(server.handle(*stream));
    for (auto& task : tasks) task.start();
    gateway.held = false;
    rt::turn_until(reactor, [&] { return std::ranges::all_of(tasks, [](const auto& task) { return task.ready(); }); });
    EXPECT_EQ(removes.status, 204) << removes.text;
    return std::pair(joins.status, joins.text);
  };
  EXPECT_EQ(post("/consumer_groups", R"({"name":"silver"})")->status, 201);
  EXPECT_EQ(members("/services/gamma", "/consumer_groups/silver", "silver").first, 404);
  const auto [status, text] = members("/services/beta", "/consumers/bob", "gold");
  EXPECT_EQ(status, 201);
  EXPECT_THAT(text, HasSubstr(R"("consumers":[])"));
}

TEST_F(EntityWritesTest, APluginMustFitTheProtocolsOfItsRoute) {
  const auto reply = post("/routes/alpha-route/plugins", R"({"name":"http-log","protocols":["grpc"],
      "config":{"http_endpoint":"http://l.test"}})");
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(text(reply, "fields"), R"({"protocols":"must match the associated route's protocols"})");
}

TEST_F(EntityWritesTest, LicensesAreKeptAndAskedForByNobody) {
  const auto made = post("/licenses", R"({"payload":"text"})");
  EXPECT_EQ(made->status, 201);
  EXPECT_EQ(text(get("/licenses/" + text(made, "id")), "payload"), "text");
}

TEST_F(EntityWritesTest, TheConfigurationAsAWholeBelongsToNodesWithoutADatabase) {
  EXPECT_EQ(get("/config")->status, 400);
  EXPECT_EQ(post("/config", "{}")->status, 400);
  EXPECT_THAT(get("/")->text, HasSubstr(R"("database":"postgres")"));
  EXPECT_THAT(get("/")->text, HasSubstr(R"("store":"sqlite")"));
  EXPECT_THAT(get("/status")->text, HasSubstr(R"("database":{"reachable":true,"version":")"));
}

}  // namespace
}  // namespace sluice::control::admin
