// SPDX-License-Identifier: Apache-2.0
#include "net/metadata_address.h"

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

TEST(MetadataAddress, IsKnownInEitherFamilyAndWritten) {
  EXPECT_TRUE(is_metadata_address(*IpAddress::parse("169.254.169.254")));
  EXPECT_TRUE(is_metadata_address(*IpAddress::parse("::ffff:169.254.169.254")));
  EXPECT_TRUE(is_metadata_address(*IpAddress::parse("fd00:ec2::254")));
}

TEST(MetadataAddress, IsNoNeighbour) {
  EXPECT_FALSE(is_metadata_address(*IpAddress::parse("169.254.169.253")));
  EXPECT_FALSE(is_metadata_address(*IpAddress::parse("127.0.0.1")));
  EXPECT_FALSE(is_metadata_address(*IpAddress::parse("fe80::1")));
}

TEST(MetadataAddress, MayServeNames) {
  const IpAddress address = *IpAddress::parse("169.254.169.254");
  EXPECT_TRUE(is_metadata_service({address, 80}));
  EXPECT_FALSE(is_metadata_service({address, 53}));
}

}  // namespace
}  // namespace sluice::net
