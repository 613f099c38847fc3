// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << value.error().what;
  return value.value_or(Json("parse failure"));
}

std::string refusal(std::string_view text) {
  auto value = parse_json(text);
  return value ? "accepted as " + to_json(*value) : value.error().what;
}

std::string again(std::string_view text) {
  return to_json(parsed(text));
}

TEST(Json, ReadsAndWritesEveryKindOfValue) {
  EXPECT_EQ(again(R"( {"a":[null,true,false,1,-2,1.5,"x"],"b":{},"c":[]} )"),
            R"({"a":[null,true,false,1,-2,1.5,"x"],"b":{},"c":[]})");
}

TEST(Json, KeepsTheOrderOfMembers) {
  EXPECT_EQ(again(R"({"z":1,"a":2,"m":3})"), R"({"z":1,"a":2,"m":3})");
}

TEST(Json, KeepsSixtyFourBitIntegers) {
  EXPECT_EQ(again("[9223372036854775807,-9223372036854775808]"), "[9223372036854775807,-9223372036854775808]");
  EXPECT_TRUE(parsed("9223372036854775808").is_double());
  EXPECT_EQ(parsed("18446744073709551616").number(), 18446744073709551616.0);
}

TEST(Json, WritesFractionsInAFormThatClientsRead) {
  EXPECT_EQ(to_json(Json(100.0)), "100.0");
  EXPECT_EQ(to_json(Json(0.1)), "0.1");
  EXPECT_EQ(to_json(Json(-0.0)), "-0.0");
  EXPECT_EQ(to_json(Json(1e5)), "100000.0");
  EXPECT_EQ(to_json(Json(1e30)), "1e+30");
  EXPECT_EQ(to_json(Json(2.5e-9)), "2.5e-09");
  EXPECT_EQ(again("1E2"), "100.0");
}

TEST(Json, ReadsFractionsExactly) {
  EXPECT_EQ(parsed("0.30000000000000004").number(), 0.1 + 0.2);
  EXPECT_EQ(parsed("2.2250738585072011e-308").number(), 2.2250738585072011e-308);
  EXPECT_EQ(parsed("1e-400").number(), 0.0);
}

TEST(Json, RefusesNumbersThatAreNotFinite) {
  EXPECT_THAT(refusal("[1e400]"), HasSubstr("number out of range"));
  EXPECT_THAT(refusal("NaN"), HasSubstr("line 1, column 1"));
}

TEST(Json, RefusesDuplicateNamesWithTheirPosition) {
  EXPECT_THAT(refusal("{\n  \"a\": 1,\n  \"a\": 2\n}"), HasSubstr("line 3, column"));
  EXPECT_THAT(refusal(R"({"a":1,"\u0061":2})"), HasSubstr("duplicate name \"a\""));
}

TEST(Json, RefusesADuplicateAmongManyNames) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  EXPECT_TRUE(parse_json(text + "\"k1000\":0}"));
  EXPECT_THAT(refusal(text + "\"k500\":0}"), HasSubstr("duplicate name \"k500\""));
}

TEST(Json, AllowsTheSameNameInDifferentObjects) {
  EXPECT_TRUE(parse_json(R"([{"a":{"a":1}},{"a":2}])"));
}

