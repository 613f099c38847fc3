// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/health_report.h"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

class HealthReport : public testing::Test {
 protected:
  HealthReport() {
    auto settings = std::make_shared<entity::Upstream>();
    settings->healthchecks.passive.unhealthy.tcp_failures = 1;
    upstream.settings = settings;
    TargetConfig target;
    target.host = "api.test";
    target.port = 80;
    target.weight = 70;
    upstream.targets.push_back(target);
  }
  std::string document() const { return to_json(health_document(upstream, &health)); }

  UpstreamConfig upstream;
  UpstreamHealth health{"pool"};
};

TEST_F(HealthReport, ShowsMarksOfAddressesThatAreNotInUse) {
  const auto used = health.address("api.test:80", *net::Address::parse("10.0.0.1:80"), 0);
  health.mark("api.test:80/10.0.0.2:80", false);
  EXPECT_EQ(document(), R"({"api.test:80":{"health":"HEALTHY","addresses":[)"
                        R"({"ip":"10.0.0.1","port":80,"weight":70,"health":"HEALTHY"},)"
                        R"({"ip":"10.0.0.2","port":80,"weight":0,"health":"UNHEALTHY"}]}})");
  health.mark("api.test:80/10.0.0.2:80", true);
  EXPECT_EQ(document().find("10.0.0.2"), std::string::npos);
}

TEST_F(HealthReport, WhoAsksNobodySaysThatNothingIsChecked) {
  EXPECT_EQ(to_json(unasked_health_document(upstream)),
            R"({"api.test:80":{"health":"HEALTHCHECKS_OFF","addresses":[]}})");
  upstream.targets.front().host = "10.0.0.1";
  EXPECT_EQ(to_json(unasked_health_document(upstream)),
            R"({"10.0.0.1:80":{"health":"HEALTHCHECKS_OFF","addresses":[)"
            R"({"ip":"10.0.0.1","port":80,"weight":70,"health":"HEALTHCHECKS_OFF"}]}})");
}

TEST_F(HealthReport, ShowsAnAddressOnceThatIsMarkedAndInUse) {
  const auto used = health.address("api.test:80", *net::Address::parse("10.0.0.1:80"), 0);
  health.mark("api.test:80/10.0.0.1:80", false);
  EXPECT_EQ(document(), R"({"api.test:80":{"health":"UNHEALTHY","addresses":[)"
                        R"({"ip":"10.0.0.1","port":80,"weight":70,"health":"UNHEALTHY"}]}})");
}

TEST_F(HealthReport, ATargetIsNotWorseForAnAddressThatNobodyUses) {
  health.mark("api.test:80/10.0.0.2:80", false);
  EXPECT_EQ(document(), R"({"api.test:80":{"health":"HEALTHY","addresses":[)"
                        R"({"ip":"10.0.0.2","port":80,"weight":0,"health":"UNHEALTHY"}]}})");
}

TEST_F(HealthReport, ShowsAnAddressThatIsWellThoughItsTargetIsOut) {
  health.mark("api.test:80", false);
  health.mark("api.test:80/10.0.0.2:80", true);
  EXPECT_EQ(document(), R"({"api.test:80":{"health":"UNHEALTHY","addresses":[)"
                        R"({"ip":"10.0.0.2","port":80,"weight":0,"health":"HEALTHY"}]}})");
}

}  // namespace
}  // namespace sluice::gateway
