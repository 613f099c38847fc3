// SPDX-License-Identifier: Apache-2.0
#include "base/client_network.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

IpAddress network_of(std::string_view address) {
  return client_network(*IpAddress::parse(address));
}

TEST(ClientNetwork, IsTheAddressItselfInVersion4) {
  EXPECT_EQ(network_of("192.0.2.7").to_string(), "192.0.2.7");
  EXPECT_NE(network_of("192.0.2.7"), network_of("192.0.2.8"));
}

TEST(ClientNetwork, IsTheFirstHalfInVersion6) {
  EXPECT_EQ(network_of("2001:db8:1:2:3:4:5:6").to_string(), "2001:db8:1:2::");
  EXPECT_EQ(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:2:ffff::9"));
  EXPECT_NE(network_of("2001:db8:1:2::1"), network_of("2001:db8:1:3::1"));
}

}  // namespace
}  // namespace sluice
