// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/deltas.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "entity/catalog_fixture.h"
#include "sync/wire/row_fixture.h"

namespace sluice::sync::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

ReadDeltas read(std::string_view text) {
  auto deltas = read_deltas(json_of(text), kDefault);
  EXPECT_TRUE(deltas.has_value()) << (deltas ? "" : deltas.error().what);
  return deltas ? *std::move(deltas) : ReadDeltas();
}

TEST(Deltas, AreWrittenAsKongWritesThem) {
  const EntityRow service = row_of("services", 1, R"({"id":"00000000-0000-4000-8000-000000000001","name":"a"})");
  const EntityKey route{"routes", id_of(2)};
  EXPECT_EQ(deltas_text({&service, 1}, {&route, 1}, "v02_1", kDefault),
            R"([{"type":"routes","entity":null,"version":"v02_1","ws_id":"0dc6f45b-8f8d-40d2-a504-473544ee190b",)"
            R"("pk":{"id":"00000000-0000-4000-8000-000000000002"}},)"
            R"({"type":"services","entity":{"id":"00000000-0000-4000-8000-000000000001","name":"a"},)"
            R"("version":"v02_1","ws_id":"0dc6f45b-8f8d-40d2-a504-473544ee190b"}])");
}

TEST(Deltas, EmptyListMeansUpToDate) {
  EXPECT_EQ(deltas_text({}, {}, "v", kDefault), "[]");
  for (const char* text : {"[]", "{}"}) {
    const auto deltas = read(text);
    EXPECT_THAT(deltas.upserts, IsEmpty());
    EXPECT_THAT(deltas.removals, IsEmpty());
    EXPECT_EQ(deltas.version, "");
  }
}

TEST(Deltas, ParentsComeFirstAndGoLast) {
  const std::vector<EntityRow> rows = {row_of("plugins", 1, "{}"), row_of("routes", 2, "{}"),
                                       row_of("unheard_of", 3, "{}"), row_of("services", 4, "{}"),
                                       row_of("services", 5, "{}")};
  std::vector<EntityKey> keys;
  for (const EntityRow& row : rows) keys.push_back({row.type, row.id});
  const Json list = json_of(deltas_text(rows, keys, "v", kDefault));
  std::vector<std::string> order;
  for (const Json& delta : list.as_array()) order.push_back(delta.find("type")->as_string());
  EXPECT_THAT(order, ElementsAre("unheard_of", "plugins", "routes", "services", "services",  //
                                 "services", "services", "routes", "plugins", "unheard_of"));
}

// What digest.h compares depends on it.
TEST(Deltas, DocumentsComeBackOctetByOctet) {
  const entity::Catalog catalog(entity::test_plugins());
  std::vector<EntityRow> rows = sample_rows(catalog);
  rows.push_back(row_of("plugins", 900,
                        R"({"id":"x","config":{"rate":0.1,"tiny":5e-324,"huge":1.7976931348623157e+308,)"
                        R"("whole":100.0,"big":9223372036854775807,"small":-9223372036854775808,)"
                        R"("neg":-0.0,"e":1e+17,"empty":{},"list":[],"deep":[[[{"a":[null,true]}]]]}})"));
  rows.push_back(row_of("consumers", 901,
                        R"({"username":"Grüße \u0001 \"q\" \\ 漢字 😀 / \u007f",)"
                        R"("tags":["\t\n"]})"));
  for (EntityRow& row : rows) {
    Json document = json_of(*row.document);
    document.as_object().set("id", row.id.to_string());
    row.document = std::make_shared<const std::string>(to_json(document));
  }
  rows.front().workspace = id_of(77);
  const auto deltas = read(deltas_text(rows, {}, "v02_7", kDefault));
  EXPECT_EQ(deltas.version, "v02_7");
  ASSERT_EQ(deltas.upserts.size(), rows.size());
  for (const EntityRow& row : rows) {
    const auto same = [&](const EntityRow& other) { return other.type == row.type && other.id == row.id; };
    const auto found = std::ranges::find_if(deltas.upserts, same);
    ASSERT_NE(found, deltas.upserts.end()) << row.type;
    EXPECT_EQ(*found->document, *row.document);
    EXPECT_EQ(found->workspace, row.workspace);
  }
}

TEST(Deltas, EveryTypeOfEntityIsSampled) {
  const entity::Catalog catalog(entity::test_plugins());
  std::set<std::string> sampled;
  for (const EntityRow& row : sample_rows(catalog)) sampled.insert(row.type);
  for (const auto& type : catalog.types()) EXPECT_TRUE(sampled.contains(type->name())) << type->name();
}

TEST(Deltas, WhatKongAddsIsTakenOff) {
  const auto deltas = read(R"([
    {"type":"services","version":"v02_1",
     "entity":{"id":"00000000-0000-4000-8000-000000000001","ws_id":"0dc6f45b-8f8d-40d2-a504-473544ee190b"}},
    {"type":"services",
     "entity":{"id":"00000000-0000-4000-8000-000000000002","ws_id":"00000000-0000-4000-8000-000000000009"},
     "version":"v02_2","ws_id":"00000000-0000-4000-8000-000000000009"}])");
  ASSERT_EQ(deltas.upserts.size(), 2U);
  EXPECT_TRUE(deltas.upserts[0].workspace.is_nil());
  EXPECT_EQ(deltas.upserts[1].workspace, id_of(9));
  EXPECT_EQ(*deltas.upserts[1].document, R"({"id":"00000000-0000-4000-8000-000000000002"})");
  EXPECT_EQ(deltas.version, "v02_2");
}

