// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Base64, MatchesTheVectorsOfTheStandard) {  // RFC 4648, section 10
  constexpr std::string_view kVectors[][2] = {{"", ""},
                                              {"f", "Zg=="},
                                              {"fo", "Zm8="},
                                              {"foo", "Zm9v"},
                                              {"foob", "Zm9vYg=="},
                                              {"fooba", "Zm9vYmE="},
                                              {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : kVectors) {
    EXPECT_EQ(base64_encode(plain), encoded);
    EXPECT_EQ(base64_decode(encoded).value(), plain);
  }
}

TEST(Base64, UsesTheUrlAlphabetWithoutPadding) {
  EXPECT_EQ(base64_encode("\xFB\xFF\xFE!"), "+//+IQ==");
  EXPECT_EQ(base64url_encode("\xFB\xFF\xFE!"), "-__-IQ");
  EXPECT_EQ(base64url_decode("-__-IQ").value(), "\xFB\xFF\xFE!");
  EXPECT_EQ(base64url_decode("-__-IQ==").value(), "\xFB\xFF\xFE!");
}

TEST(Base64, AcceptsMissingPadding) {
  EXPECT_EQ(base64_decode("Zm8").value(), "fo");
}

TEST(Base64, RefusesMalformedText) {
  for (const char* text : {"Z", "Zg=", "Zg===", "Zm9v=", "=", "Zm=v", "Zm 9", "Zm9v\n", "-_-_", "Zh=="}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
  EXPECT_FALSE(base64url_decode("+/+/"));
}

}  // namespace
}  // namespace sluice
