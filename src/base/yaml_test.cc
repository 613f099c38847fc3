// SPDX-License-Identifier: Apache-2.0
#include "base/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::HasSubstr;

std::string json_of(std::string_view yaml) {
  auto value = parse_yaml(yaml);
  return value ? to_json(*value) : "refused: " + value.error().what;
}

TEST(Yaml, ReadsBlockAndFlowCollections) {
  EXPECT_EQ(json_of("services:\n- name: a\n  tags: [x, y]\n  o: {k: v}\n"),
            R"({"services":[{"name":"a","tags":["x","y"],"o":{"k":"v"}}]})");
}

TEST(Yaml, ResolvesCoreScalars) {
  EXPECT_EQ(json_of("[true, False, TRUE, null, ~, Null, 1, -2, +3, 0x1F, 0o17, 1.5, -.5, 1e3, 7.]"),
            "[true,false,true,null,null,null,1,-2,3,31,15,1.5,-0.5,1000.0,7.0]");
}

TEST(Yaml, LeavesOtherPlainScalarsAsStrings) {
  EXPECT_EQ(
      json_of("[yes, No, on, OFF, tRUE, nULL, 1_000, 12:30, 2001-12-14, 1.2.3, ., -, +x, 0xZZ, 1e, v1]"),
      R"(["yes","No","on","OFF","tRUE","nULL","1_000","12:30","2001-12-14","1.2.3",".","-","+x","0xZZ","1e","v1"])");
}

TEST(Yaml, LeavesQuotedScalarsAsStrings) {
  EXPECT_EQ(json_of(R"(["1", 'true', "", '~'])"), R"(["1","true","","~"])");
}

TEST(Yaml, ReadsEmptyValuesAsNull) {
  EXPECT_EQ(json_of("a:\nb: \n"), R"({"a":null,"b":null})");
  EXPECT_EQ(json_of(""), "null");
  EXPECT_EQ(json_of("# only a comment\n"), "null");
}

TEST(Yaml, ReadsIntegersBeyondSixtyFourBitsAsDoubles) {
  EXPECT_EQ(json_of("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(json_of("9223372036854775808"), "9.223372036854776e+18");
}

TEST(Yaml, RefusesNumbersThatAreNotFinite) {
  for (const char* text : {".inf", "-.Inf", "+.INF", ".nan", "1e999"}) {
    EXPECT_THAT(json_of(text), HasSubstr("refused: line 1, column 1")) << text;
  }
}

TEST(Yaml, HonoursCoreTags) {
  EXPECT_EQ(json_of(R"([!!str 1, !!int "2", !!float 3, !!bool "true", !!null "", ! 4, !!map {}, !!seq []])"),
            R"(["1",2,3.0,true,null,"4",{},[]])");
  EXPECT_THAT(json_of("!!int x"), HasSubstr("does not fit the tag int"));
  EXPECT_THAT(json_of("!python/object []"), HasSubstr("unsupported tag"));
}

TEST(Yaml, ReadsBlockScalars) {
  EXPECT_EQ(json_of("a: |\n  x\n  y\nb: >-\n  x\n  y\n"), R"({"a":"x\ny\n","b":"x y"})");
}

TEST(Yaml, KeepsKeysAsWritten) {
  EXPECT_EQ(json_of("8000: a\ntrue: b\n"), R"({"8000":"a","true":"b"})");
}

TEST(Yaml, ExpandsAliases) {
  EXPECT_EQ(json_of("a: &x {k: 1}\nb: *x\nc: [*x, &s z, *s]\n"), R"({"a":{"k":1},"b":{"k":1},"c":[{"k":1},"z","z"]})");
}

TEST(Yaml, MergesWithExplicitMembersWinning) {
  EXPECT_EQ(json_of("base: &b {p: 1, q: 2}\nr: {<<: *b, q: 3, s: 4}\n"),
            R"({"base":{"p":1,"q":2},"r":{"q":3,"s":4,"p":1}})");
  EXPECT_EQ(json_of("{<<: [{a: 1}, {a: 2, b: 2}], c: 3}"), R"({"c":3,"a":1,"b":2})");
  EXPECT_EQ(json_of("{'<<': 1}"), R"({"<<":1})");
  EXPECT_THAT(json_of("{<<: 1}"), HasSubstr("merge key"));
}

TEST(Yaml, RefusesDuplicateKeysWithTheirPosition) {
  EXPECT_EQ(json_of("a: 1\nb: 2\na: 3\n"), "refused: line 3, column 1: duplicate key \"a\"");
}

TEST(Yaml, RefusesUnknownAndRecursiveAliases) {
  EXPECT_EQ(json_of("[*nope]"), "refused: line 1, column 2: unknown alias nope");
  EXPECT_THAT(json_of("&a [*a]"), HasSubstr("unknown alias a"));
}

TEST(Yaml, RefusesExpansionBombs) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int n = 0; n < 9; ++n) bomb += "," + below;
    bomb += "]\n";
  }
  EXPECT_THAT(json_of(bomb), HasSubstr("aliases expand to more than 256 MiB"));
}

