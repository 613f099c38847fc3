// SPDX-License-Identifier: Apache-2.0
#include "expr/regex.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expr/regex_syntax.h"

namespace sluice::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

RegexRef compile(std::string_view pattern, RegexDialect dialect = RegexDialect::Rust) {
  auto regex = Regex::compile(pattern, dialect);
  EXPECT_TRUE(regex.has_value()) << pattern << ": " << (regex ? "" : regex.error().what);
  return regex ? *regex : nullptr;
}

std::string refusal(std::string_view pattern) {
  auto regex = Regex::compile(pattern, RegexDialect::Rust);
  return regex ? "accepted" : regex.error().what;
}

TEST(Regex, FindsTheLeftmostMatchAndReportsIt) {
  std::string_view whole;
  EXPECT_EQ(compile("b+")->search("aabbb", Anchor::None, &whole), Matched::Yes);
  EXPECT_EQ(whole, "bbb");
  EXPECT_EQ(compile("b+")->search("aabbb", Anchor::Start), Matched::No);
}

TEST(Regex, AnchorsEveryAlternative) {
  EXPECT_EQ(compile("/a|/b")->search("/x/b", Anchor::Start), Matched::No);
  EXPECT_EQ(compile("/a|/b")->search("/b/x", Anchor::Start), Matched::Yes);
}

TEST(Regex, NamesGroupsInBothSpellings) {
  for (const char* pattern : {"^/(?<org>[a-z]+)/(\\d+)$", "^/(?P<org>[a-z]+)/(\\d+)$"}) {
    const auto regex = compile(pattern);
    ASSERT_TRUE(regex);
    EXPECT_THAT(regex->group_names(), ElementsAre(Pair("org", 1U)));
    EXPECT_THAT(regex->groups("/acme/42", Anchor::Start), ElementsAre("/acme/42", "acme", "42"));
  }
}

TEST(Regex, TellsAGroupThatTookNoPartFromAnEmptyOne) {
  const auto groups = compile("/(a)?(b*)")->groups("/", Anchor::Start);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[1].data(), nullptr);
  EXPECT_NE(groups[2].data(), nullptr);
}

TEST(Regex, RefusesWhatLinearTimeCannotOffer) {
  EXPECT_THAT(refusal("/a(?=b)"), HasSubstr("look-ahead"));
  EXPECT_THAT(refusal("/a(?<!b)"), HasSubstr("look-behind"));
  EXPECT_THAT(refusal("/(a)\\1"), HasSubstr("back-reference"));
  EXPECT_THAT(refusal("/(?>a)"), HasSubstr("atomic group"));
  EXPECT_THAT(refusal("/(a"), HasSubstr("missing )"));
}

TEST(Regex, RefusesWhatTheLibraryWouldReadInAnotherSense) {
  EXPECT_THAT(refusal("[a-z&&[^b]]"), HasSubstr("class operation &&"));
  EXPECT_THAT(refusal("[a[bc]]"), HasSubstr("nested character class"));
  EXPECT_THAT(refusal("/{id}"), HasSubstr("unescaped {"));
  EXPECT_THAT(refusal("\\b{start}a"), HasSubstr("\\b{...}"));
}

TEST(Regex, TranslatesUnicodeEscapes) {
  EXPECT_EQ(compile("\\u{e9}")->search("\xC3\xA9", Anchor::None), Matched::Yes);
  EXPECT_EQ(compile("\\u00e9")->search("\xC3\xA9", Anchor::None), Matched::Yes);
}

TEST(Regex, PcreDialectFallsBackToBacktracking) {
  const auto look = compile("/(?!admin)[a-z]+", RegexDialect::Pcre);
  EXPECT_EQ(look->search("/admin", Anchor::Start), Matched::No);
  EXPECT_EQ(look->search("/users", Anchor::Start), Matched::Yes);
  EXPECT_THAT(compile("/(?<a>x)(?<b>y)\\1", RegexDialect::Pcre)->group_names(),
              ElementsAre(Pair("a", 1U), Pair("b", 2U)));
}

TEST(Regex, LimitsBacktracking) {
  const auto evil = compile("^(?!b)(a+)+$", RegexDialect::Pcre);
  const std::string text(4000, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(evil->search(text + "!", Anchor::Start), Matched::TooCostly);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(Regex, WhatIsAnchoredAtTheStartBeginsThereThoughThePatternMovesIt) {
  std::string_view whole;
  ASSERT_EQ(compile("/a/\\Kb", RegexDialect::Pcre)->search("/a/b/c", Anchor::Start, &whole), Matched::Yes);
  EXPECT_EQ(whole, "/a/b");
}

TEST(Regex, CatastrophicPatternsOfTheRustDialectAreLinear) {
  const auto regex = compile("(a+)+$");
  const std::string text(20'000, 'a');
  EXPECT_EQ(regex->search(text + "!", Anchor::Start), Matched::No);
}

TEST(LiteralPrefix, StopsAtTheFirstConstructThatIsNotLiteral) {
  EXPECT_EQ(literal_prefix_of("/api/v1/users/(\\d+)"), "/api/v1/users/");
  EXPECT_EQ(literal_prefix_of("^/a\\.b\\d"), "/a.b");
  EXPECT_EQ(literal_prefix_of("/ab*"), "/a");
  EXPECT_EQ(literal_prefix_of("/ab?c"), "/a");
  EXPECT_EQ(literal_prefix_of("/ab{2}"), "/a");
  EXPECT_EQ(literal_prefix_of("/ab+c"), "/ab");
  EXPECT_EQ(literal_prefix_of("/a|/b"), "");
  EXPECT_EQ(literal_prefix_of("/x(a|b)"), "/x");
  EXPECT_EQ(literal_prefix_of("(?i)/x"), "");
  EXPECT_EQ(literal_prefix_of("/x[|]y"), "/x");
}

TEST(LiteralPrefix, IsEmptyWhereAQuantifierOrABranchMayHideBehindAnOddConstruct) {
  for (const std::string_view pattern :
       {">(?)?", "a(?m)?", "a(?#x)?", "a(?#()|b", "a\\E?", "a\\c\\|b", "a(?x) ?", "a(?x: #(\n)|b", "(*ANYCRLF)a"}) {
    EXPECT_EQ(literal_prefix_of(pattern), "") << pattern;
  }
  EXPECT_EQ(literal_prefix_of("/a/(?:b|c)"), "/a/");
  EXPECT_EQ(literal_prefix_of("/a/(?<id>b)"), "/a/");
  EXPECT_EQ(literal_prefix_of("/a/(?!b)"), "/a/");
}

TEST(LiteralPrefix, IsRequiredOnlyWhereTheMatchMustBeginAtTheStart) {
  EXPECT_EQ(compile("/a/(b)")->required_prefix(Anchor::Start), "/a/");
  EXPECT_EQ(compile("/a/(b)")->required_prefix(Anchor::None), "");
  EXPECT_EQ(compile("^/a/(b)")->required_prefix(Anchor::None), "/a/");
}

TEST(RegexCache, SharesOneObjectPerPattern) {
  RegexCache cache;
  const auto first = cache.get("/a", RegexDialect::Rust);
  const auto second = cache.get("/a", RegexDialect::Rust);
  EXPECT_EQ(first->get(), second->get());
  EXPECT_NE(first->get(), cache.get("/a", RegexDialect::Pcre)->get());
}

}  // namespace
}  // namespace sluice::expr
