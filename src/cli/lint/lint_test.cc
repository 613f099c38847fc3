// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/lint/functions.h"
#include "cli/lint/json_schema.h"

namespace sluice::cli::lint {
namespace {

bool valid(std::string_view schema, std::string_view value) {
  return check_schema(*parse_json(schema), *parse_json(value)).empty();
}

std::size_t remarks(const std::string& function, std::string_view options, std::string_view value) {
  auto made = make_function(function, *parse_json(options));
  EXPECT_TRUE(made.has_value()) << (made ? "" : made.error().what);
  const Json document = *parse_json(value);
  return (*made)({&document, "it", &document}).size();
}

TEST(JsonSchema, ChecksTypesAndValues) {
  EXPECT_TRUE(valid(R"({"type":["string","null"]})", "null"));
  EXPECT_FALSE(valid(R"({"type":"integer"})", "1.5"));
  EXPECT_TRUE(valid(R"({"type":"integer"})", "2.0"));
  EXPECT_FALSE(valid(R"({"enum":[1,2]})", "3"));
  EXPECT_FALSE(valid("false", "1"));
}

TEST(JsonSchema, ChecksBounds) {
  EXPECT_FALSE(valid(R"({"minimum":2})", "1"));
  EXPECT_FALSE(valid(R"({"maxLength":2})", R"("äöü")"));
  EXPECT_TRUE(valid(R"({"maxLength":3})", R"("äöü")"));
  EXPECT_FALSE(valid(R"({"uniqueItems":true})", "[1,2,1]"));
  EXPECT_FALSE(valid(R"({"multipleOf":0.1})", "0.15"));
}

TEST(JsonSchema, ChecksObjects) {
  EXPECT_FALSE(valid(R"({"required":["a"]})", "{}"));
  EXPECT_FALSE(valid(R"({"properties":{"a":{}},"additionalProperties":false})", R"({"b":1})"));
  EXPECT_TRUE(valid(R"({"patternProperties":{"^x-":{}},"additionalProperties":false})", R"({"x-b":1})"));
  EXPECT_FALSE(valid(R"({"dependentRequired":{"a":["b"]}})", R"({"a":1})"));
}

TEST(JsonSchema, CombinesSchemas) {
  EXPECT_FALSE(valid(R"({"oneOf":[{"type":"number"},{"minimum":1}]})", "2"));
  EXPECT_TRUE(valid(R"({"anyOf":[{"type":"string"},{"minimum":1}]})", "2"));
  EXPECT_FALSE(valid(R"({"if":{"type":"number"},"then":{"minimum":5}})", "2"));
  EXPECT_FALSE(valid(R"({"not":{}})", "1"));
}

TEST(JsonSchema, FollowsReferencesAndBoundsCircles) {
  EXPECT_FALSE(valid(R"({"$ref":"#/definitions/a","definitions":{"a":{"type":"string"}}})", "1"));
  EXPECT_TRUE(valid(R"({"$ref":"#"})", "1"));
}

TEST(LintFunctions, JudgePresence) {
  EXPECT_EQ(remarks("truthy", "{}", "0"), 1u);
  EXPECT_EQ(remarks("falsy", "{}", "\"\""), 0u);
  EXPECT_EQ(remarks("xor", R"({"properties":["a","b"]})", R"({"a":1,"b":2})"), 1u);
  EXPECT_EQ(remarks("or", R"({"properties":["a","b"]})", "{}"), 1u);
}

TEST(LintFunctions, JudgeTexts) {
  EXPECT_EQ(remarks("pattern", R"({"match":"/^A/i"})", "\"abc\""), 0u);
  EXPECT_EQ(remarks("pattern", R"({"notMatch":"b"})", "\"abc\""), 1u);
  EXPECT_EQ(remarks("length", R"({"max":2})", "[1,2,3]"), 1u);
  EXPECT_EQ(remarks("casing", R"({"type":"kebab"})", "\"my-service-2\""), 0u);
  EXPECT_EQ(remarks("casing", R"({"type":"kebab"})", "\"MyService\""), 1u);
  EXPECT_EQ(remarks("casing", R"({"type":"camel"})", "\"myService\""), 0u);
  EXPECT_EQ(remarks("casing", R"({"type":"snake","disallowDigits":true})", "\"a_1\""), 1u);
  EXPECT_EQ(remarks("casing", R"({"type":"pascal","separator":{"char":"/","allowLeading":true}})", "\"/One/Two\""), 0u);
}

TEST(LintFunctions, JudgeOrderEnumsAndReferences) {
  EXPECT_EQ(remarks("alphabetical", R"({"keyedBy":"n"})", R"([{"n":"b"},{"n":"a"}])"), 1u);
  EXPECT_EQ(remarks("typedEnum", "{}", R"({"type":"string","enum":["a",1]})"), 1u);
  EXPECT_EQ(
      remarks("unreferencedReusableObject", R"({"reusableObjectsLocation":"#/d"})", R"({"a":{"$ref":"#/d/a"},"b":1})"),
      1u);
}

TEST(LintFunctions, RefuseUnknownNamesAndBadOptions) {
  EXPECT_FALSE(make_function("dance", Json::object()));
  EXPECT_FALSE(make_function("casing", Json::object()));
  EXPECT_FALSE(make_function("pattern", *parse_json(R"({"match":"("})")));
}

}  // namespace
}  // namespace sluice::cli::lint