TEST(Yaml, BoundsDepthThroughAliasesToo) {
  const auto nested = [](std::size_t n, std::string_view core) {
    return std::string(n, '[') + std::string(core) + std::string(n, ']');
  };
  EXPECT_TRUE(parse_yaml(nested(128, "")));
  EXPECT_THAT(json_of(nested(130, "")), HasSubstr("128 levels"));
  EXPECT_THAT(json_of("a: &a " + nested(100, "") + "\nb: " + nested(100, "*a") + "\n"), HasSubstr("128 levels"));
}

TEST(Yaml, RefusesASecondDocument) {
  EXPECT_EQ(json_of("---\na: 1\n...\n"), R"({"a":1})");
  EXPECT_THAT(json_of("a: 1\n---\nb: 2\n"), HasSubstr("line 2, column 1: only one document is allowed"));
}

TEST(Yaml, ReportsSyntaxErrorsWithPosition) {
  EXPECT_THAT(json_of("a: [1, 2\nb: 3\n"), HasSubstr("refused: line 2, column"));
  EXPECT_THAT(json_of("a: \xFF\n"), HasSubstr("refused: line 1, column 4"));
  EXPECT_THAT(json_of("? [a]\n: b\n"), HasSubstr("a key must be a string"));
}

TEST(YamlWriter, WritesBlocksThatPeopleRead) {
  const Json value = *parse_json(R"({"a":[{"n":"x","t":["p","q"]},[1,[2]]],"e":{},"l":[],"s":"yes","k":"l1\nl2\n"})");
  EXPECT_EQ(to_yaml(value),
            "a:\n  - \"n\": x\n    t:\n      - p\n      - q\n  - - 1\n    - - 2\ne: {}\nl: []\ns: \"yes\"\nk: |\n  "
            "l1\n  l2\n");
}

TEST(YamlWriter, IsReadBackAsTheSameValue) {
  const std::vector<std::string> strings = {"",
                                            " ",
                                            "a",
                                            "a b",
                                            "a: b",
                                            "a #b",
                                            "#a",
                                            "- a",
                                            "-",
                                            "-a",
                                            "?",
                                            "null",
                                            "Null",
                                            "~",
                                            "true",
                                            "y",
                                            "NO",
                                            "on",
                                            "1",
                                            "1.5",
                                            "0x1f",
                                            "1_000",
                                            "12:30:45",
                                            "2001-12-14",
                                            ".5",
                                            ".inf",
                                            "+1",
                                            "=",
                                            "<<",
                                            "*a",
                                            "&a",
                                            "!t",
                                            "@",
                                            "`",
                                            "'q'",
                                            "\"q\"",
                                            "{a}",
                                            "[a]",
                                            "a,b",
                                            "a]",
                                            "%x",
                                            "|",
                                            ">",
                                            "\n",
                                            "a\n",
                                            "a\nb",
                                            "a\nb\n\n",
                                            "\na",
                                            " a\nb",
                                            "a \nb",
                                            "a\n\nb\n",
                                            "a\n  b\n c",
                                            "\t",
                                            "a\tb",
                                            "a\tb\nc",
                                            "\r\n",
                                            "\x7F",
                                            "\xC2\x85",
                                            "\xE2\x80\xA8",
                                            "\xEF\xBB\xBF",
                                            "\xC3\xA9",
                                            "\xF0\x9F\x98\x80",
                                            "---",
                                            "...",
                                            "--- a",
                                            "a:",
                                            ":a",
                                            "C:\\x",
                                            std::string("\0", 1),
                                            "http://a.b:80/c",
                                            "{vault://env/x}",
                                            "~/path$",
                                            "a\\b\"c",
                                            "{{ x }}\n- y: 'z'\n"};
  Json::Array list;
  JsonObject object;
  for (const std::string& text : strings) {
    list.emplace_back(text);
    object.set(text, Json(Json::Array{Json(text), Json(JsonObject{{text, text}})}));
  }
  const Json value(JsonObject{{"list", list}, {"object", object}, {"numbers", *parse_json("[1,-1,100.0,1e30,0.1]")}});
  const std::string yaml = to_yaml(value);
  const auto again = parse_yaml(yaml);
  ASSERT_TRUE(again) << again.error().what << "\n" << yaml;
  EXPECT_EQ(to_json(*again), to_json(value)) << yaml;
}

TEST(YamlWriter, WritesScalarsAlone) {
  EXPECT_EQ(to_yaml(Json()), "null\n");
  EXPECT_EQ(to_yaml(Json("x")), "x\n");
  EXPECT_EQ(to_yaml(Json::object()), "{}\n");
}

}  // namespace
}  // namespace sluice
