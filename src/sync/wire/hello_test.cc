// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/hello.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sync::wire {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const char* const kNode = "4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11";

Json parsed(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text;
  return json ? *std::move(json) : Json();
}

Hello hello() {
  Hello made;
  made.capabilities = {"kong.sync.v2", "sluice.sync.v1"};
  made.encodings = {"x-snappy-framed"};
  made.peer.node_id = *Uuid::parse(kNode);
  made.peer.hostname = "dp-1";
  made.peer.kong_version = "3.10.0.0";
  made.peer.labels = {{"env", "prod"}, {"zone", "eu-1"}};
  return made;
}

TEST(Hello, OfAKongNodeHasNothingOfOurs) {
  EXPECT_EQ(to_text(hello()),
            R"([{"rpc_capabilities":["kong.sync.v2","sluice.sync.v1"],"rpc_frame_encodings":["x-snappy-framed"],)"
            R"("kong_version":"3.10.0.0","kong_hostname":"dp-1","kong_node_id":"4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11",)"
            R"("kong_conf":{"cluster_dp_labels":["env:prod","zone:eu-1"]}}])");
}

TEST(Hello, OfOursGoesThereAndBack) {
  Hello said = hello();
  said.peer.sluice_version = "0.1.0";
  said.peer.plugins = {{"key-auth", "3.10.0"}, {"own", "1"}};
  said.config_version = "v02_000000000001000000000000002a";
  said.config_hash = std::string(32, 'a');
  const auto heard = parse_hello(parsed(to_text(said)));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->capabilities, said.capabilities);
  EXPECT_EQ(heard->encodings, said.encodings);
  EXPECT_EQ(heard->peer.node_id, said.peer.node_id);
  EXPECT_EQ(heard->peer.hostname, said.peer.hostname);
  EXPECT_EQ(heard->peer.kong_version, said.peer.kong_version);
  EXPECT_EQ(heard->peer.sluice_version, said.peer.sluice_version);
  EXPECT_EQ(heard->peer.plugins, said.peer.plugins);
  EXPECT_EQ(heard->peer.labels, said.peer.labels);
  EXPECT_EQ(heard->config_version, said.config_version);
  EXPECT_EQ(heard->config_hash, said.config_hash);
  EXPECT_TRUE(heard->peer.is_sluice());
}

TEST(Hello, OfAKongNodeSaysNothingAboutPlugins) {
  const auto heard = parse_hello(parsed(to_text(hello())));
  ASSERT_TRUE(heard.has_value());
  EXPECT_FALSE(heard->peer.plugins.has_value());
  EXPECT_FALSE(heard->peer.is_sluice());
}

TEST(Hello, TakesWhatLuaMakesOfEmptyLists) {
  const auto heard = parse_hello(
      parsed(R"([{"rpc_capabilities":{},"rpc_frame_encodings":{},"kong_version":"3.9.1","kong_hostname":"h",)"
             R"("kong_node_id":")" +
             std::string(kNode) + R"(","kong_conf":{"cluster_dp_labels":{}}}])"));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_THAT(heard->capabilities, IsEmpty());
  EXPECT_THAT(heard->peer.labels, IsEmpty());
}

TEST(Hello, OddLabelsAreLeftOut) {
  Json said = parsed(to_text(hello()));
  Json::Array odd{"good:one", "bad", ":x", "x:", 5, "a b:c", "long:" + std::string(64, 'x')};
  said.as_array()[0].find("kong_conf")->as_object().set("cluster_dp_labels", std::move(odd));
  const auto heard = parse_hello(said);
  ASSERT_TRUE(heard.has_value());
  EXPECT_THAT(heard->peer.labels, ElementsAre(Pair("good", "one")));
}

