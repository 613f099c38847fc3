// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/projection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/catalog.h"
#include "sync/wire/row_fixture.h"

namespace sluice::sync::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Severity = CompatibilityIssue::Severity;

constexpr ProductVersion kKong{3, 12, 0};
constexpr ProductVersion kSluice{0, 4, 0};

/// A plugin that has grown on both axes.
struct GrownConfig {
  struct Redis {
    std::string host = "localhost";
    std::optional<std::string> cloud;

    static void describe(schema::Record<Redis>& r) {
      r.field<&Redis::host>("host");
      r.field<&Redis::cloud>("cloud").since(schema::kong(3, 11));
    }
  };
  int old = 1;
  std::optional<int> from_kong;
  std::optional<int> from_sluice;
  std::optional<int> from_both;
  Redis redis;

  static void describe(schema::Record<GrownConfig>& r) {
    r.field<&GrownConfig::old>("old");
    r.field<&GrownConfig::from_kong>("from_kong").since(schema::kong(3, 9));
    r.field<&GrownConfig::from_sluice>("from_sluice").since(schema::sluice(0, 3));
    r.field<&GrownConfig::from_both>("from_both").since(schema::kong(3, 10)).since(schema::sluice(0, 4));
    r.field<&GrownConfig::redis>("redis");
  }
};
struct PlainConfig {
  int limit = 5;

  static void describe(schema::Record<PlainConfig>& r) { r.field<&PlainConfig::limit>("limit"); }
};

const entity::Catalog& catalog() {
  static const entity::Catalog kCatalog = [] {
    entity::PluginSchemas plugins;
    plugins.add({.name = "grown", .config = schema::describe<GrownConfig>()});
    plugins.add({.name = "plain", .config = schema::describe<PlainConfig>()});
    return entity::Catalog(plugins);
  }();
  return kCatalog;
}

Peer kong(std::string version) {
  Peer peer;
  peer.kong_version = std::move(version);
  return peer;
}
Peer sluice_peer(std::string version) {
  Peer peer = kong("3.10.0.0");
  peer.sluice_version = std::move(version);
  return peer;
}

std::map<std::string, std::string> list_of(std::initializer_list<const char*> plugins) {
  std::map<std::string, std::string> list;
  for (const char* name : plugins) list.emplace(name, "1");
  return list;
}

/// What a peer gets for a row, and what is said about it.
struct Passed {
  std::optional<EntityRow> row;
  std::vector<CompatibilityIssue> issues;
  [[nodiscard]] Json document() const { return row ? json_of(*row->document) : Json(); }
  [[nodiscard]] std::vector<std::string> codes() const {
    std::vector<std::string> all;
    for (const auto& issue : issues) all.push_back(issue.code);
    return all;
  }
};
Passed pass(const Peer& peer, const EntityRow& row) {
  const Projection projection(catalog(), peer, kKong, kSluice);
  Passed passed;
  passed.row = projection.row(row, &passed.issues);
  return passed;
}

EntityRow canonical(std::string_view type, std::string_view members) {
  return canonical_row(catalog(), type, 1, members);
}
EntityRow grown() {
  return canonical("plugins", R"({"name":"grown","config":{"from_kong":1,"from_sluice":2,"from_both":3,)"
                              R"("redis":{"host":"r","cloud":"aws"}}})");
}

std::vector<std::string> names(const Json& object) {
  std::vector<std::string> all;
  for (const auto& [name, value] : object.as_object()) all.push_back(name);
  return all;
}

TEST(Projection, OursOfTheSameAgeGetEverythingAsItIs) {
  for (const char* version : {"0.4.0", "0.4.9", "0.5.0"}) {
    const Projection projection(catalog(), sluice_peer(version), kKong, kSluice);
    EXPECT_TRUE(projection.is_whole()) << version;
    const EntityRow row = grown();
    EXPECT_EQ(projection.row(row, nullptr)->document, row.document);
  }
}

TEST(Projection, OursWithAllPluginsGetEverythingAsItIs) {
  Peer peer = sluice_peer("0.4.0");
  peer.plugins = list_of({"grown", "plain", "another"});
  EXPECT_TRUE(Projection(catalog(), peer, kKong, kSluice).is_whole());
  peer.plugins->erase("grown");
  EXPECT_FALSE(Projection(catalog(), peer, kKong, kSluice).is_whole());
}

// Their contract with Kong's clients may be of any version: what they know goes by their own.
TEST(Projection, OfOursOnlyOurOwnMarksCount) {
  Peer peer = sluice_peer("0.3.0");
  peer.kong_version = "3.4.0.0";
  const Passed passed = pass(peer, grown());
  EXPECT_THAT(names(*passed.document().find("config")), ElementsAre("old", "from_kong", "from_sluice", "redis"));
  EXPECT_THAT(passed.codes(), ElementsAre("FIELD_UNKNOWN:plugins.grown.config.from_both"));
}

