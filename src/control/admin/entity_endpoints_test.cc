// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class EntityEndpointsTest : public AdminTest {
 protected:
  std::string text(std::string_view target, std::string_view member) {
    const Json reply = get(target)->json();
    const Json* value = reply.find(member);
    return value != nullptr && value->is_string() ? value->as_string() : "?";
  }
  std::string message(std::string_view target) { return text(target, "message"); }
};

TEST_F(EntityEndpointsTest, AnEntityIsFoundByIdAndByNameWithEveryField) {
  const auto by_name = get("/services/alpha");
  EXPECT_EQ(by_name->status, 200);
  const Json service = by_name->json();
  EXPECT_EQ(service.find("port")->as_int(), 8080);
  EXPECT_TRUE(service.find("client_certificate")->is_null());
  EXPECT_EQ(service.find("ws_id"), nullptr);
  EXPECT_EQ(get("/services/11111111-1111-4111-8111-111111111111")->text, by_name->text);
  EXPECT_EQ(get("/services/ghost")->text, R"({"message":"Not found"})");
  EXPECT_EQ(get("/services/99999999-9999-4999-8999-999999999999")->status, 404);
}

TEST_F(EntityEndpointsTest, ATrailingSlashAndTheDefaultWorkspaceChangeNothing) {
  EXPECT_EQ(get("/services/")->status, 200);
  EXPECT_EQ(text("/default/services/alpha", "name"), "alpha");
  EXPECT_EQ(text("/default/kong", "tagline"), "Welcome to kong");
  EXPECT_EQ(get("/ws-b/services/alpha")->status, 404);
}

TEST_F(EntityEndpointsTest, NestedCollectionsShowWhatBelongsToTheParent) {
  EXPECT_THAT(column(get("/services/alpha/routes")->json(), "name"), ElementsAre("alpha-route"));
  EXPECT_TRUE(get("/services/beta/routes")->json().find("data")->as_array().empty());
  EXPECT_EQ(get("/services/ghost/routes")->status, 404);
  EXPECT_EQ(text("/services/alpha/routes/alpha-route", "name"), "alpha-route");
  EXPECT_EQ(get("/services/beta/routes/alpha-route")->status, 404);
  EXPECT_EQ(text("/routes/alpha-route/service", "name"), "alpha");
  EXPECT_EQ(get("/plugins/door/consumer")->status, 404);
}

TEST_F(EntityEndpointsTest, CredentialsHaveUrlsOfTheirOwn) {
  EXPECT_THAT(column(get("/consumers/ann/key-auth")->json(), "key"), ElementsAre("k1"));
  EXPECT_EQ(text("/key-auths/k1", "key"), "k1");
  EXPECT_EQ(text("/consumers/ann/acls/g", "group"), "g");
  EXPECT_EQ(get("/consumers/bob/acls/g")->status, 404);
  EXPECT_THAT(column(get("/consumers?custom_id=c-1")->json(), "username"), ElementsAre("ann"));
}

TEST_F(EntityEndpointsTest, PagesFollowEachOtherById) {
  const Json first = get("/services?size=2")->json();
  EXPECT_EQ(first.find("data")->as_array().size(), 2U);
  EXPECT_THAT(first.find("next")->as_string(), HasSubstr("&size=2"));
  const Json second = get(first.find("next")->as_string())->json();
  EXPECT_EQ(second.find("data")->as_array().size(), 1U);
  EXPECT_TRUE(second.find("next")->is_null());
  EXPECT_EQ(second.find("offset"), nullptr);
}

