// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/text.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::http::websocket {
namespace {

TEST(WebSocketText, HoldsAnUnfinishedSequenceBack) {
  EXPECT_EQ(check_text("abc", 0), 3U);
  EXPECT_EQ(check_text("ab\xC3", 0), 2U);
  EXPECT_EQ(check_text("ab\xE2\x82", 2), 2U);
  EXPECT_EQ(check_text("ab\xE2\x82\xAC", 2), 5U);
  EXPECT_EQ(check_text("\xF0\x9F\x98", 0), 0U);
  EXPECT_EQ(check_text("\xF0\x9F\x98\x80", 0), 4U);
}

TEST(WebSocketText, IsTheSameHoweverItIsCut) {
  const std::string text =
      "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8 \xE2\x82\xAC \xF0\x9F\x98\x80!!";
  for (std::size_t step = 1; step <= 5; ++step) {
    std::size_t checked = 0;
    for (std::size_t end = step; end < text.size(); end += step) {
      const auto now = check_text(std::string_view(text).substr(0, end), checked);
      ASSERT_TRUE(now.has_value()) << end;
      checked = *now;
    }
    EXPECT_EQ(check_text(text, checked), text.size());
  }
}

TEST(WebSocketText, RefusesAtTheFirstOctetThatCannotBe) {
  EXPECT_FALSE(check_text("\x80", 0));
  EXPECT_FALSE(check_text("a\xC0", 0));
  EXPECT_FALSE(check_text("a\xC1", 0));
  EXPECT_FALSE(check_text("\xE0\x9F", 0));  // overlong
  EXPECT_FALSE(check_text("\xED\xA0", 0));  // surrogate
  EXPECT_FALSE(check_text("\xF0\x8F", 0));  // overlong
  EXPECT_FALSE(check_text("\xF4\x90", 0));  // above U+10FFFF
  EXPECT_FALSE(check_text("\xF5", 0));
  EXPECT_FALSE(check_text("\xE2\x82x", 0));
  EXPECT_FALSE(check_text("ab\xC3\x28", 2));
}

TEST(WebSocketText, KnowsTheCodesThatMayBeSent) {
  for (const int code :
       {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999})
    EXPECT_TRUE(is_close_code(static_cast<std::uint16_t>(code))) << code;
  for (const int code : {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535})
    EXPECT_FALSE(is_close_code(static_cast<std::uint16_t>(code))) << code;
}

}  // namespace
}  // namespace sluice::http::websocket