TEST(Deltas, AnotherDefaultWorkspaceIsFoundByItsName) {
  const auto deltas = read(R"([
    {"type":"services","entity":{"id":"00000000-0000-4000-8000-000000000001"},"version":"v",
     "ws_id":"00000000-0000-4000-8000-000000000042"},
    {"type":"workspaces","entity":{"id":"00000000-0000-4000-8000-000000000042","name":"default"},"version":"v",
     "ws_id":"00000000-0000-4000-8000-000000000042"}])");
  EXPECT_EQ(deltas.default_workspace, id_of(0x42));
  ASSERT_EQ(deltas.upserts.size(), 1U);
  EXPECT_TRUE(deltas.upserts[0].workspace.is_nil());
}

TEST(Deltas, DefaultWorkspaceCanBeARow) {
  const entity::Catalog catalog(entity::test_plugins());
  const EntityRow row = default_workspace_row(catalog, kDefault);
  EXPECT_EQ(row.type, "workspaces");
  const auto judged = catalog.find("workspaces")->process(json_of(*row.document));
  EXPECT_TRUE(judged.has_value()) << judged.error().text();
}

// It may carry a comment, and the digest of whoever sent it counts it.
TEST(Deltas, RowOfOurDefaultWorkspaceIsKept) {
  const entity::Catalog catalog(entity::test_plugins());
  const EntityRow row = default_workspace_row(catalog, kDefault);
  const auto deltas = read(deltas_text({&row, 1}, {}, "v", kDefault));
  ASSERT_EQ(deltas.upserts.size(), 1U);
  EXPECT_EQ(*deltas.upserts[0].document, *row.document);
  EXPECT_EQ(deltas.default_workspace, kDefault);
}

TEST(Deltas, MembershipsWithoutIdGetOne) {
  const auto deltas = read(R"([
    {"type":"consumer_group_consumers","version":"v",
     "entity":{"consumer_group":{"id":"00000000-0000-4000-8000-000000000001"},
     "consumer":{"id":"00000000-0000-4000-8000-000000000002"}}},
    {"type":"consumer_group_consumers","version":"v","entity":null,
     "pk":{"consumer_group":{"id":"00000000-0000-4000-8000-000000000001"},
     "consumer":{"id":"00000000-0000-4000-8000-000000000002"}}}])");
  ASSERT_EQ(deltas.upserts.size(), 1U);
  ASSERT_EQ(deltas.removals.size(), 1U);
  EXPECT_EQ(deltas.upserts[0].id, deltas.removals[0].id);
  EXPECT_THAT(*deltas.upserts[0].document, HasSubstr(deltas.upserts[0].id.to_string()));
}

TEST(Deltas, RefusesDamagedOnesWithTheirPlace) {
  for (const char* delta :
       {"1", "{}", R"({"type":5})", R"({"type":"services"})", R"({"type":"services","entity":1,"version":"v"})",
        R"({"type":"services","entity":{},"version":"v"})", R"({"type":"services","entity":{"id":"x"},"version":"v"})",
        R"({"type":"services","entity":null,"pk":{},"version":"v"})",
        R"({"type":"services","entity":null,"pk":"00000000-0000-4000-8000-000000000001","version":"v"})",
        R"({"type":"services","entity":{"id":"00000000-0000-4000-8000-000000000001"},"version":"v","ws_id":"x"})"}) {
    const std::string text = R"([{"type":"a","entity":{"id":"00000000-0000-4000-8000-000000000001"},"version":"v"},)" +
                             std::string(delta) + "]";
    const auto deltas = read_deltas(json_of(text), kDefault);
    ASSERT_FALSE(deltas.has_value()) << delta;
    EXPECT_THAT(deltas.error().what, HasSubstr("delta 1: ")) << delta;
  }
  EXPECT_FALSE(read_deltas(json_of("5"), kDefault).has_value());
  EXPECT_FALSE(
      read_deltas(json_of(R"([{"type":"a","entity":{"id":"00000000-0000-4000-8000-000000000001"}}])"), kDefault));
}

TEST(GetDelta, GoesThereAndBack) {
  EXPECT_EQ(get_delta_params("v02_9"), R"([{"default":{"version":"v02_9"}}])");
  EXPECT_EQ(read_get_delta_params(json_of(get_delta_params("v02_9"))).value(), "v02_9");
  EXPECT_EQ(get_delta_result("[]", true), R"({"default":{"deltas":[],"full_sync":true}})");
  const Json result = json_of(get_delta_result("[]", true));
  const auto answer = read_get_delta_result(result);
  ASSERT_TRUE(answer.has_value());
  EXPECT_TRUE(answer->full);
  EXPECT_TRUE(answer->deltas->is_array());
}

TEST(GetDelta, KnowsTheOldNameOfFullSync) {
  const Json result = json_of(R"({"default":{"deltas":[],"wipe":true}})");
  EXPECT_TRUE(read_get_delta_result(result).value().full);
}

TEST(GetDelta, RefusesOtherShapes) {
  for (const char* text : {"null", "[]", "[{}]", R"([{"default":1}])", R"([{"default":{"version":1}}])",
                           R"({"default":{"version":"v"}})"}) {
    EXPECT_FALSE(read_get_delta_params(json_of(text)).has_value()) << text;
  }
  for (const char* text : {"null", "{}", R"({"default":{}})"}) {
    EXPECT_FALSE(read_get_delta_result(json_of(text)).has_value()) << text;
  }
}

TEST(NewVersion, GoesThereAndBack) {
  EXPECT_EQ(new_version_params("v02_9"), R"([{"default":{"new_version":"v02_9"}}])");
  EXPECT_EQ(read_new_version_params(json_of(new_version_params("v02_9"))).value(), "v02_9");
}

}  // namespace
}  // namespace sluice::sync::wire
