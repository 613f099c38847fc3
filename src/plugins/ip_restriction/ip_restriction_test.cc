// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class IpRestriction : public ::testing::Test {
 protected:
  std::string answer(std::string_view config, std::string_view address = "127.0.0.1") {
    auto plugin = shard.make(add_ip_restriction, config);
    Call call(shard, "GET", "/");
    call.ex.client.forwarded_address = *IpAddress::parse(address);
    call.request_hook(*plugin);
    return call.replied() ? std::to_string(call.status()) + " " + call.body() : "";
  }
  Shard shard;
};

TEST_F(IpRestriction, RefusesDeniedAddresses) {
  EXPECT_EQ(answer(R"({"deny":["127.0.0.0/8"]})"), "403 IP address not allowed: 127.0.0.1");
  EXPECT_EQ(answer(R"({"deny":["127.0.0.0/8"]})", "10.0.0.1"), "");
  EXPECT_EQ(answer(R"({"deny":["2001:db8::/32"]})", "2001:db8::1"), "403 IP address not allowed: 2001:db8::1");
}

TEST_F(IpRestriction, AdmitsOnlyWhatIsAllowed) {
  EXPECT_EQ(answer(R"({"allow":["10.0.0.0/8"]})"), "403 IP address not allowed: 127.0.0.1");
  EXPECT_EQ(answer(R"({"allow":["10.0.0.0/8"]})", "10.1.2.3"), "");
  EXPECT_EQ(answer(R"({"allow":["10.0.0.1"]})", "::1"), "403 IP address not allowed: ::1");
}

TEST_F(IpRestriction, LetsDenyWin) {
  EXPECT_EQ(answer(R"({"allow":["10.0.0.0/8"],"deny":["10.0.0.1"]})", "10.0.0.1"),
            "403 IP address not allowed: 10.0.0.1");
}

TEST_F(IpRestriction, RefusesInItsOwnWords) {
  EXPECT_EQ(answer(R"({"deny":["127.0.0.1"],"status":401,"message":"no"})"), "401 no");
}

TEST_F(IpRestriction, JudgesTheForwardedAddress) {
  auto plugin = shard.make(add_ip_restriction, R"({"deny":["9.9.9.9"]})");
  Call call(shard, "GET", "/");
  call.ex.client.address = *IpAddress::parse("9.9.9.9");
  EXPECT_FALSE(call.request_hook(*plugin).replied());
}

TEST_F(IpRestriction, CannotJudgeAClientWithoutAddress) {
  EXPECT_EQ(answer(R"({"deny":["9.9.9.9"]})", "::"),
            "403 Cannot identify the client IP address, unix domain sockets are not supported.");
}

TEST_F(IpRestriction, WantsAListOfAddresses) {
  EXPECT_NE(shard.violations(add_ip_restriction, "{}"), "");
  EXPECT_NE(shard.violations(add_ip_restriction, R"({"allow":["10.0.0.0/33"]})"), "");
}

TEST_F(IpRestriction, MatchesThePublishedContract) {
  testing::expect_contract(add_ip_restriction, "IpRestriction");
}

}  // namespace
}  // namespace sluice::plugins
