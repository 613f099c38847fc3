// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/plugin_versions.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "entity/catalog_fixture.h"

namespace sluice::control::cluster {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Severity = sync::wire::CompatibilityIssue::Severity;

const PluginVersions kOurs = {{"key-auth", "3.10.0"}, {"mine", "2.3.0"}};

sync::wire::Peer peer(const std::string& version, std::map<std::string, std::string> plugins) {
  sync::wire::Peer made;
  made.kong_version = version;
  made.plugins = std::move(plugins);
  return made;
}

TEST(PluginVersions, ThoseOfAnOlderProductAreJudgedWithIt) {
  EXPECT_THAT(other_versions(peer("3.8.0", {{"key-auth", "3.8.0"}}), kOurs), IsEmpty());
  EXPECT_THAT(other_versions(peer("3.10.0.2", {{"key-auth", "3.10.0"}, {"mine", "2.3.0"}}), kOurs), IsEmpty());
}

TEST(PluginVersions, AnOlderOneOfItsOwnIsShown) {
  const auto others = other_versions(peer("3.10.0", {{"mine", "2.2.9"}}), kOurs);
  ASSERT_THAT(others, SizeIs(1));
  EXPECT_FALSE(others[0].incompatible);
}

TEST(PluginVersions, AnotherMajorOrANewerOneIsIncompatible) {
  EXPECT_TRUE(other_versions(peer("3.10.0", {{"mine", "1.9.0"}}), kOurs).at(0).incompatible);
  EXPECT_TRUE(other_versions(peer("3.10.0", {{"mine", "2.4.0"}}), kOurs).at(0).incompatible);
  EXPECT_THAT(other_versions(peer("3.10.0", {{"mine", "2.3.7"}}), kOurs), IsEmpty());
}

TEST(PluginVersions, WhoDoesNotSayIsNotBlamed) {
  sync::wire::Peer silent;
  EXPECT_THAT(other_versions(silent, kOurs), IsEmpty());
  EXPECT_THAT(other_versions(peer("3.10.0", {{"mine", "dev"}, {"unknown", "1.0"}}), kOurs), IsEmpty());
}

TEST(PluginVersions, OnlyPluginsInUseAreAnIssue) {
  const entity::Catalog catalog{entity::test_plugins()};
  store::MemoryStore store{catalog};
  const auto others = other_versions(peer("3.10.0", {{"key-auth", "4.0.0"}}), kOurs);
  EXPECT_THAT(version_issues(others, store), IsEmpty());
  const Uuid id = Uuid::random();
  const Json row = Json::Object{{"id", id.to_string()}, {"name", "key-auth"}};
  store.put({"plugins", id, std::make_shared<const std::string>(to_json(row)), Uuid{}});
  const auto issues = version_issues(others, store);
  ASSERT_THAT(issues, SizeIs(1));
  EXPECT_EQ(issues[0].code, "PLUGIN_VERSION:key-auth");
  EXPECT_EQ(issues[0].severity, Severity::Error);
  EXPECT_EQ(issues[0].affected.at(0).second, id);
  EXPECT_THAT(issues[0].resolution, HasSubstr("version 3.10.0"));
}

}  // namespace
}  // namespace sluice::control::cluster
