// SPDX-License-Identifier: Apache-2.0
#include "cli/json_diff.h"

#include <gtest/gtest.h>

#include "cli/progress.h"

namespace sluice::cli {
namespace {

std::string diff(std::string_view before, std::string_view after) {
  return json_diff(*parse_json(before), *parse_json(after));
}

TEST(JsonDiff, MarksWhatChanged) {
  EXPECT_EQ(diff(R"({"b":1,"a":"x"})", R"({"a":"y","b":1})"),
            " {\n-  \"a\": \"x\"\n+  \"a\": \"y\"\n   \"b\": 1\n }\n");
}

TEST(JsonDiff, TakesNullForAbsent) {
  EXPECT_EQ(diff(R"({"a":null})", R"({})"), " {\n }\n");
  EXPECT_EQ(diff(R"({"a":null})", R"({"a":1})"), " {\n+  \"a\": 1\n }\n");
}

TEST(JsonDiff, KeepsEqualElementsOfArrays) {
  EXPECT_EQ(diff(R"({"a":[1,2,3]})", R"({"a":[1,3,4]})"),
            " {\n   \"a\": [\n     1\n-    2\n     3\n+    4\n   ]\n }\n");
}

TEST(JsonDiff, ReachesIntoObjects) {
  EXPECT_EQ(diff(R"({"a":{"b":1,"c":[]}})", R"({"a":{"c":[]}})"),
            " {\n   \"a\": {\n-    \"b\": 1\n     \"c\": []\n   }\n }\n");
}

TEST(JsonDiff, ColoursOnlyChangedLines) {
  EXPECT_EQ(coloured_diff(" a\n-b\n+c\n"), " a\n\x1b[31m-b\x1b[0m\n\x1b[32m+c\x1b[0m\n");
}

TEST(Progress, ShowsHowFarItIs) {
  EXPECT_EQ(progress_line("reading", 5, 10, 3200), "reading  [###############---------------]  5/10  3 s");
  EXPECT_EQ(progress_line("applying", 0, 0, 2000), "applying  2 s");
}

}  // namespace
}  // namespace sluice::cli
