// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/snapshot_builder.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "crypto/certificate_fixture.h"
#include "gateway/gateway_fixture.h"

namespace sluice::gateway {
namespace {

class SnapshotTest : public testing::Test, protected Generations {
 protected:
  /// The name of the route that takes a request for `path`; "" for none.
  static std::string match(const Snapshot& snapshot, std::string_view path) {
    router::MatchInput input;
    input.method = "GET";
    input.host = "a.test";
    input.path = path;
    const router::Match found = snapshot.routes->match(input);
    return found ? static_cast<const RouteConfig*>(found.route->target.get())->name : "";
  }
  static sync::Delta removal(std::string type, int id) {
    sync::Delta delta;
    delta.removals.push_back({std::move(type), test_uuid(id)});
    return delta;
  }
};

const std::string kService = "services:\n- id: " + test_id(1) + "\n  name: s\n  host: up.test\n  routes:\n";
const std::string kTwoRoutes = kService + "  - {id: " + test_id(2) +
                               ", name: one, paths: [/one]}\n  - {id: " + test_id(3) + ", name: two, paths: [/two]}\n";

/// A row of ca_certificates.
std::string test_authority(int id) {
  const crypto::TestAuthority made("authority");
  return "ca_certificates:\n- {id: " + test_id(id) + ", cert: " + to_json(Json(made.certificate().to_pem())) + "}\n";
}

TEST_F(SnapshotTest, IsEmptyAtFirst) {
  EXPECT_TRUE(current->empty());
  EXPECT_EQ(current->hash, std::string(32, '0'));
  EXPECT_EQ(match(*current, "/"), "");
}

TEST_F(SnapshotTest, MatchesTheRoutesOfAWholeConfiguration) {
  load(kTwoRoutes);
  EXPECT_EQ(match(*current, "/one/more"), "one");
  EXPECT_EQ(match(*current, "/two"), "two");
  EXPECT_EQ(match(*current, "/three"), "");
  EXPECT_EQ(current->generation, 1U);
}

TEST_F(SnapshotTest, NamesTheConfigurationByItsHash) {
  apply(vocabulary.load(kTwoRoutes, std::string(32, 'a')));
  EXPECT_EQ(current->hash, std::string(32, 'a'));
  apply(removal("routes", 2));
  EXPECT_EQ(current->hash, std::string(32, 'a')) << "a change without a hash keeps it";
}

TEST_F(SnapshotTest, RemovesWhatAWholeConfigurationNoLongerNames) {
  load(kTwoRoutes + "consumers:\n- {id: " + test_id(9) + ", username: bob}\n");
  load(kService + "  - {id: " + test_id(3) + ", name: two, paths: [/two]}\n");
  EXPECT_EQ(match(*current, "/one"), "");
  EXPECT_EQ(match(*current, "/two"), "two");
  EXPECT_EQ(current->consumer_by_username("bob"), nullptr);
  EXPECT_EQ(current->rows.find("routes")->second.size(), 1U);
}

TEST_F(SnapshotTest, RowsMayComeInAnyOrder) {
  sync::Delta delta = vocabulary.load("upstreams:\n- id: " + test_id(1) +
                                      "\n  name: up\n  targets: [{id: " + test_id(2) + ", target: 10.0.0.1:81}]\n");
  std::ranges::reverse(delta.upserts);  // a target that was written before its upstream was changed
  apply(std::move(delta));
  EXPECT_EQ((*current->upstreams.find(test_uuid(1)))->targets.size(), 1U);
}

TEST_F(SnapshotTest, RefusesDocumentsOfAnotherShape) {
  load(kTwoRoutes);
  sync::Delta delta;
  const std::string text = "{\"id\":\"" + test_id(2) + "\",\"methods\":7,\"paths\":\"/one\"}";
  delta.upserts.push_back({"routes", test_uuid(2), std::make_shared<const std::string>(text)});
  const auto built = builder.build(*current, std::move(delta));
  ASSERT_FALSE(built.has_value());
  EXPECT_EQ(built.error().front().type, "routes");
  EXPECT_EQ(built.error().front().id, test_uuid(2));
}

TEST_F(SnapshotTest, SharesEverythingWhenTheSameIsLoadedAgain) {
  const Snapshot::Ref before = load(kTwoRoutes);
  const Snapshot::Ref after = load(kTwoRoutes);
  EXPECT_EQ(after->routes, before->routes);
  EXPECT_EQ(after->policy_epoch, before->policy_epoch);
  EXPECT_EQ(after->services.find(test_uuid(1))->get(), before->services.find(test_uuid(1))->get());
  EXPECT_EQ(after->routes_by_id.find(test_uuid(2))->get(), before->routes_by_id.find(test_uuid(2))->get());
}

TEST_F(SnapshotTest, SharesWhatAChangeDoesNotTouch) {
  const Snapshot::Ref before = load(kTwoRoutes);
  const Snapshot::Ref after =
      apply(vocabulary.only("routes", kService + "  - {id: " + test_id(2) + ", name: one, paths: [/moved]}\n"));
  EXPECT_EQ(match(*after, "/moved"), "one");
  EXPECT_EQ(match(*after, "/one"), "");
  EXPECT_EQ(match(*after, "/two"), "two") << "a delta removes nothing that it does not name";
  EXPECT_EQ(after->routes_by_id.find(test_uuid(3))->get(), before->routes_by_id.find(test_uuid(3))->get());
  EXPECT_EQ(after->policy_epoch, before->policy_epoch) << "plans of other routes stay";
}

TEST_F(SnapshotTest, LeavesTheGenerationBeforeAsItWas) {
  const Snapshot::Ref before = load(kTwoRoutes);
  apply(removal("routes", 2));
  EXPECT_EQ(match(*current, "/one"), "");
  EXPECT_EQ(match(*before, "/one"), "one");
}

TEST_F(SnapshotTest, HidesTheRoutesOfADisabledService) {
  load(kTwoRoutes);
  auto service = [](bool enabled) {
    return "services:\n- {id: " + test_id(1) + ", name: s, host: up.test, enabled: " + (enabled ? "true" : "false") +
           "}\n";
  };
  const Snapshot::Ref off = apply(vocabulary.only("services", service(false)));
  EXPECT_EQ(match(*off, "/one"), "");
  EXPECT_EQ(match(*off, "/two"), "");
  const Snapshot::Ref on = apply(vocabulary.only("services", service(true)));
  EXPECT_EQ(match(*on, "/one"), "one");
  EXPECT_EQ(match(*off, "/one"), "");
}

TEST_F(SnapshotTest, RefusesAChangeAsAWholeAndSaysWhy) {
  load(kTwoRoutes);
  const PluginRegistry without_plugins;
  const SnapshotBuilder poorer(*vocabulary.catalog, without_plugins, router::Flavor::TraditionalCompatible);
  auto built = poorer.build(*current, vocabulary.load("plugins:\n- {id: " + test_id(5) + ", name: answer}\n"));
  ASSERT_FALSE(built);
  ASSERT_EQ(built.error().size(), 1U);
  EXPECT_EQ(built.error()[0].type, "plugins");
  EXPECT_EQ(built.error()[0].id, test_uuid(5));
  EXPECT_EQ(built.error()[0].field, "name");
  EXPECT_EQ(match(*current, "/one"), "one");
}

TEST_F(SnapshotTest, PutsGroupsIntoConsumersSortedByName) {
  load("consumer_groups:\n- {id: " + test_id(11) + ", name: silver}\n- {id: " + test_id(12) +
       ", name: gold}\nconsumers:\n- id: " + test_id(1) +
       "\n  username: bob\n  groups: [{name: silver}, {name: gold}]\n  acls: [{group: staff}]\n");
  const Consumer* bob = current->consumer_by_username("bob");
  ASSERT_NE(bob, nullptr);
  EXPECT_EQ(bob->consumer_groups, (std::vector<Uuid>{test_uuid(12), test_uuid(11)}));
  EXPECT_EQ(bob->acl_groups, std::vector<std::string>{"staff"});
  EXPECT_EQ(current->consumer(test_uuid(1)), bob);
  EXPECT_EQ(current->consumer_group_name(test_uuid(12)), "gold");
}

TEST_F(SnapshotTest, SortsGroupsAnewWhenOneIsRenamed) {
  load("consumer_groups:\n- {id: " + test_id(11) + ", name: b}\n- {id: " + test_id(12) +
       ", name: a}\nconsumers:\n- id: " + test_id(1) + "\n  username: bob\n  groups: [{name: a}, {name: b}]\n");
  const Consumer* before = current->consumer(test_uuid(1));
  EXPECT_EQ(before->consumer_groups.front(), test_uuid(12));
  apply(vocabulary.only("consumer_groups", "consumer_groups:\n- {id: " + test_id(12) + ", name: z}\n"));
  EXPECT_EQ(current->consumer(test_uuid(1))->consumer_groups.front(), test_uuid(11));
}

TEST_F(SnapshotTest, ForgetsAMembershipThatIsRemoved) {
  load("consumers:\n- id: " + test_id(1) + "\n  username: bob\n  acls: [{id: " + test_id(7) +
       ", group: staff}, {group: boss}]\n");
  apply(removal("acls", 7));
  EXPECT_EQ(current->consumer(test_uuid(1))->acl_groups, std::vector<std::string>{"boss"});
  EXPECT_EQ(current->consumer_by_username("bob")->acl_groups, std::vector<std::string>{"boss"});
}

std::string keys(const std::string& of_first, const std::string& of_second) {
  return "consumers:\n- id: " + test_id(1) + "\n  username: bob\n  keyauth_credentials: [{id: " + test_id(21) +
         ", key: " + of_first + "}]\n- id: " + test_id(2) +
         "\n  username: eve\n  keyauth_credentials: [{id: " + test_id(22) + ", key: " + of_second + "}]\n";
}

TEST_F(SnapshotTest, FindsCredentialsByTheirKey) {
  load(keys("alpha", "beta"));
  ASSERT_NE(current->credential("keyauth_credentials", "alpha"), nullptr);
  EXPECT_EQ(current->credential("keyauth_credentials", "alpha")->consumer_id, test_uuid(1));
  EXPECT_EQ(current->credential("basicauth_credentials", "alpha"), nullptr);
  EXPECT_EQ(current->credential("keyauth_credentials", "alph"), nullptr);
}

TEST_F(SnapshotTest, ForgetsAKeyThatWasReplaced) {
  load(keys("alpha", "beta"));
  load(keys("gamma", "beta"));
  EXPECT_EQ(current->credential("keyauth_credentials", "alpha"), nullptr);
  EXPECT_EQ(current->credential("keyauth_credentials", "gamma")->id, test_uuid(21));
}

TEST_F(SnapshotTest, ComputesWhenACredentialExpires) {
  load("consumers:\n- username: bob\n  keyauth_credentials: [{key: brief, ttl: 60}, {key: lasting}]\n");
  EXPECT_EQ(current->credential("keyauth_credentials", "brief")->expires_at_s, 1'700'000'060);
  EXPECT_FALSE(current->credential("keyauth_credentials", "lasting")->expires_at_s);
}

TEST_F(SnapshotTest, ForgetsTheNameOfARenamedConsumer) {
  load("consumers:\n- {id: " + test_id(1) + ", username: bob}\n");
  load("consumers:\n- {id: " + test_id(1) + ", username: rob}\n");
  EXPECT_EQ(current->consumer_by_username("bob"), nullptr);
  EXPECT_EQ(current->consumer_by_username("rob")->id, test_uuid(1));
}

TEST_F(SnapshotTest, FindsConsumersByCustomIdToo) {
  load("consumers:\n- {id: " + test_id(1) + ", username: bob, custom_id: c-1}\n- {id: " + test_id(2) +
       ", custom_id: c-2}\n");
  EXPECT_EQ(current->consumer_by_custom_id("c-1")->id, test_uuid(1));
  EXPECT_EQ(current->consumer_by_custom_id("bob"), nullptr);
  EXPECT_EQ(current->consumer_by_username("c-1"), nullptr);
  load("consumers:\n- {id: " + test_id(1) + ", username: bob}\n- {id: " + test_id(2) + ", custom_id: c-1}\n");
  EXPECT_EQ(current->consumer_by_custom_id("c-1")->id, test_uuid(2));
  EXPECT_EQ(current->consumer_by_custom_id("c-2"), nullptr);
}

TEST_F(SnapshotTest, KnowsForWhichAuthorityANameInACertificateCounts) {
  const std::string ca = test_authority(7);
  const auto names = [&ca](const std::string& of_first, const std::string& of_second) {
    return ca + "consumers:\n- id: " + test_id(1) + "\n  username: bob\n  mtls_auth_credentials: [{id: " + test_id(21) +
           ", subject_name: " + of_first + ", ca_certificate: " + test_id(7) + "}]\n- id: " + test_id(2) +
           "\n  username: eve\n  mtls_auth_credentials: [{id: " + test_id(22) + ", subject_name: " + of_second + "}]\n";
  };
  const auto owner = [this](const Uuid& authority, std::string_view name) {
    const Credential* found = current->credential("mtls_auth_credentials", qualified_identity(authority, name));
    return found != nullptr ? found->consumer_id : Uuid{};
  };
  load(names("a.test", "a.test"));
  EXPECT_EQ(owner(test_uuid(7), "a.test"), test_uuid(1));
  EXPECT_EQ(owner({}, "a.test"), test_uuid(2));
  EXPECT_EQ(owner(test_uuid(8), "a.test"), Uuid{});
  load(names("b.test", "c.test"));
  EXPECT_EQ(owner(test_uuid(7), "a.test"), Uuid{});
  EXPECT_EQ(owner({}, "a.test"), Uuid{});
  EXPECT_EQ(owner(test_uuid(7), "b.test"), test_uuid(1));
}

TEST_F(SnapshotTest, FindsAuthorities) {
  load(test_authority(7));
  const crypto::Certificate* authority = current->authority(test_uuid(7));
  ASSERT_NE(authority, nullptr);
  EXPECT_EQ(authority->subject(), "CN=authority");
  EXPECT_EQ(WorkspaceDirectory(*current, test_uuid(9)).authority(test_uuid(7)), authority) << "of all workspaces";
  load("consumers: []\n");
  EXPECT_EQ(current->authority(test_uuid(7)), nullptr);
}

TEST_F(SnapshotTest, KeepsTheTargetsOfAnUpstreamThatChanges) {
  load("upstreams:\n- id: " + test_id(1) + "\n  name: up\n  targets: [{id: " + test_id(2) +
       ", target: \"10.0.0.1:81\", weight: 7}]\n");
  apply(vocabulary.only("upstreams", "upstreams:\n- {id: " + test_id(1) + ", name: down, host_header: h.test}\n"));
  EXPECT_EQ(current->upstream_in({}, "up"), nullptr);
  const UpstreamConfig& upstream = **current->upstream_in({}, "down");
  ASSERT_EQ(upstream.targets.size(), 1U);
  EXPECT_EQ(upstream.targets[0].host, "10.0.0.1");
  EXPECT_EQ(upstream.targets[0].port, 81);
  EXPECT_EQ(upstream.targets[0].weight, 7);
  EXPECT_EQ(upstream.host_header, "h.test");
}

TEST_F(SnapshotTest, LeavesOutDisabledPlugins) {
  load("plugins:\n- {id: " + test_id(1) + ", name: answer, enabled: false}\n");
  EXPECT_EQ(current->plugins_at({}), nullptr);
  load("plugins:\n- {id: " + test_id(1) + ", name: answer}\n");
  ASSERT_NE(current->plugins_at({}), nullptr);
  EXPECT_EQ(current->plugins_at({})->size(), 1U);
}

/// The rows of `delta` as those of another workspace.
sync::Delta in_workspace(sync::Delta delta, const Uuid& workspace) {
  delta.complete = false;
  for (sync::EntityRow& row : delta.upserts) row.workspace = workspace;
  return delta;
}

TEST_F(SnapshotTest, LooksNamesUpInOneWorkspaceOnly) {
  const Uuid other = test_uuid(900);
  auto bob = [](int id, const std::string& credentials) {
    return "consumers:\n- {id: " + test_id(id) + ", username: bob, keyauth_credentials: [" + credentials + "]}\n";
  };
  load(bob(1, "{id: " + test_id(31) + ", key: alpha}"));
  apply(in_workspace(
      vocabulary.load(bob(2, "{id: " + test_id(32) + ", key: alpha}, {key: beta}") + "upstreams:\n- {name: up}\n"),
      other));
  EXPECT_EQ(current->credential("keyauth_credentials", "alpha")->consumer_id, test_uuid(1));
  EXPECT_EQ(current->credential("keyauth_credentials", "beta"), nullptr);
  EXPECT_EQ(current->consumer_by_username("bob")->id, test_uuid(1));
  EXPECT_EQ(current->consumer(test_uuid(2)), nullptr);
  EXPECT_EQ(current->upstream_in({}, "up"), nullptr);

  const WorkspaceDirectory there(*current, other);
  EXPECT_EQ(there.credential("keyauth_credentials", "alpha")->consumer_id, test_uuid(2));
  EXPECT_EQ(there.credential("keyauth_credentials", "beta")->consumer_id, test_uuid(2));
  EXPECT_EQ(there.consumer_by_username("bob")->id, test_uuid(2));
  EXPECT_EQ(there.consumer(test_uuid(1)), nullptr) << "an id of another workspace is no consumer here";
  EXPECT_NE(current->upstream_in(other, "up"), nullptr);
}

TEST_F(SnapshotTest, KnowsWorkspacesByName) {
  load("consumers: []\n");
  EXPECT_EQ(current->workspace().name, "default");
  sync::Delta delta;
  delta.complete = false;
  delta.upserts.push_back(
      {"workspaces", test_uuid(900), std::make_shared<const std::string>(R"({"name":"team"})"), Uuid{}});
  apply(std::move(delta));
  const WorkspaceDirectory there(*current, test_uuid(900));
  EXPECT_EQ(there.workspace().id, test_uuid(900));
  EXPECT_EQ(there.workspace().name, "team");
  EXPECT_EQ(WorkspaceDirectory(*current, test_uuid(901)).workspace().name, "");
}

TEST_F(SnapshotTest, ForgetsWhatMovedToAnotherWorkspace) {
  const std::string yaml = "consumers:\n- {id: " + test_id(1) +
                           ", username: bob, keyauth_credentials: [{id: " + test_id(2) + ", key: alpha}]}\n";
  load(yaml);
  apply(in_workspace(vocabulary.load(yaml), test_uuid(900)));
  EXPECT_EQ(current->credential("keyauth_credentials", "alpha"), nullptr);
  EXPECT_EQ(current->consumer_by_username("bob"), nullptr);
  EXPECT_NE(current->credential_in(test_uuid(900), "keyauth_credentials", "alpha"), nullptr);
}

std::string env_vault(const std::string& prefix) {
  return "vaults:\n- {id: " + test_id(40) + ", name: env, prefix: mine, config: {prefix: " + prefix + "}}\n";
}

TEST_F(SnapshotTest, ResolvesReferencesAgainWhenTheirVaultChanges) {
  ::setenv("FIRST_API_KEY", "one", 1);
  ::setenv("SECOND_API_KEY", "two", 1);
  const std::string consumer = "consumers:\n- username: bob\n  keyauth_credentials: [{id: " + test_id(21) +
                               ", key: \"{vault://mine/api-key}\"}]\n";
  load(env_vault("first_") + consumer);
  EXPECT_NE(current->credential("keyauth_credentials", "one"), nullptr);
  apply(vocabulary.only("vaults", env_vault("second_")));
  EXPECT_EQ(current->credential("keyauth_credentials", "one"), nullptr) << "a key that was replaced must not work";
  EXPECT_NE(current->credential("keyauth_credentials", "two"), nullptr);
  apply(removal("keyauth_credentials", 21));
  EXPECT_TRUE(current->credentials.empty());
  EXPECT_TRUE(current->referring_credentials.empty());
}

TEST_F(SnapshotTest, KeepsNoListOfGroupsForThoseWhoHaveNone) {
  load("consumers:\n- id: " + test_id(1) + "\n  username: bob\n  acls: [{id: " + test_id(7) + ", group: staff}]\n");
  apply(removal("acls", 7));
  EXPECT_TRUE(current->acls_by_consumer.empty());
  EXPECT_TRUE(current->consumer(test_uuid(1))->acl_groups.empty());
}

TEST_F(SnapshotTest, RefusesAPluginThatNoRequestToItsRouteCouldReach) {
  const std::string tls_only =
      kService + "  - {id: " + test_id(2) + ", name: one, protocols: [https], paths: [/one]}\n";
  load(tls_only);
  auto plugin = [&](const std::string& scope, const std::string& protocol) {
    return builder.build(
        *current, vocabulary.only("plugins", tls_only + "plugins:\n- {id: " + test_id(5) +
                                                 ", name: answer, protocols: [" + protocol + "], " + scope + "}\n"));
  };
  const std::string of_route = "route: {id: " + test_id(2) + "}";
  const std::string of_service = "service: {id: " + test_id(1) + "}";
  EXPECT_TRUE(plugin(of_route, "https"));
  EXPECT_TRUE(plugin(of_service, "https"));
  ASSERT_FALSE(plugin(of_route, "http"));
  EXPECT_EQ(plugin(of_route, "http").error()[0].message, "must match the associated route's protocols");
  ASSERT_FALSE(plugin(of_service, "http"));
  EXPECT_EQ(plugin(of_service, "http").error()[0].field, "protocols");
}

TEST_F(SnapshotTest, TellsRoutesWhetherPluginsNameThem) {
  load(kTwoRoutes);
  EXPECT_FALSE((*current->routes_by_id.find(test_uuid(2)))->has_own_plugins);
  apply(vocabulary.only(
      "plugins", kTwoRoutes + "plugins:\n- {id: " + test_id(5) + ", name: answer, route: {id: " + test_id(2) + "}}\n"));
  EXPECT_TRUE((*current->routes_by_id.find(test_uuid(2)))->has_own_plugins);
  EXPECT_FALSE((*current->routes_by_id.find(test_uuid(3)))->has_own_plugins);
  EXPECT_EQ(match(*current, "/one"), "one");
  apply(removal("plugins", 5));
  EXPECT_FALSE((*current->routes_by_id.find(test_uuid(2)))->has_own_plugins);
}

}  // namespace
}  // namespace sluice::gateway