TEST(Projection, KongNeverGetsWhatOnlySluiceKnows) {
  const Passed passed = pass(kong("3.12.0.0"), grown());
  EXPECT_THAT(names(*passed.document().find("config")), ElementsAre("old", "from_kong", "from_both", "redis"));
  ASSERT_EQ(passed.issues.size(), 1U);
  const CompatibilityIssue& issue = passed.issues.front();
  EXPECT_EQ(issue.code, "FIELD_UNKNOWN:plugins.grown.config.from_sluice");
  EXPECT_EQ(issue.severity, Severity::Warning);
  EXPECT_THAT(issue.description, HasSubstr("Kong 3.12.0 does not know the field plugins.grown.config.from_sluice"));
  EXPECT_THAT(issue.resolution, HasSubstr("Sluice 0.3"));
  EXPECT_THAT(issue.affected, ElementsAre(std::pair<std::string, Uuid>("plugins", id_of(1))));
}

TEST(Projection, OlderKongLosesNewerFieldsAtEveryDepth) {
  const Passed passed = pass(kong("3.9.0.0"), grown());
  const Json config = *passed.document().find("config");
  EXPECT_THAT(names(config), ElementsAre("old", "from_kong", "redis"));
  EXPECT_THAT(names(*config.find("redis")), ElementsAre("host"));
  EXPECT_THAT(passed.codes(), ElementsAre("FIELD_UNKNOWN:plugins.grown.config.from_sluice",
                                          "FIELD_UNKNOWN:plugins.grown.config.from_both",
                                          "FIELD_UNKNOWN:plugins.grown.config.redis.cloud"));
}

TEST(Projection, FieldsThatSayNothingGoWithoutAWord) {
  const Passed passed = pass(kong("3.8.0.0"), canonical("plugins", R"({"name":"grown"})"));
  EXPECT_THAT(names(*passed.document().find("config")), ElementsAre("old", "redis"));
  EXPECT_THAT(passed.issues, IsEmpty());
}

TEST(Projection, RowsWithoutAnythingNewKeepTheirText) {
  for (const char* type : {"services", "routes", "consumers", "keyauth_credentials"}) {
    const EntityRow row = row_of(type, 1, "this is not read");
    const auto projected = Projection(catalog(), kong("3.9.0.0"), kKong, kSluice).row(row, nullptr);
    ASSERT_TRUE(projected.has_value()) << type;
    EXPECT_EQ(projected->document, row.document);
  }
}

TEST(Projection, WhatIsLeftIsCanonicalStill) {
  const Passed passed = pass(kong("3.9.0.0"), grown());
  EXPECT_EQ(to_json(passed.document()), *passed.row->document);
  EXPECT_TRUE(catalog().find("plugins")->process(passed.document()).has_value());
}

TEST(Projection, WorkspaceStays) {
  EntityRow row = grown();
  row.workspace = id_of(7);
  EXPECT_EQ(pass(kong("3.9.0.0"), row).row->workspace, id_of(7));
}

TEST(Projection, PluginThatThePeerLacksHoldsEverythingBack) {
  Peer peer = kong("3.10.0.0");
  peer.plugins = list_of({"plain"});
  const Passed passed = pass(peer, grown());
  EXPECT_FALSE(passed.row.has_value());
  ASSERT_THAT(passed.codes(), ElementsAre("PLUGIN_UNKNOWN:grown"));
  EXPECT_EQ(passed.issues.front().severity, Severity::Error);
  EXPECT_TRUE(pass(peer, canonical("plugins", R"({"name":"plain"})")).row.has_value());
}

TEST(Projection, DisabledPluginThatThePeerLacksIsLeftOut) {
  Peer peer = kong("3.10.0.0");
  peer.plugins.emplace();
  const Passed passed = pass(peer, canonical("plugins", R"({"name":"plain","enabled":false})"));
  EXPECT_FALSE(passed.row.has_value());
  EXPECT_EQ(passed.issues.at(0).severity, Severity::Warning);
}

TEST(Projection, PluginOfOursIsUnknownToOursWithoutIt) {
  Peer peer = sluice_peer("0.4.0");
  peer.plugins = list_of({"plain"});
  EXPECT_FALSE(pass(peer, grown()).row.has_value());
}

TEST(Projection, NewerTypesAreLeftOut) {
  const EntityRow partial = canonical("partials", R"({"name":"r","type":"redis-ce","config":{}})");
  const Passed older = pass(kong("3.9.0.0"), partial);
  EXPECT_FALSE(older.row.has_value());
  EXPECT_THAT(older.codes(), ElementsAre("TYPE_UNKNOWN:partials"));
  EXPECT_THAT(older.issues.front().resolution, HasSubstr("Kong 3.10"));
  EXPECT_TRUE(pass(kong("3.10.0.0"), partial).row.has_value());
}

