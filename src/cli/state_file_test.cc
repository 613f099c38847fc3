// SPDX-License-Identifier: Apache-2.0
#include "cli/state_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<StateFile> read(const std::vector<std::string>& texts) {
  std::vector<Input> inputs;
  inputs.reserve(texts.size());
  for (const std::string& text : texts) inputs.push_back({"file " + std::to_string(inputs.size() + 1), text});
  return read_state_file(inputs, [](const std::string&) { return std::nullopt; });
}

TEST(StateFile, JoinsListsOfSeveralFiles) {
  const auto file = read({R"({"_format_version":"3.0","services":[1]})", "_format_version: \"3.1\"\nservices: [2]"});
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(to_json(*file->document.find("services")), "[1,2]");
}

TEST(StateFile, NeedsAVersionInEachFile) {
  EXPECT_THAT(read({"services: []"}).error().what, HasSubstr("_format_version: required field missing"));
  EXPECT_THAT(read({R"({"_format_version":"3.0"})", R"({"_format_version":"1.1"})"}).error().what,
              HasSubstr("file 2: _format_version 1.1"));
}

TEST(StateFile, LetsOneFileSpeakForAll) {
  const auto file = read({R"({"_format_version":"3.0","_workspace":"w","_info":{"select_tags":["b","a"]}})",
                          R"({"_format_version":"3.0","_transform":false})"});
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->workspace, "w");
  EXPECT_THAT(file->select_tags, ElementsAre("a", "b"));
  EXPECT_FALSE(file->transform);
}

TEST(StateFile, RefusesFilesThatDisagree) {
  EXPECT_FALSE(
      read({R"({"_format_version":"3.0","_workspace":"a"})", R"({"_format_version":"3.0","_workspace":"b"})"}));
  EXPECT_FALSE(read({R"({"_format_version":"3.0","_info":{"select_tags":["a"]}})",
                     R"({"_format_version":"3.0","_info":{"select_tags":["b"]}})"}));
  EXPECT_FALSE(
      read({R"({"_format_version":"3.0","_transform":true})", R"({"_format_version":"3.0","_transform":false})"}));
  EXPECT_FALSE(read({R"({"_format_version":"3.0","_info":{"select_tags":["a","b","c","d","e","f"]}})"}));
}

TEST(StateFile, SharesPluginConfigurations) {
  const entity::Catalog catalog{entity::PluginSchemas{}};
  Json document = *parse_json(R"({"_plugin_configs":{"x":{"a":1,"b":{"c":2}}},
      "services":[{"plugins":[{"name":"p","_config":"x","config":{"b":{"d":3}}}]}]})");
  ASSERT_TRUE(complete_entities(catalog, document, {"t"}));
  EXPECT_EQ(
      to_json(document),
      R"({"services":[{"plugins":[{"name":"p","config":{"a":1,"b":{"c":2,"d":3}},"tags":["t"]}],"tags":["t"]}]})");
}

}  // namespace
}  // namespace sluice::cli
