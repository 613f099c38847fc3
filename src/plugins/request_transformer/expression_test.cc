// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/expression.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "plugins/request_transformer/template.h"

namespace sluice::plugins {
namespace {

class MapEnvironment final : public TemplateEnvironment {
 public:
  TemplateValueView find(TemplateTable table, std::string_view key) override {
    auto found = values.find({table, std::string(key)});
    return found == values.end() ? TemplateValueView() : found->second;
  }
  std::map<std::pair<TemplateTable, std::string>, TemplateValueView> values = {
      {{TemplateTable::Headers, "x"}, "one"},
      {{TemplateTable::Headers, "twice"}, std::vector<std::string_view>{"a", "b"}},
      {{TemplateTable::QueryParams, "a b"}, "two"},
      {{TemplateTable::QueryParams, "flag"}, true},
      {{TemplateTable::UriCaptures, "id"}, "7"},
      {{TemplateTable::UriCaptures, "1"}, "first"},
  };
};

std::string render(std::string_view text) {
  Arena arena;
  MapEnvironment environment;
  auto parsed = Template::parse(text);
  if (!parsed) return "refused: " + parsed.error().what;
  auto rendered = parsed->render(environment, arena);
  return rendered ? std::string(*rendered) : "failed: " + rendered.error().what;
}

TEST(Template, LeavesLiteralTextAlone) {
  EXPECT_EQ(render("plain $ text (x) $x"), "plain $ text (x) $x");
  EXPECT_EQ(render("# not a statement"), "# not a statement");
  EXPECT_EQ(render("open $(headers.x"), "open $(headers.x");
  EXPECT_EQ(render(""), "");
}

TEST(Template, ReadsEveryTable) {
  EXPECT_EQ(render("$(headers.x)"), "one");
  EXPECT_EQ(render("$( headers[\"x\"] )"), "one");
  EXPECT_EQ(render("$(query_params['a b'])"), "two");
  EXPECT_EQ(render("/u/$(uri_captures[\"id\"])/$(uri_captures[1])"), "/u/7/first");
  EXPECT_EQ(render("$(shared.x)"), "");
}

TEST(Template, RendersAbsentAsNothingAndAFlagAsTrue) {
  EXPECT_EQ(render("[$(headers.none)]"), "[]");
  EXPECT_EQ(render("$(query_params.flag)"), "true");
  EXPECT_EQ(render("$(false)$(nil)"), "");
}

TEST(Template, ReachesTheElementsOfARepeatedHeader) {
  EXPECT_EQ(render("$(headers.twice[2])"), "b");
  EXPECT_EQ(render("$(headers.twice[3])"), "");
  EXPECT_EQ(render("$(headers.twice)"), "a, b");
  EXPECT_THAT(render("$(headers.x[1])"), ::testing::StartsWith("failed: "));
}

TEST(Template, KnowsTheOperatorsThatDefaultsAreWrittenWith) {
  EXPECT_EQ(render("$(headers.none or 'fallback')"), "fallback");
  EXPECT_EQ(render("$(headers.x and 'yes' or \"no\")"), "yes");
  EXPECT_EQ(render("$((headers.none or headers.x) .. '-' .. 5)"), "one-5");
  EXPECT_THAT(render("$(headers.none .. 'x')"), ::testing::StartsWith("failed: attempt to concatenate"));
}

TEST(Template, RefusesWhatNeedsLuaAndNamesIt) {
  for (const char* text :
       {"$(headers.x:upper())", "$(tostring(1))", "$(headers)", "$(headers.x == 'a')", "$(foo)", "$()", "$(1 + 1)",
        "$(headers.x x)", "$(function() return 1 end)", "$('open)", "$(headers[headers.x])"}) {
    EXPECT_THAT(render(text), ::testing::StartsWith("refused: template expression '" + std::string(text) + "'"));
  }
}

TEST(Template, RefusesDeepNestingInsteadOfOverflowing) {
  std::string text = "$(" + std::string(10000, '(') + "headers.x" + std::string(10000, ')') + ")";
  EXPECT_THAT(render(text), ::testing::StartsWith("refused: "));
}

}  // namespace
}  // namespace sluice::plugins