// The community edition's versions have three parts.
TEST(Projection, CommunityEditionLacksTypes) {
  const EntityRow group = canonical("consumer_groups", R"({"name":"gold"})");
  const Passed passed = pass(kong("3.9.1"), group);
  EXPECT_FALSE(passed.row.has_value());
  EXPECT_THAT(passed.codes(), ElementsAre("TYPE_UNKNOWN:consumer_groups"));
  EXPECT_THAT(passed.issues.front().resolution, HasSubstr("Kong Enterprise"));
  EXPECT_TRUE(pass(kong("3.9.1.0"), group).row.has_value());
}

// Without its group it would concern everybody.
TEST(Projection, PluginIsNotWidenedByLosingItsScope) {
  const EntityRow scoped =
      canonical("plugins", R"({"name":"plain","consumer_group":{"id":"00000000-0000-4000-8000-000000000002"}})");
  const Passed passed = pass(kong("3.9.1"), scoped);
  EXPECT_FALSE(passed.row.has_value());
  ASSERT_THAT(passed.codes(), ElementsAre("FIELD_UNKNOWN:plugins.consumer_group"));
  EXPECT_EQ(passed.issues.front().severity, Severity::Error);
  EXPECT_TRUE(pass(kong("3.9.1"), canonical("plugins", R"({"name":"plain"})")).row.has_value());
}

TEST(Projection, PluginIsNotSentWithoutTheValuesOfItsPartials) {
  const EntityRow linked =
      canonical("plugins",
                R"({"name":"plain","partials":[{"id":"00000000-0000-4000-8000-000000000002","path":"config.redis"}]})");
  EXPECT_EQ(pass(kong("3.9.0.0"), linked).issues.at(0).severity, Severity::Error);
}

TEST(Projection, NewerValuesAreReplacedByOlderOnes) {
  const EntityRow upstream =
      canonical("upstreams", R"({"name":"u","algorithm":"sticky-sessions","sticky_sessions_cookie":"c"})");
  const Passed passed = pass(kong("3.10.0.0"), upstream);
  ASSERT_TRUE(passed.row.has_value());
  EXPECT_EQ(*passed.document().find("algorithm"), Json("round-robin"));
  EXPECT_EQ(passed.document().find("sticky_sessions_cookie"), nullptr);
  EXPECT_THAT(passed.codes(), ElementsAre("FIELD_UNKNOWN:upstreams.sticky_sessions_cookie",
                                          "VALUE_UNKNOWN:upstreams.algorithm=sticky-sessions"));
  EXPECT_EQ(*pass(kong("3.11.0.0"), upstream).document().find("algorithm"), Json("sticky-sessions"));
}

TEST(Projection, ValuesThatNothingCanReplaceHoldEverythingBack) {
  const EntityRow service = row_of("services", 1, R"({"id":"x","protocol":"wss","host":"a"})");
  EXPECT_EQ(pass(kong("3.9.1"), service).issues.at(0).severity, Severity::Error);
  EXPECT_TRUE(pass(kong("3.9.1.0"), service).row.has_value());
  const EntityRow route = row_of("routes", 1, R"({"id":"x","protocols":["ws","wss"]})");
  EXPECT_FALSE(pass(kong("3.9.1"), route).row.has_value());
}

TEST(Projection, MembershipsHaveNoIdInKong) {
  const EntityRow member =
      canonical("consumer_group_consumers", R"({"consumer_group":{"id":"00000000-0000-4000-8000-000000000002"},)"
                                            R"("consumer":{"id":"00000000-0000-4000-8000-000000000003"}})");
  const Passed passed = pass(kong("3.12.0.0"), member);
  ASSERT_TRUE(passed.row.has_value());
  EXPECT_EQ(passed.document().find("id"), nullptr);
  EXPECT_EQ(passed.row->id, member.id);
  EXPECT_THAT(passed.issues, IsEmpty());
  EXPECT_EQ(pass(sluice_peer("0.4.0"), member).row->document, member.document);
}

TEST(Projection, OldKongLosesWhatCameInItsThirdMajor) {
  const EntityRow consumer = canonical("consumers", R"({"username":"a"})");
  EXPECT_EQ(pass(kong("3.2.0.0"), consumer).document().find("updated_at"), nullptr);
  EXPECT_THAT(pass(kong("3.2.0.0"), consumer).issues, IsEmpty());
  EXPECT_FALSE(pass(kong("3.0.0.0"), canonical("key_sets", R"({"name":"k"})")).row.has_value());
}

