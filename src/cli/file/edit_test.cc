// SPDX-License-Identifier: Apache-2.0
#include "cli/file/edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::HasSubstr;

Json json(std::string_view text) {
  return *parse_json(text);
}

TEST(Merge, ConcatenatesListsAndLetsTheLaterFileWin) {
  const auto merged =
      merge_documents({json(R"({"_format_version":"3.0","a":[1],"b":1})"), json(R"({"a":[2],"b":2})")}, {"x", "y"});
  EXPECT_EQ(to_json(*merged), R"({"_format_version":"3.0","a":[1,2],"b":2})");
}

TEST(Merge, RefusesOtherVersionsAndOtherTransforms) {
  EXPECT_FALSE(
      merge_documents({json(R"({"_format_version":"3.0"})"), json(R"({"_format_version":"1.1"})")}, {"x", "y"}));
  EXPECT_FALSE(merge_documents({json("{}"), json(R"({"_transform":false})")}, {"x", "y"}));
}

TEST(Patch, SetsRemovesAndAppends) {
  Json document = json(R"({"list":[{"a":1,"b":2,"tags":["x"]}]})");
  ASSERT_TRUE(apply_patch(document, {{"$.list[*]"}, {{"a", Json(9)}}, {"b"}, {}}));
  ASSERT_TRUE(apply_patch(document, {{"$..tags"}, {}, {}, {Json("y")}}));
  EXPECT_EQ(to_json(document), R"({"list":[{"a":9,"tags":["x","y"]}]})");
}

TEST(Patch, ReadsTheCommandLinesForms) {
  const auto patch = patch_of({}, {"a:{\"b\":1}", "gone:", "[1,2]"});
  ASSERT_TRUE(patch.has_value());
  EXPECT_EQ(patch->selectors, std::vector<std::string>{"$"});
  EXPECT_EQ(to_json(*patch->values.find("a")), R"({"b":1})");
  EXPECT_EQ(patch->remove, std::vector<std::string>{"gone"});
  EXPECT_EQ(patch->append.size(), 2u);
  EXPECT_FALSE(patch_of({}, {"novalue"}));
  EXPECT_FALSE(patch_of({}, {"[1"}));
}

TEST(Tags, AreKeptFromStandingTwice) {
  Json document = json(R"({"services":[{"tags":["a"],"routes":[{}]}],"_info":{"tags":1}})");
  ASSERT_TRUE(change_tags(document, {TagEdit::Add, {}, {"a", "b"}, false, false}));
  EXPECT_EQ(to_json(*document.find("services")), R"([{"tags":["a","b"],"routes":[{"tags":["a","b"]}]}])");
}

TEST(Tags, AreRemovedWithTheirEmptyList) {
  Json document = json(R"({"services":[{"tags":["a"]},{"tags":["a","b"]}]})");
  ASSERT_TRUE(change_tags(document, {TagEdit::Remove, {}, {"a"}, false, false}));
  EXPECT_EQ(to_json(document), R"({"services":[{},{"tags":["b"]}]})");
  ASSERT_TRUE(change_tags(document, {TagEdit::Remove, {}, {"c"}, true, true}));
  EXPECT_EQ(to_json(document), R"({"services":[{},{"tags":[]}]})");
}

TEST(Plugins, AreAddedOncePerName) {
  Json document = json(R"({"services":[{"plugins":[{"name":"cors","config":1}]}]})");
  PluginAddition addition{{"$.services[*]"}, {json(R"({"name":"cors","config":2})")}, false};
  ASSERT_TRUE(add_plugins(document, addition));
  EXPECT_THAT(to_json(document), HasSubstr("\"config\":1"));
  addition.overwrite = true;
  ASSERT_TRUE(add_plugins(document, addition));
  EXPECT_THAT(to_json(document), HasSubstr("\"config\":2"));
}

TEST(Convert, GoesThroughTheReleasesBetween) {
  const auto converted =
      convert_document(json(R"({"_format_version":"1.1","plugins":[{"name":"key-auth"}]})"), "2.8", "3.14");
  ASSERT_TRUE(converted.has_value());
  EXPECT_EQ(to_json(converted->document),
            R"({"_format_version":"3.0","plugins":[{"name":"key-auth","config":{"hide_credentials":false}}]})");
  EXPECT_FALSE(convert_document(Json::object(), "3.14", "2.8"));
}

}  // namespace
}  // namespace sluice::cli
