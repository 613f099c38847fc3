// SPDX-License-Identifier: Apache-2.0
// Positions were computed apart from our code, from the description in reference/gateway.md, 5.1.
#include "gateway/balancer/ring.h"

#include <map>

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

const std::vector<RingMember> kMembers = {{"10.0.0.1::80", 100}, {"10.0.0.2::80", 100}, {"[2001:db8::1]::8080", 50}};

std::string holder(const Ring& ring, std::string_view value) {
  const auto found = ring.find(ring.slot_of(value), [](std::size_t) { return true; });
  return found ? kMembers[*found].label : "";
}

TEST(Ring, PlacesValuesWhereTheOtherGatewayDoes) {
  const Ring ring(kMembers, 3, 10'000);
  const std::map<std::string, std::uint32_t> slots = {
      {"", 7589},
      {"192.0.2.7", 9309},
      {"a8b1f8c0-95d2-4b50-8d33-1a2b3c4d5e6f", 3267},
      {"/orders/17", 8677},
  };
  for (const auto& [value, slot] : slots) EXPECT_EQ(ring.slot_of(value), slot) << value;
}

TEST(Ring, GivesValuesToTheMembersThatTheOtherGatewayChooses) {
  const Ring ring(kMembers, 3, 10'000);
  const std::map<std::string, std::string> holders = {{"", "10.0.0.2::80"},           {"192.0.2.7", "10.0.0.1::80"},
                                                      {"/orders/17", "10.0.0.2::80"}, {"alice", "10.0.0.1::80"},
                                                      {"bob", "[2001:db8::1]::8080"}, {"carol", "10.0.0.2::80"},
                                                      {"dave", "[2001:db8::1]::8080"}};
  for (const auto& [value, label] : holders) EXPECT_EQ(holder(ring, value), label) << value;
}

TEST(Ring, GivesEveryMemberPointsByItsWeight) {
  EXPECT_EQ(Ring(kMembers, 3, 10'000).points(), 480U);
  EXPECT_EQ(Ring({{"a::1", 1}, {"b::1", 65'535}}, 2, 1000).points(), 320U) << "at least one";
  EXPECT_EQ(Ring({{"a::1", 0}, {"b::1", 1}}, 2, 1000).points(), 320U);
}

TEST(Ring, FillsUpWhenItIsTooSmallForAll) {
  const std::vector<RingMember> many(40, {"same::1", 1});
  EXPECT_LE(Ring(many, 40, 10).points(), 1000U);
}

TEST(Ring, WalksPastMembersThatDoNotFit) {
  const Ring ring(kMembers, 3, 10'000);
  const std::uint32_t slot = ring.slot_of("alice");
  EXPECT_NE(ring.find(slot, [](std::size_t member) { return member != 0; }), std::optional<std::size_t>(0));
  EXPECT_EQ(ring.find(slot, [](std::size_t) { return false; }), std::nullopt);
  EXPECT_EQ(Ring().find(0, [](std::size_t) { return true; }), std::nullopt);
}

}  // namespace
}  // namespace sluice::gateway
