// SPDX-License-Identifier: Apache-2.0
#include "objects/signature_v4.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::objects {
namespace {

using testing::Contains;
using testing::Key;
using testing::Pair;

/// The steps of the algorithm were checked against an independent calculation with Python's hmac and hashlib.
TEST(SignatureV4, SignsDateHostAndContent) {
  const Credentials credentials{.access_key = "AKIDEXAMPLE",
                                .secret_key = Secret<std::string>("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
                                .session_token = {}};
  const auto fields = sign({.method = "GET",
                            .host = "s3.test:9000",
                            .path = "/bucket/config.snapshot",
                            .query = {},
                            .content = {},
                            .region = "us-east-1",
                            .now = 1'369'353'600},
                           credentials);
  EXPECT_THAT(fields, Contains(Pair("x-amz-date", "20130524T000000Z")));
  EXPECT_THAT(fields, Contains(Pair("x-amz-content-sha256",
                                    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")));
  EXPECT_THAT(fields, Contains(Pair("authorization",
                                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20130524/us-east-1/s3/aws4_request,"
                                    "SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                                    "Signature=c8c68f8e94e218b7504e0810eb6c858064efd75c3d6fdde5bffd1f3bbdc44cbd")));
}

TEST(SignatureV4, NamesTheTokenOfTemporaryCredentials) {
  const Credentials credentials{.access_key = "A", .secret_key = Secret<std::string>("b"), .session_token = "token"};
  const auto fields = sign(
      {.method = "PUT", .host = "h", .path = "/b/k", .query = {}, .content = "x", .region = "eu-north-1", .now = 0},
      credentials);
  EXPECT_THAT(fields, Contains(Pair("x-amz-security-token", "token")));
  EXPECT_THAT(fields, Contains(Key("authorization")));
}

}  // namespace
}  // namespace sluice::objects
