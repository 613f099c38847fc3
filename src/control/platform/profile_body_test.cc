// SPDX-License-Identifier: Apache-2.0
#include "control/platform/profile_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control::platform {
namespace {

using testing::ElementsAre;

/// "field rule" of everything that is wrong with a new one.
std::vector<std::string> wrong(std::string_view body) {
  const auto read = read_new_profile(*parse_json(body));
  std::vector<std::string> all;
  if (read) return all;
  for (const InvalidParameter& one : read.error()) all.push_back(one.field + " " + one.rule);
  return all;
}

TEST(ProfileBody, TakesWhatTheContractHas) {
  const auto read = read_new_profile(*parse_json(
      R"({"name":"team","cluster_type":"CLUSTER_TYPE_CONTROL_PLANE_GROUP","labels":{"a":"b"},"cloud_gateway":false})"));
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->is_group());
  EXPECT_EQ(read->labels.at("a"), "b");
  EXPECT_EQ(read->auth_type, "pinned_client_certs");
}

TEST(ProfileBody, NamesAreCountedInCharacters) {
  EXPECT_THAT(wrong(R"({"name":"é"})"), ElementsAre("name min_length"));
  EXPECT_THAT(wrong(R"({"name":"éé"})"), ElementsAre());
  EXPECT_THAT(wrong("{\"name\":\"" + std::string(257, 'x') + "\"}"), ElementsAre("name max_length"));
}

TEST(ProfileBody, LabelsHaveAForm) {
  EXPECT_THAT(wrong(R"({"name":"ab","labels":{"_x":"1","kongish":"1","ok":"-x","fine":"a.b-c_d"}})"),
              ElementsAre("labels._x is_label", "labels.kongish is_label", "labels.ok is_label"));
  EXPECT_THAT(wrong(R"({"name":"ab","labels":{"a":null}})"), ElementsAre("labels.a is_label"));
  EXPECT_THAT(wrong(R"({"name":"ab","labels":[]})"), ElementsAre("labels is_object"));
}

TEST(ProfileBody, ProxyUrlsAreFewAndWhole) {
  EXPECT_THAT(wrong(R"({"name":"ab","proxy_urls":[{"host":"h","port":0,"protocol":"https"}]})"),
              ElementsAre("proxy_urls[0].port invalid"));
  EXPECT_THAT(wrong(R"({"name":"ab","proxy_urls":[{"host":"","port":"1","protocol":"x","more":1}]})"),
              ElementsAre("proxy_urls[0].host min_length", "proxy_urls[0].port is_integer",
                          "proxy_urls[0].more unknown_property"));
}

TEST(ProfileBody, AChangeTouchesWhatItNames) {
  planes::PlaneProfile profile;
  profile.name = "before";
  profile.labels = {{"a", "1"}, {"b", "2"}};
  const auto edit = read_profile_edit(*parse_json(R"({"labels":{"a":null,"c":"3"}})"));
  ASSERT_TRUE(edit.has_value());
  (*edit)(profile);
  EXPECT_EQ(profile.name, "before");
  EXPECT_THAT(profile.labels, ElementsAre(std::pair("b", "2"), std::pair("c", "3")));
}

TEST(ProfileBody, TheTypeOfOneCannotBeChanged) {
  const auto edit = read_profile_edit(*parse_json(R"({"cluster_type":"CLUSTER_TYPE_CONTROL_PLANE"})"));
  ASSERT_FALSE(edit.has_value());
  EXPECT_EQ(edit.error().front().rule, "unknown_property");
}

}  // namespace
}  // namespace sluice::control::platform
