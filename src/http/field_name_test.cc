// SPDX-License-Identifier: Apache-2.0
#include "http/field_name.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

TEST(FieldName, RecognisesEverySpellingOfEveryKnownName) {
  for (auto i = static_cast<unsigned>(Known::Accept); i <= static_cast<unsigned>(Known::XRealIp); ++i) {
    const auto field = static_cast<Known>(i);
    std::string name(spelling(field));
    ASSERT_FALSE(name.empty()) << i;
    EXPECT_EQ(known_field(name), field) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(known_field(name), field) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(known_field(name), field) << name;
    EXPECT_EQ(known_field(name + "x"), Known::None) << name;
    EXPECT_EQ(known_field(name.substr(1)), Known::None) << name;
  }
}

TEST(FieldName, DoesNotTakeUnderscoresForDashes) {
  EXPECT_EQ(known_field("Content_Length"), Known::None);
  EXPECT_EQ(known_field("Transfer_Encoding"), Known::None);
  EXPECT_EQ(known_field(""), Known::None);
}

TEST(FieldName, FoldsLettersOnly) {
  EXPECT_TRUE(same_name("Abc-1", "aBC-1"));
  EXPECT_FALSE(same_name("a@", "a`"));
  EXPECT_FALSE(same_name("a[", "a{"));
  EXPECT_FALSE(same_name("ab", "abc"));
}

TEST(FieldName, JudgesTokensAndValues) {
  EXPECT_TRUE(is_token("a!#$%&'*+-.^_`|~9Z"));
  for (const char* bad : {"", "a b", "a:", "a\t", "a\x80", "a\"", "(a)"}) EXPECT_FALSE(is_token(bad)) << bad;
  EXPECT_TRUE(is_field_value("a\tb caf\xe9"));
  for (const char* bad : {"a\r", "a\nb", "a\x7f", "\x01"}) EXPECT_FALSE(is_field_value(bad)) << bad;
}

}  // namespace
}  // namespace sluice::http
