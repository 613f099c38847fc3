// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_refusal.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>

namespace sluice::control::cluster {
namespace {

using testing::HasSubstr;
using testing::Not;

Json refused_with(Json::Array errors, const std::string& name = "parse failure") {
  return Json::Object{{"version", "v"}, {"hash", ""}, {"name", name}, {"message", "m"}, {"errors", std::move(errors)},
                      {"at", 5}};
}

Json entity(const std::string& message) {
  return Json::Object{
      {"entity_type", "consumer"},
      {"entity_id", "1"},
      {"entity_name", "ann"},
      {"entity_tags", Json::Array{"t"}},
      {"entity", Json::Object{{"password", "open sesame"}}},
      {"errors", Json::Array{Json::Object{
                     {"type", "field"}, {"field", "password"}, {"message", message}, {"value", "open sesame"}}}}};
}

TEST(NodeRefusal, KeepsWhatIsWrongButNotTheEntity) {
  const Json kept = bounded_config_error(refused_with({entity("too short")}));
  EXPECT_EQ(to_json(kept),
            R"({"version":"v","hash":"","name":"parse failure","message":"m","errors":[{"entity_type":"consumer",)"
            R"("entity_id":"1","entity_name":"ann","errors":[{"type":"field","field":"password",)"
            R"("message":"too short"}]}],"at":5})");
  EXPECT_EQ(bounded_config_error(kept), kept);
}

TEST(NodeRefusal, IsBoundedWhateverANodeSays) {
  Json::Array many;
  for (int i = 0; i < 10'000; ++i) many.push_back(entity(std::string(1'000, 'x')));
  Json refused = refused_with(std::move(many), std::string(100'000, 'y'));
  refused.as_object().set("message", std::string(100'000, 'z'));
  EXPECT_LT(to_json(bounded_config_error(refused)).size(), 16U * 1024);
}

TEST(NodeRefusal, IsCutBetweenCharacters) {
  std::string name;
  for (int i = 0; i < 1'000; ++i) name += "€";
  const Json kept = bounded_config_error(refused_with({}, name));
  EXPECT_TRUE(parse_json(to_json(kept)).has_value());
  EXPECT_EQ(kept.find("name")->as_string().size(), 85U * 3 + 3);
}

TEST(NodeRefusal, TakesWhatAnEarlierReleaseWroteDown) {
  const Json old = Json::Object{{"message", "m"}, {"errors", Json::Array{entity("e")}}, {"more", "x"}};
  EXPECT_THAT(to_json(bounded_config_error(old)), Not(HasSubstr("sesame")));
  EXPECT_TRUE(bounded_config_error(nullptr).is_null());
}

}  // namespace
}  // namespace sluice::control::cluster
