// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/time.h"
#include "control/platform/platform_fixture.h"

namespace sluice::control::platform {
namespace {

using planes::TrafficHistory;
using testing::Each;
using testing::HasSubstr;
using testing::SizeIs;

class TrafficEndpointTest : public PlatformTest {
 protected:
  Json traffic(const std::string& query = "") {
    const auto reply = get(local() + "/traffic" + query);
    EXPECT_EQ(reply->status, 200) << reply->text;
    return *parse_json(reply->text);
  }
};

TEST_F(TrafficEndpointTest, IsUnknownUntilANodeTells) {
  const Json shown = traffic();
  EXPECT_THAT(shown.find("requests")->as_array(), Each(Json()));
  EXPECT_EQ(*shown.find("nodes_reporting"), Json(0));
}

TEST_F(TrafficEndpointTest, ShowsWhatNodesToldBySpans) {
  TrafficHistory& history = process.planes.local().traffic();
  const Uuid node = *Uuid::parse("aaaaaaaa-0000-4000-8000-000000000001");
  const std::int64_t begin = (TrafficHistory::last_complete(unix_millis()) - 1) * TrafficHistory::kSpanMs;
  sync::Traffic told;
  history.note(node, told, begin);
  told.requests = 300;
  told.server_errors = 30;
  told.times[3] = 300;
  history.note(node, told, begin + 2 * TrafficHistory::kSpanMs - 1);
  const Json shown = traffic("?minutes=1");
  const auto& requests = shown.find("requests")->as_array();
  ASSERT_THAT(requests, SizeIs(4));
  EXPECT_NEAR(requests[3].number() + requests[2].number(), 300, 0.1);
  EXPECT_NEAR(shown.find("server_errors")->as_array()[2].number(), 15, 0.1);
  EXPECT_NEAR(shown.find("p99_ms")->as_array()[2].number(), 9.95, 0.01);
}

TEST_F(TrafficEndpointTest, AnHourIsAllThereIs) {
  EXPECT_EQ(get(local() + "/traffic?minutes=61")->status, 400);
  EXPECT_EQ(get(local() + "/traffic?minutes=no")->status, 400);
  EXPECT_EQ(get("/v2/control-planes/99999999-0000-4000-8000-000000000001/traffic")->status, 404);
}

class ClusterDoorTest : public PlatformTest {};

TEST_F(ClusterDoorTest, IsClosedWithoutACertificate) {
  EXPECT_THAT(get(local() + "/cluster-door")->text, HasSubstr(R"("open":false)"));
}

TEST_F(ClusterDoorTest, LeavesTheHostToWhoeverFoundThisMachine) {
  settings.cluster_cert = "cluster.crt";
  const auto shown = *parse_json(get(local() + "/cluster-door")->text);
  EXPECT_EQ(*shown.find("open"), Json(true));
  EXPECT_EQ(*shown.find("host"), Json());
  EXPECT_EQ(*shown.find("port"), Json(8005));
  settings.cluster_server_name = "cp.example.com";
  EXPECT_THAT(get(local() + "/cluster-door")->text, HasSubstr(R"("host":"cp.example.com")"));
}

}  // namespace
}  // namespace sluice::control::platform
