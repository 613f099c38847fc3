// SPDX-License-Identifier: Apache-2.0
// What operators say of targets.
#include <gmock/gmock.h>

#include "control/admin/admin_fixture.h"

namespace sluice::control::admin {
namespace {

using testing::IsEmpty;

class TargetHealthTest : public AdminTest {
 protected:
  Exchange say(const std::string& target, const char* what) {
    return send("PUT", "/upstreams/pool/targets/" + target + "/" + what);
  }
};

TEST_F(TargetHealthTest, IsHandedToTheGateway) {
  EXPECT_EQ(say("127.0.0.1:9001", "unhealthy")->status, 204);
  EXPECT_EQ(gateway.marks.back(), "127.0.0.1:9001 unhealthy");
  EXPECT_EQ(say("127.0.0.1:9001", "healthy")->status, 204);
  EXPECT_EQ(gateway.marks.back(), "127.0.0.1:9001 healthy");
}

TEST_F(TargetHealthTest, AnAddressOfATargetIsHandedOverWithIt) {
  gateway.health = entity::parse(R"({"127.0.0.1:9001":{"addresses":[{"ip":"10.0.0.1","port":9001}]}})");
  EXPECT_EQ(say("127.0.0.1:9001/10.0.0.1:9001", "unhealthy")->status, 204);
  EXPECT_EQ(gateway.marks.back(), "127.0.0.1:9001/10.0.0.1:9001 unhealthy");
  EXPECT_EQ(say("127.0.0.1:9001/127.0.0.1:9001", "unhealthy")->status, 204) << "its own name, where that is an address";
  EXPECT_EQ(gateway.marks.back(), "127.0.0.1:9001 unhealthy");
  EXPECT_EQ(say("127.0.0.1:9001/10.0.0.2:9001", "unhealthy")->status, 404);
}

TEST_F(TargetHealthTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(say("127.0.0.1:1", "healthy")->status, 404);
  EXPECT_EQ(send("PUT", "/upstreams/none/targets/127.0.0.1:9001/healthy")->status, 404);
  EXPECT_THAT(gateway.marks, IsEmpty());
}

}  // namespace
}  // namespace sluice::control::admin
