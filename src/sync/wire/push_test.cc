// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/wire/deltas.h"
#include "sync/wire/row_fixture.h"

namespace sluice::sync::wire {
namespace {

const std::string kHash(32, 'a');

TEST(Push, OfAChangeGoesThereAndBack) {
  const Push push{.from = "v1", .to = "v2", .hash = kHash, .signature = {}};
  const std::string text = push_params(push, R"([{"type":"x"}])");
  EXPECT_EQ(text, R"([{"from":"v1","to":"v2","hash":")" + kHash +
                      R"(","part":0,"parts":1,"full":false,"signature":"","deltas":[{"type":"x"}]}])");
  const Json params = json_of(text);
  const auto heard = read_push(params);
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->push.from, "v1");
  EXPECT_EQ(heard->push.to, "v2");
  EXPECT_EQ(heard->push.hash, kHash);
  EXPECT_FALSE(heard->push.full);
  EXPECT_EQ(heard->deltas->as_array().size(), 1U);
}

TEST(Push, OfEverythingComesInParts) {
  Push push{.from = {}, .to = "v2", .hash = {}, .part = 0, .parts = 2, .full = true, .signature = {}};
  const Json first = json_of(push_params(push, "[]"));
  EXPECT_TRUE(read_push(first).has_value());
  push.part = 1;
  push.hash = kHash;
  push.signature = "c2ln";
  const Json last = json_of(push_params(push, "[]"));
  const auto heard = read_push(last);
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->push.part, 1U);
  EXPECT_EQ(heard->push.parts, 2U);
  EXPECT_EQ(heard->push.signature, "c2ln");
}

TEST(Push, RefusesWhatDoesNotGoTogether) {
  const auto refused = [](const Push& push) { return !read_push(json_of(push_params(push, "[]"))).has_value(); };
  EXPECT_TRUE(refused({.from = "v1", .to = "", .hash = kHash, .signature = {}}));
  EXPECT_TRUE(refused({.from = "", .to = "v2", .hash = kHash, .signature = {}}));
  EXPECT_TRUE(refused({.from = "v1", .to = "v2", .hash = kHash, .full = true, .signature = {}}));
  EXPECT_TRUE(refused({.from = "v1", .to = "v2", .hash = "short", .signature = {}}));
  EXPECT_TRUE(refused({.from = "v1", .to = "v2", .hash = kHash, .part = 0, .parts = 0, .signature = {}}));
  EXPECT_TRUE(refused({.from = {}, .to = "v2", .hash = kHash, .part = 2, .parts = 2, .full = true, .signature = {}}));
  EXPECT_TRUE(refused({.from = {}, .to = "v2", .hash = kHash, .part = 0, .parts = 2, .full = true, .signature = {}}));
  EXPECT_TRUE(refused({.from = "v1", .to = "v2", .hash = "", .part = 0, .parts = 2, .signature = {}}));
}

TEST(Push, RefusesOtherShapes) {
  const Json good = json_of(push_params({.from = "v1", .to = "v2", .hash = kHash, .signature = {}}, "[]"));
  for (const char* member : {"from", "to", "hash", "part", "parts", "full", "signature", "deltas"}) {
    Json without = good;
    without.as_array()[0].as_object().erase(member);
    EXPECT_FALSE(read_push(without).has_value()) << member;
  }
  Json many = good;
  many.as_array()[0].as_object().set("parts", std::int64_t{1} << 60U);
  EXPECT_FALSE(read_push(many).has_value());
  Json negative = good;
  negative.as_array()[0].as_object().set("part", -1);
  EXPECT_FALSE(read_push(negative).has_value());
}

TEST(Standing, GoesThereAndBack) {
  const auto heard = read_standing(json_of(standing_params({.version = "v", .hash = kHash, .reason = "lost"})));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->version, "v");
  EXPECT_EQ(heard->hash, kHash);
  EXPECT_EQ(heard->reason, "lost");
  EXPECT_FALSE(read_standing(json_of(R"([{"version":1,"hash":""}])")).has_value());
}

const char* const kEntityErrors =
    R"([{"entity_type":"service","entity_name":"a","errors":[{"field":"host","message":"bad"}]}])";

