// SPDX-License-Identifier: Apache-2.0
#include "store/memory_store.h"

#include <gtest/gtest.h>

#include "entity/catalog_fixture.h"
#include "store/member.h"

namespace sluice::store {
namespace {

sync::EntityRow row(const entity::Catalog& catalog, std::string_view type, std::string_view input) {
  Json document = entity::accepted(catalog, type, input);
  const Uuid id = *Uuid::parse(document.find("id")->as_string());
  return {std::string(type), id, std::make_shared<const std::string>(to_json(document))};
}

constexpr std::string_view kService =
    R"({"id":"11111111-1111-4111-8111-111111111111","name":"alpha","host":"a.test","tags":["x","y"]})";
constexpr std::string_view kRoute =
    R"({"id":"22222222-2222-4222-8222-222222222222","name":"r","paths":["/"],"tags":["x"],
        "service":{"id":"11111111-1111-4111-8111-111111111111"}})";

class MemoryStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    sync::Delta delta;
    delta.upserts = {row(catalog, "services", kService), row(catalog, "routes", kRoute)};
    delta.hash = std::string(32, 'a');
    store.apply(delta);
  }

  entity::Catalog catalog{entity::test_plugins()};
  MemoryStore store{catalog};
  const Uuid service = *Uuid::parse("11111111-1111-4111-8111-111111111111");
  const Uuid route = *Uuid::parse("22222222-2222-4222-8222-222222222222");
};

TEST(Member, FindsTopLevelMembersOnly) {
  const std::string_view document = R"({"a":{"b":"}\""},"b":[1,"]"],"c":"x\"y","d":-1.5,"e":null})";
  EXPECT_EQ(raw_member(document, "a"), R"({"b":"}\""})");
  EXPECT_EQ(raw_member(document, "b"), R"([1,"]"])");
  EXPECT_EQ(raw_member(document, "d"), "-1.5");
  EXPECT_EQ(raw_member(document, "e"), "null");
  EXPECT_EQ(raw_member(document, "f"), "");
  EXPECT_EQ(raw_member("{}", "a"), "");
  EXPECT_EQ(member_texts(document, "c"), std::vector<std::string>{"x\"y"});
  EXPECT_TRUE(member_texts(document, "e").empty());
}

TEST_F(MemoryStoreTest, RowsAreFoundByIdNameReferenceAndTag) {
  EXPECT_NE(store.table("services").find(service), nullptr);
  EXPECT_EQ(store.table("services").find_unique("name", "alpha"), service);
  EXPECT_TRUE(store.table("services").find_unique("name", "beta").is_nil());
  ASSERT_NE(store.table("routes").find_all("service", service.to_string()), nullptr);
  EXPECT_EQ(*store.table("routes").find_all("service", service.to_string()), Ids{route});
  EXPECT_EQ(*store.table("services").find_all("tags", "y"), Ids{service});
}

TEST_F(MemoryStoreTest, IndexesAreBuiltAheadInEveryWorkspaceAlsoWhereNewRowsCameMeanwhile) {
  while (store.index_ahead()) {
  }
  for (const std::string_view workspace :
       {"99999999-9999-4999-8999-999999999999", "11111111-0000-4000-8000-000000000000"}) {
    auto added = row(catalog, "services", R"({"host":"b.test"})");
    added.workspace = *Uuid::parse(workspace);
    store.put(added);
    EXPECT_TRUE(store.index_ahead()) << workspace;
    while (store.index_ahead()) {
    }
  }
}

TEST_F(MemoryStoreTest, IndexesFollowAnUpdate) {
  EXPECT_EQ(store.table("services").find_unique("name", "alpha"), service);
  sync::Delta delta;
  delta.upserts = {row(catalog, "services", R"({"id":"11111111-1111-4111-8111-111111111111","name":"b","host":"a"})")};
  store.apply(delta);
  EXPECT_TRUE(store.table("services").find_unique("name", "alpha").is_nil());
  EXPECT_EQ(store.table("services").find_unique("name", "b"), service);
  EXPECT_EQ(store.table("services").find_all("tags", "x"), nullptr);
}

TEST_F(MemoryStoreTest, IndexesCanBeBuiltAheadUntilNoneIsMissing) {
  unsigned built = 0;
  while (store.index_ahead()) ++built;
  EXPECT_GE(built, 3U);  // a service's name, a route's name, a route's service
  EXPECT_EQ(store.table("services").find_unique("name", "alpha"), service);
  EXPECT_FALSE(store.index_ahead());
}

TEST_F(MemoryStoreTest, ARemovedRowIsGoneFromIndexesToo) {
  EXPECT_EQ(store.table("routes").find_unique("name", "r"), route);
  sync::Delta delta;
  delta.removals = {{"routes", route}};
  store.apply(delta);
  EXPECT_EQ(store.table("routes").find(route), nullptr);
  EXPECT_TRUE(store.table("routes").find_unique("name", "r").is_nil());
}

TEST_F(MemoryStoreTest, ACompleteDeltaReplacesEverything) {
  sync::Delta delta;
  delta.complete = true;
  delta.hash = std::string(32, 'b');
  delta.upserts = {row(catalog, "consumers", R"({"username":"ann"})")};
  store.apply(delta);
  EXPECT_TRUE(store.table("services").rows().empty());
  EXPECT_EQ(store.table("consumers").rows().size(), 1U);
  EXPECT_EQ(store.hash(), std::string(32, 'b'));
}

TEST_F(MemoryStoreTest, ACacheKeyIsComparedAsAWhole) {
  const std::string plugin = R"({"name":"key-auth","service":{"id":"11111111-1111-4111-8111-111111111111"}})";
  sync::Delta delta;
  delta.upserts = {row(catalog, "plugins", plugin)};
  store.apply(delta);
  EXPECT_EQ(store.table("plugins").find_same_key(*row(catalog, "plugins", plugin).document), delta.upserts[0].id);
  EXPECT_TRUE(
      store.table("plugins").find_same_key(*row(catalog, "plugins", R"({"name":"key-auth"})").document).is_nil());
}

TEST_F(MemoryStoreTest, WorkspacesHaveNamesOfTheirOwn) {
  const Uuid team = *Uuid::parse("33333333-3333-4333-8333-333333333333");
  sync::EntityRow other =
      row(catalog, "services", R"({"id":"44444444-4444-4444-8444-444444444444","name":"alpha","host":"b"})");
  other.workspace = team;
  store.put(other);
  EXPECT_EQ(store.space(team).table("services").find_unique("name", "alpha"), other.id);
  EXPECT_EQ(store.table("services").find_unique("name", "alpha"), service);
  EXPECT_EQ(store.space_of("services", other.id)->id(), team);
  store.erase({"services", other.id});
  EXPECT_TRUE(store.space(team).empty());
  EXPECT_EQ(store.space_of("services", other.id), nullptr);
}

TEST_F(MemoryStoreTest, WhatWorkspacesShareIsFoundThroughEachOfThem) {
  const Uuid team = *Uuid::parse("33333333-3333-4333-8333-333333333333");
  sync::EntityRow license = row(catalog, "licenses", R"({"payload":"x"})");
  license.workspace = team;
  store.put(license);
  EXPECT_NE(store.space(team).table("licenses").find(license.id), nullptr);
  EXPECT_NE(store.table("licenses").find(license.id), nullptr);
}

}  // namespace
}  // namespace sluice::store
