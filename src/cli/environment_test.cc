// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

std::optional<std::string> lookup(const std::string& name) {
  if (name == "DECK_HOST") return "billing.internal";
  if (name == "SLUICE_PORT") return "8080";
  if (name == "DECK_LINES") return "one\ntwo";
  return std::nullopt;
}

std::string filled(std::string_view text, Variables variables = Variables::Required) {
  const auto result = substitute_environment(text, lookup, variables);
  return result ? result->text : "error: " + result.error().what;
}

TEST(Environment, FillsInVariablesOfBothPrefixes) {
  EXPECT_EQ(filled(R"(host: ${{ env "DECK_HOST" }}:${{env "SLUICE_PORT"}})"), "host: billing.internal:8080");
}

TEST(Environment, ReadsQuotesThatJsonEscapes) {
  EXPECT_EQ(filled(R"({"host": "${{ env \"DECK_HOST\" }}"})"), R"({"host": "billing.internal"})");
}

TEST(Environment, ConvertsAndIndents) {
  EXPECT_EQ(filled(R"(${{ env "SLUICE_PORT" | toInt }})"), "8080");
  EXPECT_EQ(filled(R"(${{ env "DECK_LINES" | indent 2 }})"), "  one\n  two");
  EXPECT_THAT(filled(R"(${{ env "DECK_HOST" | toInt }})"), testing::HasSubstr("DECK_HOST"));
  EXPECT_THAT(filled(R"(${{ env "DECK_HOST" | toBool }})"), testing::HasSubstr("not a boolean"));
}

TEST(Environment, LeavesCommentsAlone) {
  EXPECT_EQ(filled("  # ${{ env \"DECK_NONE\" }}\na: 1"), "  # ${{ env \"DECK_NONE\" }}\na: 1");
}

TEST(Environment, RefusesWhatIsMissingForeignOrUnclosed) {
  EXPECT_EQ(filled("a: 1\nb: ${{ env \"DECK_NONE\" }}"), "error: line 2: environment variable DECK_NONE is not set");
  EXPECT_THAT(filled(R"(${{ env "HOME" }})"), testing::HasSubstr("DECK_ or SLUICE_"));
  EXPECT_THAT(filled("${{ env \"DECK_HOST\""), testing::HasSubstr("without }}"));
  EXPECT_THAT(filled("${{ }}"), testing::HasSubstr("expected: env"));
  EXPECT_THAT(filled(R"(${{ env "DECK_HOST" | shout }})"), testing::HasSubstr("unknown function"));
}

TEST(Environment, MocksWithoutReading) {
  EXPECT_EQ(filled(R"(${{ env "DECK_NONE" }} ${{ env "DECK_NONE" | toBool }} ${{ env "DECK_NONE" | toInt }})",
                   Variables::Mocked),
            "DECK_NONE false 42");
}

TEST(Environment, NamesTheValuesThatItTook) {
  const auto result = substitute_environment(R"(${{ env "DECK_HOST" }})", lookup);
  EXPECT_THAT(result->values, testing::ElementsAre("billing.internal"));
}

}  // namespace
}  // namespace sluice::cli
