// SPDX-License-Identifier: Apache-2.0
#include "schema/published.h"

#include <optional>
#include <string>
#include <vector>

#include "schema/contract.h"
#include "schema/record.h"

namespace sluice::schema {
namespace {

struct Sample {
  std::optional<std::string> key;
  std::vector<std::string> names = {"a"};
  int level = 3;

  static void describe(Record<Sample>& r) {
    r.field<&Sample::key>("key", "A key.").referenceable().encrypted();
    r.field<&Sample::names>("names", "Names.").each(header_name());
    r.field<&Sample::level>("level", "How much.").rule(between(1, 5));
    r.check(at_least_one_of({"key", "names"}));
  }
};

TEST(KongSchema, ListsFieldsAsObjectsWithOneMember) {
  EXPECT_EQ(to_json(kong_schema(describe<Sample>())),
            R"({"fields":[{"key":{"type":"string","description":"A key.","referenceable":true,"encrypted":true}},)"
            R"({"names":{"type":"array","description":"Names.","required":true,"default":["a"],)"
            R"("elements":{"type":"string","required":true}}},)"
            R"({"level":{"type":"integer","description":"How much.","required":true,"default":3,"between":[1,5]}}],)"
            R"("entity_checks":[{"at_least_one_of":["key","names"]}]})");
}

TEST(JsonSchema, GivesTypesDefaultsAndBounds) {
  const Json schema = json_schema(describe<Sample>());
  const Json* properties = schema.find("properties");
  ASSERT_NE(properties, nullptr);
  EXPECT_EQ(to_json(*properties->find("level")),
            R"({"type":"integer","description":"How much.","default":3,"minimum":1,"maximum":5})");
  EXPECT_EQ(to_json(*properties->find("names")->find("items")), R"({"type":"string"})");
  EXPECT_EQ(schema.find("required"), nullptr);
}

struct BotDetection {
  std::vector<std::string> allow;
  std::vector<std::string> deny;

  static void describe(Record<BotDetection>& r) {
    r.field<&BotDetection::allow>("allow").each(is_regex());
    r.field<&BotDetection::deny>("deny").each(is_regex());
  }
};

TEST(Contract, AgreesWithAPublishedPlugin) {
  const auto differences = compare_plugin_contract(describe<BotDetection>(), "BotDetection");
  if (!differences) GTEST_SKIP() << "BotDetection.json is not at hand";
  EXPECT_THAT(*differences, ::testing::IsEmpty());
}

TEST(Contract, NamesEveryDifference) {
  auto published = parse_json(
      R"({"properties":{"key":{"type":"integer"},"names":{"type":"array","default":["b"],"items":{"type":"string"}},)"
      R"("other":{"type":"string"},"level":{"type":"integer","default":3,"minimum":1,"maximum":9}},
    "required":["key"]})");
  ASSERT_TRUE(published.has_value());
  EXPECT_THAT(compare_contract(describe<Sample>(), *published, {.left_out = {"other"}}),
              ::testing::ElementsAre(R"(key: type is "string", the contract says "integer")",
                                     "key: x-referenceable is true, the contract says nothing",
                                     "key: x-encrypted is true, the contract says nothing",
                                     R"(names: default is ["a"], the contract says ["b"])",
                                     "level: maximum is 5, the contract says 9", "key: required in the contract"));
}

}  // namespace
}  // namespace sluice::schema
