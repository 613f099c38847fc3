// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Utf8, AcceptsExactlyTheScalarValues) {
  for (char32_t c = 0; c < 0x110000; c += (c < 0x3000 ? 1 : 251)) {
    const bool surrogate = c >= 0xD800 && c <= 0xDFFF;
    std::string text;
    append_utf8(text, c);
    ASSERT_EQ(utf8_sequence(text), text.size());
    ASSERT_EQ(decode_utf8(text), surrogate ? char32_t{0xFFFD} : c);
  }
}

TEST(Utf8, RefusesOverlongSurrogateAndTruncatedForms) {
  for (const char* text :
       {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xE2(\xA1"}) {
    EXPECT_EQ(utf8_sequence(text), 0U) << text;
    EXPECT_FALSE(is_utf8(std::string("eight octets before ") + text));
  }
  EXPECT_EQ(utf8_sequence(""), 0U);
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain text, then \xE2\x82\xAC and more plain text"));
}

}  // namespace
}  // namespace sluice
