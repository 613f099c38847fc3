// SPDX-License-Identifier: Apache-2.0
#include "control/admin/data_plane_metrics.h"

#include <gmock/gmock.h>

#include "base/time.h"

namespace sluice::control::admin {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class OneNode final : public cluster::NodeBook {
 public:
  [[nodiscard]] std::vector<const cluster::NodeRecord*> list() const override { return {&node}; }
  [[nodiscard]] const cluster::NodeRecord* find(const Uuid&) const override { return &node; }
  bool erase(const Uuid&) override { return false; }
  [[nodiscard]] std::string expected_hash() const override { return "000000000000000000000000000000ff"; }
  [[nodiscard]] store::Version expected_version() const override { return {}; }

  cluster::NodeRecord node;
};

class DataPlaneMetricsTest : public testing::Test {
 protected:
  DataPlaneMetricsTest() {
    book.node.peer.node_id = *Uuid::parse("aaaaaaaa-0000-4000-8000-000000000001");
    book.node.peer.hostname = "dp\"1";
    book.node.peer.kong_version = "3.10.0.0";
    book.node.ip = "10.0.0.1";
    book.node.config_hash = "000000000000000000000000000000ff";
    book.node.last_seen = store::SysTime(Seconds(1'700'000'000));
    book.node.sync_status = cluster::SyncStatus::Normal;
  }
  [[nodiscard]] std::string text() const { return data_plane_metrics({{"default", &book}}); }

  OneNode book;
  const std::string labels = R"(node_id="aaaaaaaa-0000-4000-8000-000000000001",hostname="dp\"1",ip="10.0.0.1")";
};

TEST_F(DataPlaneMetricsTest, ShowWhenANodeWasSeenAndWhatItServes) {
  EXPECT_THAT(text(), HasSubstr("# TYPE kong_data_plane_last_seen gauge\nkong_data_plane_last_seen{" + labels +
                                "} 1700000000\n"));
  EXPECT_THAT(text(), HasSubstr("\nkong_data_plane_config_hash{" + labels + "} 255\n"));
  EXPECT_THAT(text(), HasSubstr("\nkong_data_plane_version_compatible{" + labels + ",kong_version=\"3.10.0.0\"} 1\n"));
}

TEST_F(DataPlaneMetricsTest, AVersionOfProtocol2IsANumberToo) {
  book.node.config_hash = "v02_0000000000000000000000000010";
  EXPECT_THAT(text(), HasSubstr("kong_data_plane_config_hash{" + labels + "} 16\n"));
  book.node.config_hash = "anything of 32 characters is ok.";
  EXPECT_THAT(text(), HasSubstr("kong_data_plane_config_hash{" + labels + "} NaN\n"));
}

TEST_F(DataPlaneMetricsTest, ShowWhoIsSentNothing) {
  book.node.sync_status = cluster::SyncStatus::PluginVersionIncompatible;
  EXPECT_THAT(text(), HasSubstr(",kong_version=\"3.10.0.0\"} 0\n"));
}

TEST_F(DataPlaneMetricsTest, ShowWhoServesWhatItShould) {
  book.node.last_seen = store::SysTime(Millis(unix_millis()));
  EXPECT_THAT(text(), HasSubstr("sluice_data_plane_in_sync{" + labels + ",control_plane=\"default\"} 1\n"));
  book.node.config_hash = std::string(32, '0');
  EXPECT_THAT(text(), HasSubstr(",control_plane=\"default\"} 0\n"));
}

TEST_F(DataPlaneMetricsTest, WithoutNodesThereIsNothingToSay) {
  EXPECT_THAT(data_plane_metrics({}), IsEmpty());
}

}  // namespace
}  // namespace sluice::control::admin