TEST(Json, BoundsDepthAt128) {
  const auto nested = [](std::size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_TRUE(parse_json(nested(128)));
  EXPECT_THAT(refusal(nested(129)), HasSubstr("128 levels"));
}

TEST(Json, RefusesInvalidUtf8) {
  EXPECT_THAT(refusal("\"a\xFF\""), HasSubstr("invalid UTF-8"));
  EXPECT_THAT(refusal("\"\xC0\x80\""), HasSubstr("line 1"));
  EXPECT_THAT(refusal("\"\xED\xA0\x80\""), HasSubstr("line 1"));
  EXPECT_THAT(refusal(R"("\ud800")"), HasSubstr("line 1, column 8"));
  EXPECT_THAT(refusal(R"("\udc00")"), HasSubstr("surrogate"));
}

TEST(Json, RefusesTrailingText) {
  EXPECT_THAT(refusal("1 2"), HasSubstr("line 1, column 3: unexpected text after the value"));
  EXPECT_TRUE(parse_json("1 \r\n\t"));
}

TEST(Json, RefusesTruncatedText) {
  for (const char* text : {"", " ", "{", "[1,", "\"abc", "{\"a\"", "tru", "-", "1."}) {
    EXPECT_THAT(refusal(text), HasSubstr("line 1")) << text;
  }
}

TEST(Json, RefusesWhatOnlyLenientParsersTake) {
  for (const char* text :
       {"[1,]", "{a:1}", "'a'", "// x\n1", "01", "+1", ".5", "\"\t\"", "\"\\x\"", "\xEF\xBB\xBF{}"}) {
    EXPECT_THAT(refusal(text), HasSubstr("line 1")) << text;
  }
}

TEST(Json, CountsColumnsInCharacters) {
  EXPECT_THAT(refusal("\"\xC3\xA9\xC3\xA9\" x"), HasSubstr("column 6"));
}

TEST(Json, EscapesStrings) {
  EXPECT_EQ(to_json(Json(std::string("a\"\\\n\t\x01\x7F\0z", 9))), "\"a\\\"\\\\\\n\\t\\u0001\x7F\\u0000z\"");
  EXPECT_EQ(to_json(Json("gr\xC3\xBC\xC3\x9F")), "\"gr\xC3\xBC\xC3\x9F\"");
}

TEST(Json, ReplacesInvalidUtf8WhenWriting) {
  EXPECT_EQ(to_json(Json("a\xFFz")), "\"a\xEF\xBF\xBDz\"");
}

TEST(Json, UnescapesStrings) {
  EXPECT_EQ(parsed(R"("\u00e9\ud83d\ude00\/\b\f")").as_string(), "\xC3\xA9\xF0\x9F\x98\x80/\b\f");
}

TEST(Json, IndentsPrettyText) {
  EXPECT_EQ(to_pretty_json(parsed(R"({"a":[1,{}],"b":{"c":null}})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}");
}

TEST(Json, ComparesContent) {
  EXPECT_EQ(parsed(R"({"a":1,"b":[1.0]})"), parsed(R"({"b":[1],"a":1.0})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"a":1,"b":null})"));
  EXPECT_NE(parsed("[1,2]"), parsed("[2,1]"));
  EXPECT_NE(Json(true), Json(1));
  EXPECT_NE(Json(false), Json());
}

TEST(Json, ComparesLargeObjectsWithoutRegardToOrder) {
  JsonObject forward;
  JsonObject backward;
  for (int i = 0; i < 100; ++i) forward.set("k" + std::to_string(i), i);
  for (int i = 99; i >= 0; --i) backward.set("k" + std::to_string(i), i);
  EXPECT_EQ(Json(forward), Json(backward));
  backward.set("k7", 8);
  EXPECT_NE(Json(forward), Json(backward));
}

TEST(JsonObject, SetsFindsAndErases) {
  JsonObject object{{"a", 1}, {"b", "x"}};
  object["c"] = true;
  object.set("a", 2);
  EXPECT_EQ(object.find("a")->as_int(), 2);
  EXPECT_TRUE(object.erase("b"));
  EXPECT_FALSE(object.erase("b"));
  EXPECT_EQ(to_json(object), R"({"a":2,"c":true})");
}

TEST(Json, TurnsHugeUnsignedIntegersIntoDoubles) {
  EXPECT_TRUE(Json(std::uint64_t{1} << 63U).is_double());
  EXPECT_TRUE(Json(std::uint32_t{7}).is_int());
}

}  // namespace
}  // namespace sluice