TEST(Hello, RefusesWhatCannotBeOne) {
  for (const char* params : {"null", "[]", "{}", "[1]", "[{}]", "[{},{}]"}) {
    EXPECT_FALSE(parse_hello(parsed(params)).has_value()) << params;
  }
  const Json good = parsed(to_text(hello()));
  for (const char* member : {"kong_version", "kong_hostname", "kong_node_id"}) {
    Json without = good;
    without.as_array()[0].as_object().erase(member);
    EXPECT_FALSE(parse_hello(without).has_value()) << member;
    Json number = good;
    number.as_array()[0].as_object().set(member, 5);
    EXPECT_FALSE(parse_hello(number).has_value()) << member;
    Json large = good;
    large.as_array()[0].as_object().set(member, std::string(10'000, 'x'));
    EXPECT_FALSE(parse_hello(large).has_value()) << member;
  }
  Json names = good;
  names.as_array()[0].as_object().set("rpc_capabilities", Json::Array(5'000, Json("x")));
  EXPECT_FALSE(parse_hello(names).has_value());
}

TEST(HelloReply, OfKongHasNothingOfOurs) {
  const HelloReply reply{.capabilities = {"kong.sync.v2"}, .encoding = "x-snappy-framed", .control_plane = {}};
  EXPECT_EQ(to_text(reply), R"({"rpc_capabilities":["kong.sync.v2"],"rpc_frame_encoding":"x-snappy-framed"})");
  const auto heard = parse_hello_reply(parsed(to_text(reply)));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->encoding, "x-snappy-framed");
  EXPECT_TRUE(heard->control_plane.empty());
}

TEST(HelloReply, OfOursGoesThereAndBack) {
  const HelloReply reply{.capabilities = {"sluice.sync.v1"},
                         .encoding = "x-snappy-framed",
                         .control_plane = kNode,
                         .ping_ms = 10'000,
                         .dead_ms = 25'000};
  const auto heard = parse_hello_reply(parsed(to_text(reply)));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->control_plane, kNode);
  EXPECT_EQ(heard->ping_ms, 10'000U);
  EXPECT_EQ(heard->dead_ms, 25'000U);
}

TEST(HelloReply, RefusesTermsThatNobodyCanKeep) {
  for (const char* own :
       {R"({"control_plane":"c","ping_ms":10000,"dead_ms":10000})", R"({"control_plane":"c","ping_ms":0,"dead_ms":10})",
        R"({"control_plane":"c","ping_ms":-5,"dead_ms":10})", R"({"control_plane":"c"})", "5",
        R"({"control_plane":"c","ping_ms":10000,"dead_ms":99999999999})"}) {
    const std::string text = R"({"rpc_capabilities":[],"rpc_frame_encoding":"x","sluice":)" + std::string(own) + "}";
    EXPECT_FALSE(parse_hello_reply(parsed(text)).has_value()) << own;
  }
}

TEST(BasicInfo, GoesThereAndBack) {
  BasicInfo info;
  info.plugins = {{"acl", "3.10.0"}, {"key-auth", "3.10.0"}};
  info.labels = {{"env", "prod"}};
  info.process_conf = Json::Object{{"prefix", "/usr/local/kong"}};
  EXPECT_EQ(
      to_text(info),
      R"({"type":"basic_info","plugins":[{"name":"acl","version":"3.10.0"},{"name":"key-auth","version":"3.10.0"}],)"
      R"("process_conf":{"prefix":"/usr/local/kong"},"filters":{},"labels":{"env":"prod"}})");
  const auto heard = parse_basic_info(to_text(info));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->plugins, info.plugins);
  EXPECT_EQ(heard->labels, info.labels);
  EXPECT_EQ(heard->process_conf, info.process_conf);
}

TEST(BasicInfo, LabelsAndVersionsMayBeMissing) {
  const auto heard = parse_basic_info(R"({"type":"basic_info","plugins":[{"name":"own"}],"process_conf":{}})");
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_THAT(heard->plugins, ElementsAre(Pair("own", "")));
  EXPECT_THAT(heard->labels, IsEmpty());
}

TEST(BasicInfo, RefusesWhatCannotBeOne) {
  for (const char* text : {"", "[]", "{}", R"({"type":"reconfigure","plugins":[]})", R"({"type":"basic_info"})",
                           R"({"type":"basic_info","plugins":[1]})", R"({"type":"basic_info","plugins":[{}]})",
                           R"({"type":"basic_info","plugins":5})"}) {
    EXPECT_FALSE(parse_basic_info(text).has_value()) << text;
  }
}

TEST(Labels, ReadsSettings) {
  const auto labels = parse_labels({"env:prod", "zone:eu-1.a", "a:b_c"});
  ASSERT_TRUE(labels.has_value()) << labels.error().what;
  EXPECT_THAT(*labels, ElementsAre(Pair("a", "b_c"), Pair("env", "prod"), Pair("zone", "eu-1.a")));
}

TEST(Labels, RefusesWhatIsNoneOrGivenTwice) {
  EXPECT_FALSE(parse_labels({"env"}).has_value());
  EXPECT_FALSE(parse_labels({"env:"}).has_value());
  EXPECT_FALSE(parse_labels({"env:-x"}).has_value());
  EXPECT_FALSE(parse_labels({"a:b:c"}).has_value());
  EXPECT_FALSE(parse_labels({"env:a", "env:b"}).has_value());
}

}  // namespace
}  // namespace sluice::sync::wire
