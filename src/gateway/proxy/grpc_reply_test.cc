// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/grpc_reply.h"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

TEST(GrpcReply, SaysInItsOwnWordsWhatAnErrorFormMeans) {
  EXPECT_EQ(grpc_status(401), 16);
  EXPECT_EQ(grpc_message(Reply{401, "No API key found in request"}), "Unauthenticated");
  EXPECT_EQ(grpc_message(Reply{403, ""}), "PermissionDenied");
  EXPECT_EQ(grpc_message(Reply{429, ""}), "ResourceExhausted");
  EXPECT_EQ(grpc_message(Reply::failure(502)), "Internal");
}

TEST(GrpcReply, PassesOnTheTextOfAnExit) {
  EXPECT_EQ(grpc_message(Reply::exit(401, "Unauthorized")), "Unauthorized");
  EXPECT_EQ(grpc_message(Reply::message(401, "come back")), "come back");
  EXPECT_EQ(grpc_message(Reply::exit(400, R"({"error":1})", "application/json")), "");
}

TEST(GrpcReply, EscapesWhatAFieldCannotCarry) {
  EXPECT_EQ(grpc_message(Reply::exit(400, "50 %\nm\xC3\xA4")), "50 %25%0Am%C3%A4");
}

TEST(GrpcReply, MapsEveryStatusToACode) {
  EXPECT_EQ(grpc_status(200), 0);
  EXPECT_EQ(grpc_status(418), 3);
  EXPECT_EQ(grpc_status(503), 14);
  EXPECT_EQ(grpc_status(599), 13);
  EXPECT_EQ(grpc_status(302), 2);
}

}  // namespace
}  // namespace sluice::gateway
