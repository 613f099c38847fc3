// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"

#include <cstdint>
#include <unordered_map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string_view> pieces(std::string_view text) {
  std::vector<std::string_view> all;
  for (const std::string_view piece : split(text, ',')) all.push_back(piece);
  return all;
}

TEST(Strings, ComparesWithoutCase) {
  EXPECT_TRUE(iequals("Content-Type", "content-TYPE"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));  // they differ in the bit that tells cases apart
  EXPECT_TRUE(istarts_with("Bearer x", "bearer "));
  EXPECT_FALSE(istarts_with("Be", "bearer"));
}

TEST(Strings, HashesWithoutCase) {
  std::unordered_map<std::string, int, IHash, IEqual> map{{"Host", 1}};
  EXPECT_TRUE(map.contains("hOST"));
  EXPECT_EQ(ihash(std::string(1000, 'A')), ihash(std::string(1000, 'a')));
}

TEST(Strings, Trims) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(trim("/a/", "/"), "a");
}

TEST(Strings, SplitsKeepingEmptyPieces) {
  EXPECT_THAT(pieces("a,,b,"), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(pieces(""), ElementsAre(""));
  EXPECT_THAT(pieces("a"), ElementsAre("a"));
  EXPECT_THAT(split_list(" a , ,b,"), ElementsAre("a", "b"));
  EXPECT_THAT(split_list("  "), IsEmpty());
}

TEST(Strings, Joins) {
  const std::vector<std::string> parts = {"a", "b"};
  EXPECT_EQ(join(parts, ", "), "a, b");
  EXPECT_EQ(join(std::span<const std::string>(), ", "), "");
}

TEST(Strings, ParsesWholeIntegersOnly) {
  EXPECT_EQ(parse_int<int>("-12").value(), -12);
  EXPECT_EQ(parse_int<unsigned>("ff", 16).value(), 255U);
  for (const char* text : {"", " 1", "1 ", "+1", "0x1", "1.0", "-"}) EXPECT_FALSE(parse_int<int>(text)) << text;
  EXPECT_EQ(parse_int<std::uint8_t>("256").error().what, "number out of range: 256");
  EXPECT_EQ(parse_int<unsigned>("x").error().what, "not a number: x");
}

TEST(Strings, ParsesFiniteNumbersOnly) {
  EXPECT_EQ(parse_double("0.25").value(), 0.25);
  for (const char* text : {"", "inf", "nan", "1e999", "1x"}) EXPECT_FALSE(parse_double(text)) << text;
}

TEST(Strings, ConvertsHexBothWays) {
  EXPECT_EQ(to_hex(std::string("\x00\xAB\x7f", 3)), "00ab7f");
  EXPECT_EQ(from_hex("00aB7F").value(), std::string("\x00\xAB\x7f", 3));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Strings, PercentEncodesAllButUnreserved) {
  EXPECT_EQ(percent_encode("a-._~ /\xC3\xA9"), "a-._~%20%2F%C3%A9");
  EXPECT_EQ(percent_encode("/a b", "/"), "/a%20b");
}

TEST(Strings, PercentDecodesStrictlyOrLeniently) {
  EXPECT_EQ(percent_decode("a%20%2f+").value(), "a /+");
  EXPECT_FALSE(percent_decode("%"));
  EXPECT_FALSE(percent_decode("%2"));
  EXPECT_FALSE(percent_decode("%zz"));
  EXPECT_EQ(percent_decode_lenient("%zz%41%4"), "%zzA%4");
  EXPECT_EQ(form_decode("a+b%2Bc"), "a b+c");
}

TEST(Strings, MeasuresEditDistance) {
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("ab", "ba"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(Strings, FindsTheNearestWord) {
  constexpr std::string_view kWords[] = {"proxy_listen", "admin_listen", "prefix"};
  EXPECT_EQ(nearest_word("proxy_lisen", kWords), "proxy_listen");
  EXPECT_EQ(nearest_word("perfix", kWords), "prefix");
  EXPECT_EQ(nearest_word("colour", kWords), std::nullopt);
  EXPECT_EQ(nearest_word(std::string(5000, 'x'), kWords), std::nullopt);
}

}  // namespace
}  // namespace sluice