TEST(Projection, UnreadableVersionKnowsNothingNew) {
  const Passed passed = pass(kong("?"), grown());
  EXPECT_THAT(names(*passed.document().find("config")), ElementsAre("old", "redis"));
}

TEST(Projection, KeysAreEqualForPeersThatGetTheSame) {
  EXPECT_EQ(Projection::key(kong("3.10.0.0")), Projection::key(kong("3.10.0.3")));
  EXPECT_NE(Projection::key(kong("3.10.0.0")), Projection::key(kong("3.9.0.0")));
  EXPECT_NE(Projection::key(kong("3.9.1")), Projection::key(kong("3.9.1.0")));
  EXPECT_NE(Projection::key(kong("3.10.0.0")), Projection::key(sluice_peer("3.10.0")));
  Peer some = kong("3.10.0.0");
  some.plugins = list_of({"a"});
  Peer same = some;
  same.plugins->at("a") = "2";
  Peer other = some;
  other.plugins = list_of({"b"});
  EXPECT_EQ(Projection::key(some), Projection::key(same));
  EXPECT_NE(Projection::key(some), Projection::key(other));
  EXPECT_NE(Projection::key(some), Projection::key(kong("3.10.0.0")));
}

// Property: whatever the peer, what it gets is what it knows, and giving it again changes nothing.
TEST(Projection, IsAFixedPointForEveryRowAndPeer) {
  std::vector<EntityRow> rows = sample_rows(catalog());
  std::erase_if(rows, [](const EntityRow& row) { return row.type == "plugins"; });
  rows.push_back(grown());
  for (const char* version : {"3.0.0.0", "3.4.0.0", "3.9.1", "3.10.0.0", "3.12.0.0"}) {
    const Projection projection(catalog(), kong(version), kKong, kSluice);
    for (const EntityRow& row : rows) {
      const auto once = projection.row(row, nullptr);
      if (!once) continue;
      std::vector<CompatibilityIssue> issues;
      const auto twice = projection.row(*once, &issues);
      ASSERT_TRUE(twice.has_value()) << version << ' ' << row.type;
      EXPECT_EQ(twice->document, once->document) << version << ' ' << row.type;
      EXPECT_THAT(issues, IsEmpty()) << version << ' ' << row.type;
    }
  }
}

TEST(Admission, KongMayBeOlderButNotNewer) {
  EXPECT_TRUE(admit(kong("3.12.0.1"), kKong, kSluice).admitted);
  EXPECT_TRUE(admit(kong("3.4.3"), kKong, kSluice).admitted);
  for (const char* version : {"3.13.0.0", "2.8.1", "4.0.0", "", "x"}) {
    const Admission admission = admit(kong(version), kKong, kSluice);
    EXPECT_FALSE(admission.admitted) << version;
    EXPECT_EQ(admission.code, "kong_version_incompatible");
    EXPECT_THAT(admission.reason, HasSubstr("Kong"));
  }
}

TEST(Admission, OursMayBeTwoMinorsOlderAndOneNewer) {
  for (const char* version : {"0.2.0", "0.3.7", "0.4.0", "0.5.0"}) {
    EXPECT_TRUE(admit(sluice_peer(version), kKong, kSluice).admitted) << version;
  }
  for (const char* version : {"0.1.9", "0.6.0", "1.4.0", "x"}) {
    const Admission admission = admit(sluice_peer(version), kKong, kSluice);
    EXPECT_FALSE(admission.admitted) << version;
    EXPECT_EQ(admission.code, "sluice_version_incompatible");
  }
}

CompatibilityIssue issue(std::string code, Severity severity, std::uint64_t id) {
  CompatibilityIssue made;
  made.code = std::move(code);
  made.severity = severity;
  made.description = severity == Severity::Error ? "bad" : "odd";
  made.affected.emplace_back("plugins", id_of(id));
  return made;
}

TEST(Merge, JoinsWhatEqualCodesAffect) {
  std::vector<CompatibilityIssue> all;
  merge(all, {issue("A", Severity::Warning, 1), issue("B", Severity::Warning, 1)});
  merge(all, {issue("A", Severity::Error, 2), issue("A", Severity::Warning, 1)});
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].affected.size(), 2U);
  EXPECT_EQ(all[0].severity, Severity::Error);
  EXPECT_EQ(all[0].description, "bad");
}

TEST(Merge, NamesAHundredAtMost) {
  std::vector<CompatibilityIssue> all;
  for (std::uint64_t i = 0; i < 500; ++i) merge(all, {issue("A", Severity::Warning, i)});
  EXPECT_EQ(all.at(0).affected.size(), 100U);
}

}  // namespace
}  // namespace sluice::sync::wire
