// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::sync::wire {
namespace {

Json parsed(std::string_view text) {
  auto json = parse_json(text);
  EXPECT_TRUE(json.has_value()) << text;
  return json ? *std::move(json) : Json();
}

TEST(TrafficReport, GoesThereAndBack) {
  Traffic traffic;
  traffic.requests = 70;
  traffic.client_errors = 7;
  traffic.server_errors = 1;
  traffic.times[Traffic::class_of(3)] = 60;
  traffic.times.back() = 10;
  const auto read = read_traffic(parsed(traffic_params(traffic)));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->requests, 70U);
  EXPECT_EQ(read->client_errors, 7U);
  EXPECT_EQ(read->server_errors, 1U);
  EXPECT_EQ(read->times, traffic.times);
}

TEST(TrafficReport, TakesNothingThatIsNoCount) {
  for (const char* text : {"[]", "{}", "[{}]", R"([{"requests":-1,"client_errors":0,"server_errors":0}])",
                           R"([{"requests":"1","client_errors":0,"server_errors":0}])",
                           R"([{"requests":1,"client_errors":0,"server_errors":0,"times":[true]}])"}) {
    EXPECT_FALSE(read_traffic(parsed(text)).has_value()) << text;
  }
}

TEST(TrafficReport, OfAReleaseWithOtherClassesIsReadAsFarAsBothKnowThem) {
  const auto fewer = read_traffic(parsed(R"([{"requests":5,"client_errors":0,"server_errors":0,"times":[1,4]}])"));
  ASSERT_TRUE(fewer.has_value());
  EXPECT_EQ(fewer->times[1], 4U);
  EXPECT_EQ(fewer->times[2], 0U);
  std::string many = R"([{"requests":5,"client_errors":0,"server_errors":0,"times":[)";
  for (int i = 0; i < 100; ++i) many += "1,";
  EXPECT_TRUE(read_traffic(parsed(many + "1]}]")).has_value());
}

TEST(Traffic, ClassesOfTimesEndAtTheirBounds) {
  EXPECT_EQ(Traffic::class_of(0), 0U);
  EXPECT_EQ(Traffic::class_of(1), 0U);
  EXPECT_EQ(Traffic::class_of(2), 1U);
  EXPECT_EQ(Traffic::class_of(10'000), Traffic::kClasses - 2);
  EXPECT_EQ(Traffic::class_of(10'001), Traffic::kClasses - 1);
}

}  // namespace
}  // namespace sluice::sync::wire
