// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Bytes, ReadsTheSpellingsOfNginx) {
  EXPECT_EQ(parse_bytes("0").value(), Bytes{0});
  EXPECT_EQ(parse_bytes("8k").value(), kibibytes(8));
  EXPECT_EQ(parse_bytes("10M").value(), mebibytes(10));
  EXPECT_EQ(parse_bytes("1g").value(), mebibytes(1024));
}

TEST(Bytes, RefusesOtherText) {
  for (const char* text : {"", "k", "-1", "1.5m", "10mb", " 1", "99999999999g"})
    EXPECT_FALSE(parse_bytes(text)) << text;
}

TEST(Bytes, WritesTheShortestExactSpelling) {
  EXPECT_EQ(to_string(Bytes{0}), "0");
  EXPECT_EQ(to_string(Bytes{1500}), "1500");
  EXPECT_EQ(to_string(kibibytes(8)), "8k");
  EXPECT_EQ(to_string(mebibytes(10)), "10m");
  EXPECT_EQ(to_string(mebibytes(2048)), "2g");
}

}  // namespace
}  // namespace sluice
