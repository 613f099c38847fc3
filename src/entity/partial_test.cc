// SPDX-License-Identifier: Apache-2.0
#include "entity/partial.h"

#include <gmock/gmock.h>

#include "entity/all.h"
#include "entity/catalog_fixture.h"
#include "entity/declarative.h"
#include "schema/contract.h"

namespace sluice::entity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

struct InnerRedis {
  std::optional<std::string> host;
  int port = 6379;
  int timeout = 2000;
  int database = 0;
  bool ssl = false;
  bool ssl_verify = false;
  static void describe(schema::Record<InnerRedis>& r) {
    r.field<&InnerRedis::host>("host");
    r.field<&InnerRedis::port>("port").optional();
    r.field<&InnerRedis::timeout>("timeout").optional();
    r.field<&InnerRedis::database>("database").optional();
    r.field<&InnerRedis::ssl>("ssl").optional();
    r.field<&InnerRedis::ssl_verify>("ssl_verify").optional();
  }
};
struct SharedConfig {
  std::string policy = "local";
  InnerRedis redis;
  static void describe(schema::Record<SharedConfig>& r) {
    r.field<&SharedConfig::policy>("policy").rule(schema::one_of({"local", "redis"}));
    r.field<&SharedConfig::redis>("redis");
    r.shorthand_for("redis_port", schema::Type::Integer, {"redis", "port"});
    r.plugin_check(
        schema::conditional("config.policy", schema::equal_to("redis"), "config.redis.host", schema::required()));
  }
};

PluginSchemas plugins() {
  PluginSchemas all = test_plugins();
  all.add({.name = "count", .config = schema::describe<SharedConfig>()});
  return all;
}

class PartialTest : public testing::Test {
 protected:
  const Catalog catalog{plugins()};
  Json partial = parse(R"({"type":"redis-ce","config":{"host":"r.test","port":7000}})");
  const FindPartial find = [this](const Uuid& id) -> std::optional<Json> {
    return id.is_nil() ? std::nullopt : std::optional(partial);
  };
  static constexpr const char* kLink =
      R"("partials":[{"id":"11111111-1111-4111-8111-111111111111","path":"config.redis"}])";

  /// The canonical document, or what is wrong.
  std::string processed(std::string_view text, Json* out = nullptr) {
    Json document = parse(text);
    schema::Violations violations;
    process_entity(catalog, *catalog.find("plugins"), document, {}, find, violations);
    if (out != nullptr) *out = document;
    return violations.empty() ? "" : violations.message();
  }
};

TEST_F(PartialTest, TypesAgreeWithThePublishedAdminApi) {
  const auto spec = schema::load_contract("gateway/admin-ee-3.10.yaml");
  if (!spec) GTEST_SKIP() << "gateway/admin-ee-3.10.yaml is not at hand";
  const Json& all = *spec->find("components")->find("schemas");
  for (const auto& [type, name] : {std::pair("redis-ce", "PartialRedisCe"), std::pair("redis-ee", "PartialRedisEe")}) {
    const Json& config = *all.find(name)->find("properties")->find("config");
    EXPECT_THAT(schema::compare_contract(*partial_config(type), config), IsEmpty()) << type;
  }
}

TEST_F(PartialTest, HasTheDefaultsOfItsType) {
  const Json ee = accepted(catalog, "partials", R"({"name":"x","type":"redis-ee"})");
  EXPECT_EQ(ee.find("config")->find("keepalive_pool_size")->as_int(), 256);
  EXPECT_THAT(refused(catalog, "partials", R"({"type":"redis-ee","config":{"sentinel_role":"any"}})"),
              HasSubstr("all or none of these fields must be set: 'sentinel_role', 'sentinel_master'"));
}

TEST_F(PartialTest, FreeFormTypesAreKeptAsTheyAre) {
  const Json model = accepted(catalog, "partials", R"({"type":"embeddings","config":{"model":{"name":"m"}}})");
  EXPECT_EQ(model.find("config")->find("model")->find("name")->as_string(), "m");
  EXPECT_THAT(refused(catalog, "partials", R"({"type":"embeddings","config":"x"})"),
              HasSubstr("config: expected a record"));
}

