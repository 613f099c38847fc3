// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster/node_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/cluster/node_table.h"

namespace sluice::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::string_view kHash = "0123456789abcdef0123456789abcdef";

const PlaneName kShop = {"99999999-0000-4000-8000-000000000000", "shop"};

/// A node that serves what it should, as the platform API shows it, with some members replaced.
Json node(Json::Object changes) {
  Json::Object members{{"id", "11111111-2222-4333-8444-555555555555"},
                       {"version", "0.1.0"},
                       {"hostname", "edge-1"},
                       {"last_ping", kNow - 3},
                       {"config_hash", kHash},
                       {"compatibility_status", Json::Object{{"state", "COMPATIBILITY_STATE_FULLY_COMPATIBLE"}}},
                       {"connected", true},
                       {"product", "sluice"},
                       {"sync_status", "normal"},
                       {"config_version", "1.42"},
                       {"config_error", nullptr},
                       {"certificate_expires", kNow + 400 * 86'400}};
  for (auto& [name, value] : changes) members.set(name, std::move(value));
  return members;
}

Json expected(std::int64_t changed = kNow - 100) {
  return Json::Object{{"expected_hash", kHash}, {"updated_at", changed}};
}

NodeList list_of(Json::Array nodes) {
  return NodeReader().read(kShop, nodes, expected(), kNow);
}

NodeRow row_of(Json::Object changes) {
  return list_of({node(std::move(changes))}).rows.at(0);
}

TEST(NodeList, ANodeThatServesTheExpectedHashIsInSync) {
  const NodeRow row = row_of({});
  EXPECT_EQ(row.state, NodeState::InSync);
  EXPECT_EQ(row.behind_since, 0);
  EXPECT_EQ(row.version, "sluice 0.1.0");
}

TEST(NodeList, ANodeThatServesAnotherHashIsBehindSinceTheConfigurationChanged) {
  const NodeRow row = row_of({{"config_hash", std::string(32, '0')}});
  EXPECT_EQ(row.state, NodeState::Behind);
  EXPECT_EQ(row.behind_since, kNow - 100);
}

TEST(NodeList, LagGrowsOverSeveralChangesThatANodeMisses) {
  NodeReader reader;
  const Json::Array nodes = {node({{"config_hash", "old"}})};
  reader.read(kShop, nodes, expected(kNow - 100), kNow);
  EXPECT_EQ(reader.read(kShop, nodes, expected(kNow + 1), kNow + 2).rows.at(0).behind_since, kNow - 100);
}

TEST(NodeList, LagBeginsAnewOnceANodeHasBeenCurrent) {
  NodeReader reader;
  reader.read(kShop, {node({{"config_hash", "old"}})}, expected(kNow - 100), kNow);
  reader.read(kShop, {node({})}, expected(kNow - 100), kNow + 1);
  const auto list = reader.read(kShop, {node({{"config_hash", "old"}})}, expected(kNow + 5), kNow + 6);
  EXPECT_EQ(list.rows.at(0).behind_since, kNow + 5);
}

TEST(NodeList, ARefusalNamesTheEntity) {
  const NodeRow row = row_of(
      {{"config_hash", "old"},
       {"config_error",
        Json::Object{{"name", "declarative configuration parse failure"},
                     {"message", "paths: no such pattern"},
                     {"errors", Json::Array{Json::Object{{"entity_type", "route"}, {"entity_name", "billing"}}}}}}});
  EXPECT_EQ(row.state, NodeState::Refused);
  EXPECT_EQ(row.reason, "paths: no such pattern (route billing)");
}

TEST(NodeList, AnOldRefusalIsOfNoInterestOnceTheNodeIsCurrent) {
  EXPECT_EQ(row_of({{"config_error", Json::Object{{"message", "paths"}}}}).state, NodeState::InSync);
}

TEST(NodeList, AnIncompatibleNodeIsShownWithItsFirstError) {
  const Json issues = Json::Array{Json::Object{{"severity", "warning"}, {"description", "left out"}},
                                  Json::Object{{"severity", "error"}, {"description", "plugin mine is missing"}}};
  const NodeRow row = row_of({{"config_hash", "old"},
                              {"sync_status", "plugin_set_incompatible"},
                              {"compatibility_status", Json::Object{{"issues", issues}}}});
  EXPECT_EQ(row.state, NodeState::Incompatible);
  EXPECT_EQ(row.reason, "plugin mine is missing");
  EXPECT_EQ(row.limitations, 1U);
}

TEST(NodeList, ANodeWithoutALinkIsAwayWhateverItServes) {
  EXPECT_EQ(row_of({{"connected", false}}).state, NodeState::Away);
}

TEST(NodeList, WhereTheLinkIsNotSaidALongSilenceTells) {
  EXPECT_EQ(row_of({{"connected", nullptr}, {"last_ping", kNow - 60}}).state, NodeState::InSync);
  EXPECT_EQ(row_of({{"connected", nullptr}, {"last_ping", kNow - 600}}).state, NodeState::Away);
}

TEST(NodeList, WhatWantsALookComesFirst) {
  const NodeList list = list_of({node({{"hostname", "c"}}), node({{"hostname", "b"}, {"config_hash", "old"}}),
                                 node({{"hostname", "a"}, {"connected", false}})});
  EXPECT_THAT((std::vector<std::string>{list.rows[0].hostname, list.rows[1].hostname, list.rows[2].hostname}),
              ElementsAre("b", "a", "c"));
}

TEST(NodeTable, IsPlainTextInAPipe) {
  EXPECT_EQ(node_table(list_of({node({}), node({{"id", "99999999-2222-4333-8444-555555555555"},
                                                {"hostname", "edge-2"},
                                                {"config_hash", "old"},
                                                {"config_version", "1.41"}})}),
                       {}),
            "control plane shop: 2 data planes, 1 in sync, 1 behind\n"
            "\n"
            "NODE      HOST    VERSION       CONFIG  STATE    LAG   SEEN    NOTES\n"
            "99999999  edge-2  sluice 0.1.0  1.41    behind   100s  3s ago\n"
            "11111111  edge-1  sluice 0.1.0  1.42    in sync  -     3s ago\n");
}

TEST(NodeTable, TellsNodesOfOneHostNameApartByTheirAddressesElseTheirLabels) {
  const auto table = [](Json::Object first, Json::Object second) {
    second.set("id", "99999999-2222-4333-8444-555555555555");
    return node_table(list_of({node(std::move(first)), node(std::move(second)), node({{"hostname", "edge-2"}})}), {});
  };
  EXPECT_THAT(table({{"ip", "10.0.0.7"}}, {{"ip", "10.0.0.8"}}),
              AllOf(HasSubstr("edge-1 (10.0.0.7)  sluice"), HasSubstr("edge-1 (10.0.0.8)  sluice"),
                    HasSubstr("edge-2             sluice")));
  const Json eu = Json::Object{{"region", "eu"}};
  EXPECT_THAT(table({{"ip", "10.0.0.7"}, {"labels", eu}}, {{"ip", "10.0.0.7"}}),
              AllOf(HasSubstr("edge-1 (region:eu)  sluice"), HasSubstr("edge-1              sluice")));
}

TEST(NodeTable, SaysHowOldItIsWhenItIsNotOfNow) {
  NodeList list = list_of({node({})});
  EXPECT_THAT(node_table(list, {}), Not(HasSubstr("as of")));
  EXPECT_THAT(node_table(list, {.colour = false, .width = 0, .lines = 0, .age = 12}),
              HasSubstr("control plane shop: 1 data plane, 1 in sync (as of 12s ago)\n"));
}

TEST(NodeTable, WarnsOfCertificatesThatEndWithinThirtyDays) {
  const auto table = [](std::int64_t left) {
    return node_table(list_of({node({{"certificate_expires", kNow + left}})}), {});
  };
  EXPECT_THAT(table(10 * 86'400), HasSubstr("its certificate expires in 10d\n"));
  EXPECT_THAT(table(-1), HasSubstr("its certificate has expired\n"));
  EXPECT_THAT(table(31 * 86'400), Not(HasSubstr("certificate")));
}

TEST(NodeTable, ColoursTheStateAlone) {
  EXPECT_THAT(node_table(list_of({node({})}), {.colour = true, .width = 0, .lines = 0}),
              HasSubstr("1.42    \x1b[32min sync\x1b[0m  -"));
}

TEST(NodeTable, FitsTheTerminal) {
  Json::Array nodes;
  for (int i = 0; i < 20; ++i) nodes.push_back(node({{"hostname", std::string(100, 'x')}}));
  const std::string table = node_table(list_of(nodes), {.colour = false, .width = 40, .lines = 10});
  EXPECT_THAT(table, HasSubstr("and 15 more\n"));
  for (std::size_t at = 0, end = 0; at < table.size(); at = end + 1) {
    end = table.find('\n', at);
    EXPECT_LE(end - at, 40U);
  }
}

TEST(NodeTable, NothingThatANodeSaysMovesTheCursor) {
  EXPECT_THAT(node_table(list_of({node({{"hostname", "a\x1b[2Jb\nc"}})}), {}), HasSubstr("  a [2Jb c  "));
}

TEST(NodeTable, DurationsAreAsShortAsAColumn) {
  EXPECT_EQ(short_duration(-5), "0s");
  EXPECT_EQ(short_duration(119), "119s");
  EXPECT_EQ(short_duration(120), "2m");
  EXPECT_EQ(short_duration(7'200), "2h");
  EXPECT_EQ(short_duration(172'800), "2d");
}

TEST(NodeList, AsJsonEachNodeHasItsLag) {
  const Json json = to_json_value(list_of({node({{"config_hash", "old"}})}));
  EXPECT_EQ(json.find("control_plane")->find("id")->as_string(), kShop.id);
  EXPECT_EQ(json.find("control_plane")->find("name")->as_string(), "shop");
  const Json& shown = json.find("nodes")->as_array().at(0);
  EXPECT_EQ(shown.find("state")->as_string(), "behind");
  EXPECT_EQ(shown.find("lag_seconds")->as_int(), 100);
}

}  // namespace
}  // namespace sluice::cli
