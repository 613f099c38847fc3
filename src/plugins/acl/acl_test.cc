// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class Acl : public ::testing::Test {
 protected:
  Acl() : alice(shard.directory.add_consumer("alice")) {}

  /// Sends a request of alice, with or without a credential; an empty text means that it passes.
  std::string answer(std::string_view config, bool credential = true, bool consumer = true) {
    auto plugin = shard.make(add_acl, config);
    Call call(shard, "GET", "/", {{"X-Consumer-Groups", "claimed"}, {"X_Consumer_Groups", "claimed"}});
    if (consumer) call.ex.authenticated.consumer = &alice;
    call.ex.authenticated.has_credential = credential;
    call.ex.authenticated.groups = provided;
    call.request_hook(*plugin);
    upstream = call.upstream_header("X-Consumer-Groups");
    upstream_provided = call.upstream_header("X-Authenticated-Groups");
    EXPECT_EQ(call.replied() || call.upstream_header("X_Consumer_Groups") == "(none)", true);
    return call.replied() ? std::to_string(call.status()) + " " + call.body() : "";
  }

  static constexpr std::string_view kForbidden = "403 You cannot consume this service";
  Shard shard;
  gateway::Consumer& alice;
  std::vector<std::string> provided;
  std::string upstream;
  std::string upstream_provided;
};

TEST_F(Acl, AdmitsByGroup) {
  alice.acl_groups = {"g", "h"};
  EXPECT_EQ(answer(R"({"allow":["g"]})"), "");
  EXPECT_EQ(upstream, "g, h");
  EXPECT_EQ(answer(R"({"allow":["x"]})"), kForbidden);
  EXPECT_EQ(answer(R"({"allow":["G"]})"), kForbidden);
}

TEST_F(Acl, RefusesByGroup) {
  alice.acl_groups = {"g"};
  EXPECT_EQ(answer(R"({"deny":["g"]})"), kForbidden);
  EXPECT_EQ(answer(R"({"deny":["x"]})"), "");
}

TEST_F(Acl, AsksStrangersToAuthenticate) {
  EXPECT_EQ(answer(R"({"allow":["g"]})", false, false), "401 Unauthorized");
  EXPECT_EQ(answer(R"({"deny":["g"]})", false, false), "401 Unauthorized");
}

TEST_F(Acl, RefusesACredentialWithoutConsumer) {
  EXPECT_EQ(answer(R"({"allow":["g"]})", true, false), kForbidden);
}

TEST_F(Acl, JudgesConsumersWithoutGroups) {
  EXPECT_EQ(answer(R"({"deny":["x"]})"), "");
  EXPECT_EQ(answer(R"({"allow":["x"]})"), kForbidden);
  EXPECT_EQ(answer(R"({"allow":["x"]})", false), "401 Unauthorized");
  EXPECT_EQ(answer(R"({"deny":["x"]})", false), "");
}

TEST_F(Acl, AppliesToTheAnonymousConsumerToo) {
  alice.acl_groups = {"silver"};
  EXPECT_EQ(answer(R"({"allow":["gold"]})", false), kForbidden);
  EXPECT_EQ(answer(R"({"allow":["silver"]})", false), "");
}

TEST_F(Acl, HidesTheGroupsAndWhatTheClientClaims) {
  alice.acl_groups = {"g"};
  EXPECT_EQ(answer(R"({"allow":["g"],"hide_groups_header":true})"), "");
  EXPECT_EQ(upstream, "(none)");
}

TEST_F(Acl, TakesTheGroupsOfAnIdentityProviderWhereThereIsNoCredentialOrItIsTold) {
  alice.acl_groups = {"own"};
  provided = {"idp"};
  EXPECT_EQ(answer(R"({"allow":["idp"]})"), kForbidden);
  EXPECT_EQ(answer(R"({"allow":["idp"]})", false), "");
  EXPECT_EQ(answer(R"({"allow":["idp"],"always_use_authenticated_groups":true})"), "");
  EXPECT_EQ(upstream_provided, "idp");
  EXPECT_EQ(upstream, "(none)");
  EXPECT_EQ(answer(R"({"allow":["idp"]})", false, false), "");
}

TEST_F(Acl, CountsConsumerGroupsWhenTold) {
  alice.consumer_groups = {shard.directory.add_group("gold")};
  EXPECT_EQ(answer(R"({"allow":["gold"]})"), kForbidden);
  EXPECT_EQ(answer(R"({"allow":["gold"],"include_consumer_groups":true})"), "");
}

TEST_F(Acl, WantsEitherAllowOrDeny) {
  EXPECT_NE(shard.violations(add_acl, "{}"), "");
  EXPECT_NE(shard.violations(add_acl, R"({"allow":["a"],"deny":["b"]})"), "");
}

TEST_F(Acl, MatchesThePublishedContract) {
  testing::expect_contract(add_acl, "ACL");
}

}  // namespace
}  // namespace sluice::plugins
