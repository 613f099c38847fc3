// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

class SearchTest : public PlatformTest {
 protected:
  void put(const std::string& path, const std::string& json) {
    const auto sent = send("PUT", local() + "/core-entities" + path, json);
    EXPECT_LT(sent->status, 300) << sent->text;
  }
  /// `services/a`.
  std::vector<std::string> found(const std::string& query) {
    const auto reply = get("/v1/search?q=" + query);
    EXPECT_EQ(reply->status, 200) << reply->text;
    std::vector<std::string> hits;
    for (const Json& hit : reply->json().find("data")->as_array()) {
      hits.push_back(hit.find("type")->as_string() + "/" + hit.find("name")->as_string());
    }
    return hits;
  }
};

TEST_F(SearchTest, FindsAnyEntityByWhatPeopleKnowOfIt) {
  put("/services/orders", R"({"host":"orders.internal.test","tags":["Team-Blue"]})");
  put("/routes/list", R"({"paths":["/v1/orders"],"hosts":["shop.example"],"service":{"name":"orders"}})");
  put("/consumers/ann", R"({"custom_id":"customer-7"})");
  EXPECT_THAT(found("ORDERS"), ElementsAre("services/orders", "routes/list"));
  EXPECT_THAT(found("team-blue"), ElementsAre("services/orders"));
  EXPECT_THAT(found("shop.ex"), ElementsAre("routes/list"));
  EXPECT_THAT(found("customer-7"), ElementsAre("consumers/ann"));
  EXPECT_THAT(found("default"), ElementsAre("control_planes/default"));
  const std::string id = get(local() + "/core-entities/consumers/ann")->json().find("id")->as_string();
  EXPECT_THAT(found(id.substr(0, 13)), ElementsAre("consumers/ann"));
  EXPECT_THAT(found("protocol"), ElementsAre()) << "names of members are no matches";
}

TEST_F(SearchTest, WordsAndFieldsNarrowIt) {
  put("/services/orders", R"({"host":"orders.test","tags":["a b"]})");
  put("/routes/orders-route", R"({"paths":["/x"],"service":{"name":"orders"}})");
  EXPECT_THAT(found("orders%20type:route"), ElementsAre("routes/orders-route"));
  EXPECT_THAT(found("host:orders"), ElementsAre("services/orders"));
  EXPECT_THAT(found("orders%20%2Fx"), ElementsAre("routes/orders-route"));
  EXPECT_THAT(found("%22a%20b%22"), ElementsAre("services/orders"));
  EXPECT_THAT(get("/v1/search?q=type:nothing")->text, HasSubstr("there is no type nothing"));
  EXPECT_EQ(get("/v1/search")->status, 400);
  EXPECT_EQ(get("/v1/search/types")->status, 200);
}

TEST_F(SearchTest, TheExactNameComesFirstAmongMany) {
  for (int i = 0; i < 40; ++i) put("/services/api-" + std::to_string(i), R"({"host":"h.test"})");
  put("/services/api", R"({"host":"h.test"})");
  const auto hits = found("api%20type:services");
  ASSERT_EQ(hits.size(), 20U);
  EXPECT_EQ(hits.front(), "services/api");
}

TEST_F(SearchTest, LooksIntoAllControlPlanesAndNeverAtSecrets) {
  const Uuid other = process.create("elsewhere");
  EXPECT_EQ(process.put(other, "services", R"({"name":"far","host":"far.test"})"), "");
  put("/consumers/ann", "{}");
  EXPECT_EQ(send("POST", local() + "/core-entities/consumers/ann/key-auth", R"({"key":"hidden-key"})")->status, 201);
  EXPECT_THAT(found("far"), UnorderedElementsAre("services/far"));
  EXPECT_THAT(get("/v1/search?q=far")->text, HasSubstr(other.to_string()));
  EXPECT_THAT(found("hidden-key"), ElementsAre());
  EXPECT_THAT(get("/v1/search?q=ann")->text, Not(HasSubstr("hidden-key")));
}

}  // namespace
}  // namespace sluice::control::platform