TEST_F(EntityEndpointsTest, ListsRefuseBadArguments) {
  EXPECT_EQ(get("/services?size=1000")->status, 200);
  EXPECT_EQ(message("/services?size=1001"), "size must be an integer between 1 and 1000");
  EXPECT_EQ(message("/services?size=many"), "size must be a number");
  EXPECT_EQ(get("/services?size=0")->json().find("code")->as_int(), 9);
  EXPECT_EQ(message("/services?offset=%25%25"), "'%%' is not a valid offset: bad base64 encoding");
  EXPECT_EQ(get("/services?offset=AAAA")->json().find("code")->as_int(), 7);
  EXPECT_EQ(message("/services?tags=a,b/c"), "invalid option (tags: invalid filter syntax)");
  EXPECT_EQ(message("/services?tags=a,b,c,d,e,f"), "invalid option (tags: cannot query more than 5 tags)");
}

TEST_F(EntityEndpointsTest, TagsFilterListsAndAreListed) {
  EXPECT_THAT(column(get("/services?tags=t2")->json(), "name"), UnorderedElementsAre("alpha", "beta"));
  EXPECT_THAT(column(get("/services?tags=t1,t2")->json(), "name"), ElementsAre("alpha"));
  EXPECT_THAT(column(get("/services?tags=t1/t2")->json(), "name"), UnorderedElementsAre("alpha", "beta"));
  EXPECT_THAT(column(get("/tags/t1")->json(), "entity_name"), ElementsAre("routes", "services"));
  EXPECT_EQ(get("/tags")->json().find("data")->as_array().size(), 4U);
}

TEST_F(EntityEndpointsTest, AGroupIsShownWithItsMembers) {
  const Json group = get("/consumer_groups/gold")->json();
  EXPECT_EQ(group.find("consumer_group")->find("name")->as_string(), "gold");
  EXPECT_EQ(group.find("consumers")->as_array().size(), 1U);
  EXPECT_TRUE(group.find("plugins")->as_array().empty());
  EXPECT_EQ(get("/consumer_groups/gold?list_consumers=false")->json().find("consumers"), nullptr);
  EXPECT_THAT(column(get("/consumer_groups/gold/consumers")->json(), "username"), ElementsAre("ann"));
  EXPECT_THAT(column(get("/consumers/ann/consumer_groups")->json(), "name"), ElementsAre("gold"));
  EXPECT_EQ(text("/consumer_groups/gold/consumers/ann", "username"), "ann");
  EXPECT_EQ(get("/consumer_groups/gold/consumers/bob")->status, 404);
}

TEST_F(EntityEndpointsTest, TargetsStandBelowTheirUpstreamWithTheirHealth) {
  gateway.health = entity::parse(R"({"127.0.0.1:9002":{"health":"UNHEALTHY",
      "addresses":[{"ip":"127.0.0.1","port":9002,"weight":50,"health":"UNHEALTHY"}]}})");
  EXPECT_EQ(get("/targets")->status, 404);
  EXPECT_THAT(column(get("/upstreams/pool/targets")->json(), "target"),
              UnorderedElementsAre("127.0.0.1:9001", "127.0.0.1:9002"));
  EXPECT_EQ(text("/upstreams/pool/targets/127.0.0.1:9002", "target"), "127.0.0.1:9002");
  const Json health = get("/upstreams/pool/health")->json();
  EXPECT_THAT(column(health, "health"), UnorderedElementsAre("DNS_ERROR", "UNHEALTHY"));
  EXPECT_EQ(health.find("node_id")->as_string(), "99999999-9999-4999-8999-999999999999");
  const Json whole = get("/upstreams/pool/health?balancer_health=1")->json();
  EXPECT_EQ(whole.find("data")->find("balancer_health")->as_string(), "UNHEALTHY");
}

