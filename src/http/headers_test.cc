// SPDX-License-Identifier: Apache-2.0
#include "http/headers.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

class HeadersTest : public testing::Test {
 protected:
  std::string lines() {
    std::string text;
    for (const Field& field : headers) text.append(field.name).append("=").append(field.value).append(" ");
    return text;
  }
  Arena arena;
  Headers headers{arena};
};

TEST_F(HeadersTest, FindsNamesWithoutRegardToCase) {
  headers.add("X-Thing", "1");
  headers.add("content-type", "text/plain");
  EXPECT_EQ(headers.get("x-tHING"), "1");
  EXPECT_EQ(headers.get("Content-Type"), "text/plain");
  EXPECT_EQ(headers.get(Known::ContentType), "text/plain");
  EXPECT_FALSE(headers.has("X-Thin"));
}

TEST_F(HeadersTest, KeepsOrderSpellingAndRepetition) {
  headers.add("B", "1");
  headers.add("a", "2");
  headers.add("b", "3");
  EXPECT_EQ(lines(), "B=1 a=2 b=3 ");
  EXPECT_EQ(headers.count("b"), 2U);
  EXPECT_EQ(headers.get("b"), "1");
}

TEST_F(HeadersTest, SetReplacesAllLinesInThePlaceOfTheFirst) {
  headers.add("A", "1");
  headers.add("B", "2");
  headers.add("a", "3");
  headers.set("A", "4");
  EXPECT_EQ(lines(), "A=4 B=2 ");
  headers.set("C", "5");
  EXPECT_EQ(lines(), "A=4 B=2 C=5 ");
}

TEST_F(HeadersTest, RemovesAndCounts) {
  for (const char* name : {"Via", "X", "via"}) headers.add(name, "v");
  EXPECT_EQ(headers.remove(Known::Via), 2U);
  EXPECT_EQ(headers.remove("nothing"), 0U);
  EXPECT_EQ(headers.remove_if([](const Field& field) { return field.value == "v"; }), 1U);
  EXPECT_TRUE(headers.empty());
}

TEST_F(HeadersTest, CopiesWhatIsAdded) {
  std::string value = "before";
  headers.add("X", value);
  value = "after!";
  EXPECT_EQ(headers.get("X"), "before");
}

TEST_F(HeadersTest, GrowsBeyondItsFirstRoom) {
  for (int i = 0; i < 300; ++i) headers.add("N" + std::to_string(i), std::to_string(i));
  ASSERT_EQ(headers.size(), 300U);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(headers.get("n" + std::to_string(i)), std::to_string(i));
}

TEST(FieldList, SplitsAtCommasAndTrims) {
  std::vector<std::string> tokens;
  for_each_token(" a, b\t,, c d ,", [&](std::string_view token) { tokens.emplace_back(token); });
  EXPECT_EQ(tokens, (std::vector<std::string>{"a", "b", "c d"}));
  EXPECT_TRUE(list_has("keep-alive, Upgrade", "upgrade"));
  EXPECT_FALSE(list_has("upgrades", "upgrade"));
}

}  // namespace
}  // namespace sluice::http