TEST_F(PartialTest, EveryTextOfAFreeFormTypeIsASecretUnlessItRefersToOne) {
  Json model = accepted(catalog, "partials", R"({"type":"model","config":{"auth":{"header_value":"Bearer k"},
    "targets":[{"key":"t"},"u"],"ref":"{vault://env/k}","size":7}})");
  std::vector<std::string> found;
  catalog.find("partials")->visit_secrets(model, [&](const std::string& secret) { found.push_back(secret); });
  EXPECT_THAT(found, ElementsAre("Bearer k", "t", "u"));
}

TEST_F(PartialTest, PlacesFollowFromTheConfiguration) {
  EXPECT_THAT(partial_places(*catalog.plugin_config("count")),
              ElementsAre(Pair("redis-ce", ElementsAre("config.redis"))));
  EXPECT_THAT(partial_places(*catalog.plugin_config("key-auth")), IsEmpty());
}

TEST_F(PartialTest, APluginIsJudgedWithItsPartialAndKeptWithout) {
  const std::string plugin = R"({"name":"count","config":{"policy":"redis"},)" + std::string(kLink) + "}";
  Json document;
  EXPECT_EQ(processed(plugin, &document), "");
  EXPECT_TRUE(document.find("config")->find("redis")->find("host")->is_null());
  EXPECT_EQ(with_partials(document, find).find("config")->find("redis")->find("port")->as_int(), 7000);
  partial = parse(R"({"type":"redis-ce","config":{"port":1}})");
  EXPECT_THAT(processed(plugin), HasSubstr("required field missing"));
}

TEST_F(PartialTest, WhatIsReadOfALinkedPluginCanBeSentBack) {
  EXPECT_EQ(
      processed(R"({"name":"count","config":{"redis_port":6379,"redis":{"port":6379}},)" + std::string(kLink) + "}"),
      "");
}

TEST_F(PartialTest, APathIsFoundWhereThereIsOne) {
  Json document;
  EXPECT_EQ(processed(R"({"name":"count","partials":[{"id":"11111111-1111-4111-8111-111111111111"}]})", &document), "");
  EXPECT_EQ(partial_links(document).front().path, "config.redis");
  EXPECT_THAT(processed(R"({"name":"key-auth",)" + std::string(kLink) + "}"),
              HasSubstr("no place for a partial of type 'redis-ce'; this plugin takes: none"));
}

TEST_F(PartialTest, AnUnknownPartialHasAPlaceToo) {
  const FindPartial nothing = [](const Uuid&) { return std::nullopt; };
  const auto judged = [&](std::string_view path) {
    Json document = parse(R"({"name":"count","partials":[{"id":"99999999-9999-4999-8999-999999999999","path":")" +
                          std::string(path) + "\"}]}");
    schema::Violations violations;
    process_entity(catalog, *catalog.find("plugins"), document, {}, nothing, violations);
    return violations.empty() ? "" : violations.message();
  };
  EXPECT_EQ(judged("config.redis"), "");
  for (const std::string_view path : {"config.nope", "config.policy", "config", "nope", "config.redis.host", "."}) {
    EXPECT_THAT(judged(path), HasSubstr("no place for a partial; this plugin takes: redis-ce at config.redis")) << path;
  }
}

TEST_F(PartialTest, APartialThatIsNoneHasNoPlace) {
  partial = parse(R"({"type":7,"config":"x"})");
  EXPECT_THAT(processed(R"({"name":"count",)" + std::string(kLink) + "}"), HasSubstr("no place for a partial"));
}

TEST_F(PartialTest, FilesLinkByNameWhereverThePluginStands) {
  const auto rows = load_declarative(catalog, parse(R"({"_format_version":"3.0",
    "partials":[{"name":"r","type":"redis-ce","config":{"host":"h"}}],
    "services":[{"name":"s","host":"x","plugins":[{"name":"count","config":{"policy":"redis"},
      "partials":[{"name":"r"}]}]}]})"));
  ASSERT_TRUE(rows.has_value()) << rows.error().all.text();
  Uuid partial_id;
  for (const Row& row : *rows) {
    if (row.type->name() == Partial::kName) partial_id = row.id;
    if (row.type->name() == Plugin::kName) EXPECT_EQ(partial_links(row.json()).front().id, partial_id);
  }
  const auto lost = load_declarative(catalog, parse(R"({"_format_version":"3.0",
    "plugins":[{"name":"count","partials":[{"name":"r"}]}]})"));
  ASSERT_FALSE(lost.has_value());
  EXPECT_EQ(lost.error().all.text(),
            "plugins[0].partials: invalid reference 'partials: r' (no such entry in 'partials')");
}

}  // namespace
}  // namespace sluice::entity
