// SPDX-License-Identifier: Apache-2.0
#include "schema/violations.h"

namespace sluice::schema {
namespace {

const PathView kRoot;

TEST(Violations, PutWhatConcernsTheWholeFirst) {
  Violations violations;
  violations.add(kRoot.member("b"), "second");
  violations.add(kRoot.member("a"), "first");
  violations.add_entity(kRoot, "whole");
  EXPECT_EQ(violations.message(), "3 schema violations (whole; a: first; b: second)");
  EXPECT_EQ(
      to_json(violations.body()),
      R"json({"code":2,"name":"schema violation","message":"3 schema violations (whole; a: first; b: second)",)json"
      R"json("fields":{"b":"second","a":"first","@entity":["whole"]}})json");
}

TEST(Violations, CountElementsFromOneInMessagesAndFromZeroInPaths) {
  Violations violations;
  const PathView list = kRoot.member("paths");
  violations.add(list.element(1), "bad");
  EXPECT_EQ(violations.message(), "schema violation (paths.2: bad)");
  EXPECT_EQ(violations.text(), "paths[1]: bad");
  EXPECT_EQ(to_json(violations.fields()), R"({"paths":[null,"bad"]})");
  EXPECT_EQ(to_json(violations.flattened()), R"([{"type":"field","message":"bad","field":"paths.2"}])");
}

TEST(Violations, MoveBelowAPath) {
  Violations inner;
  inner.add(kRoot.member("x"), "bad");
  Violations outer;
  outer.merge(kRoot.member("config"), inner);
  EXPECT_EQ(outer.text(), "config.x: bad");
  EXPECT_TRUE(outer.touches("config"));
  EXPECT_FALSE(outer.touches("x"));
}

TEST(LuaTableText, SortsNamesAndKeepsPositions) {
  const Json value = Json::Object{{"b", Json::Array{nullptr, "x"}}, {"a-b", 1}, {"c", Json::Array{"y"}}};
  EXPECT_EQ(lua_table_text(value), R"({["a-b"]=1,b={[2]="x"},c={"y"}})");
  EXPECT_EQ(lua_table_text(Json::Object{{"a", Json::Object{{"b", true}}}}, "  "), "{\n  a = {\n    b = true\n  }\n}");
}

}  // namespace
}  // namespace sluice::schema
