// SPDX-License-Identifier: Apache-2.0
#include "http/address_counts.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::http {
namespace {

IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(AddressCounts, CountsEachAddressByItself) {
  AddressCounts counts;
  auto first = counts.take(ip("192.0.2.1"));
  auto second = counts.take(ip("192.0.2.1"));
  auto other = counts.take(ip("192.0.2.2"));
  EXPECT_EQ(counts.count(ip("192.0.2.1")), 2U);
  EXPECT_EQ(counts.count(ip("192.0.2.2")), 1U);
  EXPECT_EQ(counts.count(ip("192.0.2.3")), 0U);
}

TEST(AddressCounts, ForgetsAnAddressWithItsLastConnection) {
  AddressCounts counts;
  {
    std::vector<AddressCounts::Seat> seats;
    seats.reserve(100);
    for (int i = 0; i < 100; ++i) seats.push_back(counts.take(ip("192.0.2.1")));
    EXPECT_EQ(counts.count(ip("192.0.2.1")), 100U);
  }
  EXPECT_EQ(counts.addresses(), 0U);
}

TEST(AddressCounts, TakesANetworkOfVersion6ForOneClient) {
  AddressCounts counts;
  auto first = counts.take(ip("2001:db8:0:1::1"));
  auto second = counts.take(ip("2001:db8:0:1:ffff::2"));
  auto other = counts.take(ip("2001:db8:0:2::1"));
  EXPECT_EQ(counts.count(ip("2001:db8:0:1::3")), 2U);
  EXPECT_EQ(counts.addresses(), 2U);
}

TEST(AddressCounts, ASeatThatIsReplacedIsGivenBack) {
  AddressCounts counts;
  auto seat = counts.take(ip("192.0.2.1"));
  seat = counts.take(ip("192.0.2.2"));
  EXPECT_EQ(counts.count(ip("192.0.2.1")), 0U);
  EXPECT_EQ(counts.count(ip("192.0.2.2")), 1U);
  seat = {};
  EXPECT_EQ(counts.addresses(), 0U);
}

}  // namespace
}  // namespace sluice::http
