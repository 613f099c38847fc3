// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/grpc_timeout.h"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

TEST(GrpcTimeout, IsReadInEveryUnit) {
  EXPECT_EQ(parse_grpc_timeout("2H"), 7'200'000);
  EXPECT_EQ(parse_grpc_timeout("3M"), 180'000);
  EXPECT_EQ(parse_grpc_timeout("10S"), 10'000);
  EXPECT_EQ(parse_grpc_timeout("250m"), 250);
  EXPECT_EQ(parse_grpc_timeout("99000000n"), 99);
  EXPECT_EQ(parse_grpc_timeout("5000u"), 5);
}

TEST(GrpcTimeout, IsNeverNothing) {
  EXPECT_EQ(parse_grpc_timeout("1n"), 1);
  EXPECT_EQ(parse_grpc_timeout("0S"), 1);
}

TEST(GrpcTimeout, IsIgnoredWhenMalformed) {
  EXPECT_EQ(parse_grpc_timeout(""), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("S"), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("10"), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("-1S"), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("1 S"), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("123456789S"), std::nullopt);
  EXPECT_EQ(parse_grpc_timeout("10x"), std::nullopt);
}

}  // namespace
}  // namespace sluice::gateway
