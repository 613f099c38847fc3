// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using testing::HasSubstr;

class IngressTest : public PlatformTest {
 protected:
  [[nodiscard]] std::string base() const {
    return "/kic/api/control-planes/" + process.planes.book().local().id.to_string();
  }
};

TEST_F(IngressTest, AControllerWorksOnTheEntities) {
  EXPECT_EQ(get(base() + "/services?size=1")->status, 200);
  EXPECT_EQ(send("PUT", base() + "/services/s", R"({"host":"h.test"})")->status, 200);
  EXPECT_EQ(get(local() + "/core-entities/services/s")->json().find("host")->as_string(), "h.test");
}

TEST_F(IngressTest, AControllerReportsItsNodesAndTakesThemBack) {
  const auto made = send("POST", base() + "/v1/kic-nodes",
                         R"({"hostname":"kic","type":"ingress-controller","last_ping":1700000000,"version":"3.5.0",
                             "status":"INGRESS_CONTROLLER_STATE_OPERATIONAL"})");
  ASSERT_EQ(made->status, 201) << made->text;
  const std::string id = made->json().find("item")->find("id")->as_string();
  const std::string node = base() + "/v1/kic-nodes/" + id;
  EXPECT_EQ(send("PUT", node, R"({"last_ping":1700000060})")->status, 200);
  const Json list = get(base() + "/v1/kic-nodes")->json();
  ASSERT_EQ(list.find("items")->as_array().size(), 1U);
  const Json& item = list.find("items")->as_array()[0];
  EXPECT_EQ(item.find("last_ping")->as_int(), 1'700'000'060);
  EXPECT_EQ(item.find("hostname")->as_string(), "kic");
  EXPECT_FALSE(list.find("page")->find("has_next_page")->as_bool());
  EXPECT_EQ(send("DELETE", node)->status, 204);
  EXPECT_EQ(send("DELETE", node)->status, 404);
}

TEST_F(IngressTest, ItsNodesAreAmongThoseOfTheControlPlane) {
  nodes.add("00000000-0000-4000-8000-000000000001", "0.3.0");
  send("POST", base() + "/v1/kic-nodes", R"({"hostname":"kic","type":"ingress-controller","last_ping":5})");
  const Json list = get(local() + "/nodes")->json();
  EXPECT_EQ(list.find("page")->find("total_count")->as_int(), 2);
  EXPECT_THAT(to_json(list), HasSubstr(R"("type":"ingress-controller")"));
}

TEST_F(IngressTest, MoreNodesThanAPageAreReadWithItsCursor) {
  for (int i = 0; i < 101; ++i) {
    EXPECT_EQ(send("POST", base() + "/v1/kic-nodes", R"({"hostname":"kic"})")->status, 201);
  }
  const Json first = get(base() + "/v1/kic-nodes")->json();
  EXPECT_TRUE(first.find("page")->find("has_next_page")->as_bool());
  const std::string cursor = first.find("page")->find("next_cursor")->as_string();
  const Json rest = get(base() + "/v1/kic-nodes?page.next_cursor=" + cursor)->json();
  EXPECT_EQ(rest.find("items")->as_array().size(), 1U);
}

TEST_F(IngressTest, WhatIsNoNodeIsRefused) {
  EXPECT_EQ(send("POST", base() + "/v1/kic-nodes", R"({"hostname":5})")->status, 400);
  EXPECT_EQ(send("POST", base() + "/v1/kic-nodes", R"([])")->status, 400);
  EXPECT_EQ(get("/kic/api/control-planes/" + Uuid::random().to_string() + "/v1/kic-nodes")->status, 404);
}

TEST_F(IngressTest, LicencesAreThoseOfTheControlPlane) {
  EXPECT_EQ(get(base() + "/v1/licenses")->status, 404);
  EXPECT_EQ(process.put(process.planes.book().local().id, "licenses", R"({"payload":"text"})"), "");
  const Json list = get(base() + "/v1/licenses")->json();
  EXPECT_EQ(list.find("items")->as_array().at(0).find("payload")->as_string(), "text");
}

}  // namespace
}  // namespace sluice::control::platform
