// SPDX-License-Identifier: Apache-2.0
#include "plugins/arguments.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::plugins {
namespace {

using Kind = Argument::Kind;

constexpr std::string_view kMultipart = "multipart/form-data; boundary=\"x y\"";

class Arguments : public ::testing::Test {
 protected:
  Argument find_part(std::string_view bytes, std::string_view name) {
    return find_body_argument(arena, kMultipart, bytes, name);
  }
  Arena arena;
};

TEST_F(Arguments, TellsTextsFlagsAndRepetitionsApart) {
  EXPECT_EQ(find_argument(arena, "a=1&b&c=2&c=3&d=", "a").text, "1");
  EXPECT_EQ(find_argument(arena, "a=1&b&c=2&c=3&d=", "b").kind, Kind::Flag);
  EXPECT_EQ(find_argument(arena, "a=1&b&c=2&c=3&d=", "c").kind, Kind::Several);
  EXPECT_EQ(find_argument(arena, "a=1&b&c=2&c=3&d=", "d").kind, Kind::Text);
  EXPECT_EQ(find_argument(arena, "a=1", "e").kind, Kind::Missing);
  EXPECT_EQ(find_argument(arena, "", "a").kind, Kind::Missing);
}

TEST_F(Arguments, KeepsEqualsSignsOfAValue) {
  EXPECT_EQ(find_argument(arena, "a=b=c", "a").text, "b=c");
}

TEST_F(Arguments, RemovesAnArgumentAndLeavesTheRestEncoded) {
  EXPECT_EQ(remove_argument(arena, "x=%41+b&a=1&&y&%61=2", "a"), "x=%41%20b&&y");
  EXPECT_EQ(remove_argument(arena, "x=a+b", "a"), std::nullopt);
  EXPECT_EQ(remove_argument(arena, "a", "a"), "");
}

TEST_F(Arguments, ReadsMembersOfAnObjectOnly) {
  EXPECT_EQ(find_body_argument(arena, "application/json", R"({"a":"1"})", "a").text, "1");
  EXPECT_EQ(find_body_argument(arena, "application/json", R"({"a":1})", "a").kind, Kind::Flag);
  EXPECT_EQ(find_body_argument(arena, "application/json", R"({"a":["1"]})", "a").kind, Kind::Several);
  EXPECT_EQ(find_body_argument(arena, "application/json", R"(["a"])", "a").kind, Kind::Missing);
  EXPECT_EQ(find_body_argument(arena, "text/plain", "a=1", "a").kind, Kind::Missing);
}

TEST_F(Arguments, ReadsPartsByName) {
  const std::string_view bytes =
      "--x y\r\nContent-Disposition: form-data; filename=\"n; name=b\"; name=\"a\"\r\nX: y\r\n\r\n1\r\n2\r\n"
      "--x y\r\ncontent-disposition: form-data; name=c\r\n\r\n\r\n--x y--";
  EXPECT_EQ(find_part(bytes, "a").text, "1\r\n2");
  EXPECT_EQ(find_part(bytes, "b").kind, Kind::Missing);
  EXPECT_EQ(find_part(bytes, "c").text, "");
}

TEST_F(Arguments, FindsNothingInAMultipartThatIsCutOff) {
  const std::string whole = "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x y--\r\n";
  EXPECT_EQ(find_part(whole, "a").kind, Kind::Text);
  for (std::size_t size = 0; size + 4 < whole.size(); ++size) {
    EXPECT_EQ(find_part(whole.substr(0, size), "a").kind, Kind::Missing) << size;
  }
}

TEST_F(Arguments, KeepsAnOddEndOfAMultipartWhenAPartIsRemoved) {
  const std::string_view bytes =
      "--x y\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n"
      "--x y\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--x y--epilogue";
  EXPECT_EQ(remove_body_argument(arena, kMultipart, bytes, "b"),
            "--x y\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x y--epilogue");
}

}  // namespace
}  // namespace sluice::plugins