TEST(Refused, OfProtocol2GoesThereAndBack) {
  Refused refused{.version = "v02_1", .hash = {}, .name = "n", .message = "m", .errors = json_of(kEntityErrors)};
  const auto heard = read_refused_params(json_of(refused_params(refused)));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->version, "v02_1");
  EXPECT_EQ(heard->name, "n");
  EXPECT_EQ(heard->message, "m");
  EXPECT_EQ(to_json(heard->errors), kEntityErrors);
}

TEST(Refused, KeepsValuesToItself) {
  Refused refused{.version = "v02_1", .hash = {}, .name = "n", .message = "m", .errors = json_of(R"([{
      "entity_type":"plugin","entity_id":"1f","entity_name":"p","entity_tags":["t"],
      "entity":{"config":{"client_secret":"open sesame"}},
      "errors":[{"type":"field","field":"config.x","message":"unknown field","value":"open sesame"}]}])")};
  EXPECT_EQ(refused_params(refused).find("sesame"), std::string::npos);
  const auto heard = read_refused_params(
      json_of(R"([{"version":"v","error":{"message":"m","flattened_errors":)" + to_json(refused.errors) + "}}]"));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(to_json(heard->errors), R"([{"entity_type":"plugin","entity_id":"1f","entity_name":"p",)"
                                    R"("errors":[{"type":"field","field":"config.x","message":"unknown field"}]}])")
      << "nor is it taken from a node that sends more";
}

TEST(Refused, SaysNoMoreThanPeopleRead) {
  Json::Array many;
  for (int i = 0; i < 1'000; ++i) many.push_back(json_of(R"({"entity_type":"route","errors":[{"message":"x"}]})"));
  Refused refused{.version = "v", .hash = {}, .name = "n", .message = std::string(100'000, 'm'), .errors = many};
  EXPECT_EQ(read_refused_params(json_of(refused_params(refused)))->errors.as_array().size(), 50U);
  for (Json& each : refused.errors.as_array()) {
    Json::Array errors;
    for (int i = 0; i < 100; ++i) errors.push_back(Json::Object{{"message", std::string(1'000, 'x')}});
    each.as_object().set("errors", std::move(errors));
  }
  EXPECT_LT(refused_params(refused).size(), 24'000U);
}

TEST(Refused, OfProtocol1GoesThereAndBack) {
  Refused refused{.version = {}, .hash = kHash, .name = "configuration reload failed", .message = "m", .errors = {}};
  EXPECT_EQ(refused_v1_text(refused), R"({"type":"error","error":{"name":"configuration reload failed","message":"m",)"
                                      R"("source":"sync","config_hash":")" +
                                          kHash + R"(","flattened_errors":[]}})");
  const auto heard = read_refused_v1(refused_v1_text(refused));
  ASSERT_TRUE(heard.has_value()) << heard.error().what;
  EXPECT_EQ(heard->hash, kHash);
  EXPECT_EQ(heard->name, "configuration reload failed");
}

TEST(Refused, TakesWhatKongSaysInItsOwnWay) {
  const auto heard =
      read_refused_params(json_of(R"([{"version":"v","error":{"code":21,"name":"sync deltas parse failure",)"
                                  R"("source":"kong.clustering.services.sync.rpc.validate",)"
                                  R"("message":{"a":[1]},"fields":{}}}])"));
  ASSERT_TRUE(heard.has_value());
  EXPECT_EQ(heard->message, R"({"a":[1]})");
  const auto bare = read_refused_v1(R"({"type":"error","error":{"exception":"x"}})");
  ASSERT_TRUE(bare.has_value());
  EXPECT_EQ(bare->name, "generic or unknown error");
  EXPECT_TRUE(bare->errors.is_array());
}

TEST(Refused, IsCutBetweenCharacters) {
  std::string long_text = "x";
  while (long_text.size() < 40'000) long_text += "漢";
  const auto heard = read_refused_v1(R"({"type":"error","error":{"name":"n","message":")" + long_text + R"("}})");
  ASSERT_TRUE(heard.has_value());
  EXPECT_LE(heard->message.size(), 4'096U);
  EXPECT_GT(heard->message.size(), 4'000U);
  EXPECT_TRUE(parse_json(to_json(Json(heard->message))).has_value());
  EXPECT_EQ(long_text.substr(0, heard->message.size()), heard->message);
}

TEST(Refused, RefusesOtherFrames) {
  for (const char* text : {"", "{}", "5", R"({"type":"error"})", R"({"type":"basic_info","error":{}})"}) {
    EXPECT_FALSE(read_refused_v1(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace sluice::sync::wire