TEST_F(EntityEndpointsTest, WritesAreRefusedInKongsWords) {
  const auto created = post("/services", R"({"name":"new","url":"http://x.test"})");
  EXPECT_EQ(created->status, 405);
  EXPECT_EQ(created->text, R"({"code":12,"name":"operation unsupported",)"
                           R"("message":"cannot create 'services' entities when not using a database"})");
  EXPECT_THAT(patch("/services/alpha", R"({"port":1})")->text, HasSubstr("cannot update 'services' entities"));
  EXPECT_THAT(
      send("PUT", "/services/alpha", R"({"url":"http://x.test"})", {{"Content-Type", "application/json"}})->text,
      HasSubstr("cannot create or update 'services' entities"));
  EXPECT_THAT(send("DELETE", "/services/alpha")->text, HasSubstr("cannot remove 'services' entities"));
  EXPECT_EQ(post("/services/ghost/routes", R"({"paths":["/"]})")->status, 404);
}

TEST_F(EntityEndpointsTest, WritesThatWouldBeInvalidAreToldSo) {
  EXPECT_EQ(post("/services", R"({"url":"http://x.test","nope":1})")->text,
            R"x({"code":2,"name":"schema violation","message":"schema violation (nope: unknown field)",)x"
            R"x("fields":{"nope":"unknown field"}})x");
  EXPECT_EQ(patch("/services/alpha", R"({"port":99999})")->status, 400);
  EXPECT_EQ(post("/services", "[[[")->text, R"({"message":"Cannot parse JSON body"})");
  EXPECT_EQ(send("POST", "/services", "x", {{"Content-Type", "text/plain"}})->status, 415);
  EXPECT_EQ(send("POST", "/services", "x")->status, 415);
  EXPECT_EQ(send("POST", "/services", "{}", {{"Content-Type", "application/json"}, {"Content-Type", "text/a"}})->status,
            400);
}

TEST_F(EntityEndpointsTest, FormsAreReadAsTheSchemaWants) {
  const auto form = [&](std::string_view body) {
    return send("POST", "/schemas/routes/validate", body, {{"Content-Type", "application/x-www-form-urlencoded"}});
  };
  EXPECT_EQ(form("name=r&paths=/x&regex_priority=5&strip_path=false&methods[]=GET&methods[]=PUT")->status, 200);
  EXPECT_EQ(form("paths=/x&service.id=11111111-1111-4111-8111-111111111111&headers.x-a=1")->status, 200);
  EXPECT_THAT(form("paths=/x&regex_priority=much")->text, HasSubstr("expected an integer"));
  EXPECT_EQ(send("POST", "/schemas/services/validate",
                 "--b\r\nContent-Disposition: form-data; name=\"host\"\r\n\r\nx.test\r\n--b\r\n"
                 "Content-Disposition: form-data; name=\"port\"\r\n\r\n81\r\n--b--\r\n",
                 {{"Content-Type", "multipart/form-data; boundary=b"}})
                ->status,
            200);
}

TEST_F(EntityEndpointsTest, SchemasAndValidation) {
  EXPECT_THAT(get("/schemas/services")->text, HasSubstr(R"("default":60000)"));
  EXPECT_THAT(get("/schemas/tags")->text, HasSubstr(R"("entity_name":)"));
  EXPECT_THAT(get("/schemas/plugins/key-auth")->text, HasSubstr(R"("default":["apikey"])"));
  EXPECT_THAT(get("/plugins/schema/key-auth")->text, HasSubstr("key_names"));
  EXPECT_THAT(get("/schemas/vaults/env")->text, HasSubstr("config"));
  EXPECT_EQ(message("/schemas/plugins/ghost"), "No plugin named 'ghost'");
  EXPECT_EQ(message("/schemas/ghosts"), "No entity named 'ghosts'");
  EXPECT_EQ(post("/schemas/services/validate", R"({"name":"s","host":"x.test"})")->text,
            R"({"message":"schema validation successful"})");
  EXPECT_THAT(post("/schemas/services/validate", R"({"name":"s","port":99999})")->text,
              HasSubstr("2 schema violations (host: required field missing; port: value should be between"));
  EXPECT_THAT(post("/schemas/plugins/validate", R"({"name":"ghost"})")->text, HasSubstr("plugin 'ghost' not enabled"));
}

}  // namespace
}  // namespace sluice::control::admin
