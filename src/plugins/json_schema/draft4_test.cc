// SPDX-License-Identifier: Apache-2.0
#include "plugins/json_schema/draft4.h"

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::plugins {
namespace {

struct Row {
  std::string_view schema;
  std::string_view value;
  bool accepted;
};

class JsonSchemaDraft4 : public ::testing::TestWithParam<Row> {};

TEST_P(JsonSchemaDraft4, Judges) {
  const auto [schema, value, accepted] = GetParam();
  const auto compiled = Draft4::compile(schema);
  ASSERT_TRUE(compiled.has_value()) << schema << ": " << compiled.error().what;
  EXPECT_EQ((*compiled)->accepts(*parse_json(value)), accepted) << schema << " on " << value;
}

constexpr Row kGeneral[] = {
    {"{}", "null", true},
    {R"({"type":"string"})", R"("a")", true},
    {R"({"type":"string"})", "1", false},
    {R"({"type":["string","null"]})", "null", true},
    {R"({"type":"integer"})", "1", true},
    {R"({"type":"integer"})", "1.0", true},
    {R"({"type":"integer"})", "1.5", false},
    {R"({"type":"number"})", "1", true},
    {R"({"type":"boolean"})", "false", true},
    {R"({"type":"object"})", "[]", false},
    {R"({"enum":[1,"a",{"b":[2]}]})", R"({"b":[2]})", true},
    {R"({"enum":[1,"a"]})", R"("b")", false},
    {R"({"format":"date-time","title":"x","default":3})", R"("anything")", true},
};
constexpr Row kNumbers[] = {
    {R"({"minimum":2})", "2", true},
    {R"({"minimum":2})", "1.9", false},
    {R"({"minimum":2,"exclusiveMinimum":true})", "2", false},
    {R"({"maximum":2})", "2", true},
    {R"({"maximum":2,"exclusiveMaximum":true})", "2", false},
    {R"({"maximum":2})", R"("99")", true},
    {R"({"multipleOf":0.1})", "0.3", true},
    {R"({"multipleOf":3})", "7", false},
};
constexpr Row kTexts[] = {
    {R"({"minLength":2})", R"("\u00e4\u00f6")", true}, {R"({"minLength":3})", R"("\u00e4\u00f6")", false},
    {R"({"maxLength":1})", R"("ab")", false},          {R"({"pattern":"^a+$"})", R"("aaa")", true},
    {R"({"pattern":"b"})", R"("abc")", true},          {R"({"pattern":"^a+$"})", R"("ab")", false},
};
constexpr Row kArrays[] = {
    {R"({"items":{"type":"integer"}})", "[1,2]", true},
    {R"({"items":{"type":"integer"}})", R"([1,"2"])", false},
    {R"({"items":[{"type":"integer"},{"type":"string"}]})", R"([1,"a",null])", true},
    {R"({"items":[{"type":"integer"}],"additionalItems":false})", "[1,2]", false},
    {R"({"items":[{"type":"integer"}],"additionalItems":{"type":"string"}})", R"([1,"a"])", true},
    {R"({"additionalItems":false})", "[1,2]", true},
    {R"({"minItems":1,"maxItems":2})", "[]", false},
    {R"({"minItems":1,"maxItems":2})", "[1,2,3]", false},
    {R"({"uniqueItems":true})", R"([1,2,{"a":1},{"a":2}])", true},
    {R"({"uniqueItems":true})", R"([{"a":1,"b":2},{"b":2,"a":1}])", false},
};
constexpr Row kObjects[] = {
    {R"({"required":["name"]})", R"({"name":"a"})", true},
    {R"({"required":["name"]})", R"({"x":1})", false},
    {R"({"properties":{"a":{"type":"integer"}}})", R"({"a":"1"})", false},
    {R"({"properties":{"a":{}},"additionalProperties":false})", R"({"a":1,"b":2})", false},
    {R"({"properties":{"a":{}},"additionalProperties":{"type":"null"}})", R"({"a":1,"b":null})", true},
    {R"({"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false})", R"({"x-a":"1"})", true},
    {R"({"patternProperties":{"^x-":{"type":"string"}}})", R"({"x-a":1})", false},
    {R"({"minProperties":1,"maxProperties":1})", "{}", false},
    {R"({"minProperties":1,"maxProperties":1})", R"({"a":1,"b":2})", false},
    {R"({"dependencies":{"a":["b"]}})", R"({"a":1})", false},
    {R"({"dependencies":{"a":["b"]}})", R"({"c":1})", true},
    {R"({"dependencies":{"a":{"required":["b"]}}})", R"({"a":1})", false},
    {R"({"dependencies":{"a":{"required":["b"]}}})", R"({"a":1,"b":2})", true},
};
constexpr Row kCombined[] = {
    {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "2", true},
    {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "4", false},
    {R"({"anyOf":[{"type":"string"},{"minimum":3}]})", "2", false},
    {R"({"oneOf":[{"minimum":1},{"maximum":3}]})", "2", false},
    {R"({"oneOf":[{"minimum":1},{"maximum":3}]})", "0", true},
    {R"({"not":{"type":"null"}})", "null", false},
    {R"({"definitions":{"id":{"type":"integer"}},"properties":{"a":{"$ref":"#/definitions/id"}}})", R"({"a":"x"})",
     false},
    {R"({"definitions":{"a/b~c":{"type":"integer"}},"$ref":"#/definitions/a~1b~0c"})", "1", true},
    {R"({"properties":{"next":{"$ref":"#"}},"required":["id"]})", R"({"id":1,"next":{"id":2,"next":{}}})", false},
    {R"({"properties":{"next":{"$ref":"#"}},"required":["id"]})", R"({"id":1,"next":{"id":2}})", true},
    {R"({"$ref":"#"})", "1", false},  // says nothing, without end
};

INSTANTIATE_TEST_SUITE_P(General, JsonSchemaDraft4, ::testing::ValuesIn(kGeneral));
INSTANTIATE_TEST_SUITE_P(Numbers, JsonSchemaDraft4, ::testing::ValuesIn(kNumbers));
INSTANTIATE_TEST_SUITE_P(Texts, JsonSchemaDraft4, ::testing::ValuesIn(kTexts));
INSTANTIATE_TEST_SUITE_P(Arrays, JsonSchemaDraft4, ::testing::ValuesIn(kArrays));
INSTANTIATE_TEST_SUITE_P(Objects, JsonSchemaDraft4, ::testing::ValuesIn(kObjects));
INSTANTIATE_TEST_SUITE_P(Combined, JsonSchemaDraft4, ::testing::ValuesIn(kCombined));

TEST(JsonSchemaDraft4Compile, SaysWhereASchemaIsWrong) {
  const auto problem = [](std::string_view schema) {
    const auto compiled = Draft4::compile(schema);
    return compiled ? std::string() : compiled.error().what;
  };
  EXPECT_EQ(problem("[]"), "the schema: a schema is an object");
  EXPECT_EQ(problem(R"({"properties":{"a":{"type":"text"}}})"), "/properties/a/type: unknown type");
  EXPECT_EQ(problem(R"({"items":[{},{"minimum":"1"}]})"), "/items/1/minimum: must be a number");
  EXPECT_EQ(problem(R"({"required":[]})"), "/required: must be an array with at least one name");
  EXPECT_EQ(problem(R"({"exclusiveMinimum":true})"), "/exclusiveMinimum: needs minimum");
  EXPECT_EQ(problem(R"({"$ref":"#/definitions/a"})"), "/$ref: refers to nothing");
  EXPECT_EQ(problem(R"({"$ref":"http://example.test/schema"})"), "/$ref: only references within the schema are known");
  EXPECT_THAT(problem(R"({"pattern":"("})"), ::testing::StartsWith("/pattern: "));
  EXPECT_THAT(problem("{"), ::testing::Not(::testing::IsEmpty()));
}

}  // namespace
}  // namespace sluice::plugins
