// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Fields;
using testing::Shard;

class RequestSizeLimiting : public ::testing::Test {
 protected:
  static constexpr std::string_view kTenOctets = R"({"allowed_payload_size":10,"size_unit":"bytes"})";
  Shard shard;
};

TEST_F(RequestSizeLimiting, JudgesByTheAnnouncedLength) {
  auto plugin = shard.make(add_request_size_limiting, kTenOctets);
  Call fits(shard, "POST", "/");
  EXPECT_FALSE(fits.with_body("text/plain", "0123456789").request_hook(*plugin).replied());
  Call large(shard, "POST", "/");
  large.with_body("text/plain", "0123456789a").request_hook(*plugin);
  EXPECT_EQ(large.status(), 413);
  EXPECT_EQ(large.body(), "Request size limit exceeded");
}

TEST_F(RequestSizeLimiting, KnowsItsUnits) {
  for (const auto& [unit, octets] : {std::pair("kilobytes", "1024"), std::pair("megabytes", "1048576")}) {
    auto plugin = shard.make(add_request_size_limiting,
                             R"({"allowed_payload_size":1,"size_unit":")" + std::string(unit) + R"("})");
    Call fits(shard, "POST", "/", {{"Content-Length", octets}});
    EXPECT_EQ(fits.request_hook(*plugin).status(), 0);
    Call large(shard, "POST", "/", {{"Content-Length", std::to_string(std::stoi(octets) + 1)}});
    EXPECT_EQ(large.request_hook(*plugin).status(), 413);
  }
}

TEST_F(RequestSizeLimiting, FailsTheExpectationOfAClientThatWaits) {
  auto plugin = shard.make(add_request_size_limiting, kTenOctets);
  Call call(shard, "POST", "/", {{"Content-Length", "11"}, {"Expect", "100-continue"}});
  EXPECT_EQ(call.request_hook(*plugin).status(), 417);
}

TEST_F(RequestSizeLimiting, MeasuresContentOfUnknownLength) {
  auto plugin = shard.make(add_request_size_limiting, kTenOctets);
  Call fits(shard, "POST", "/");
  EXPECT_FALSE(fits.with_chunked_body("0123456789").request_hook(*plugin).replied());
  EXPECT_EQ(fits.upstream_body(), "0123456789");
  Call large(shard, "POST", "/");
  EXPECT_EQ(large.with_chunked_body("0123456789a").request_hook(*plugin).status(), 413);
}

TEST_F(RequestSizeLimiting, CutsALargeContentOnItsWay) {
  auto plugin = shard.make(add_request_size_limiting, R"({"allowed_payload_size":11})");
  const std::size_t limit = std::size_t{11} << 20U;
  Call fits(shard, "POST", "/");
  EXPECT_FALSE(fits.with_chunked_body(std::string(limit, 'a')).request_hook(*plugin).replied());
  EXPECT_EQ(fits.upstream_body().size(), limit);
  Call large(shard, "POST", "/");
  EXPECT_FALSE(large.with_chunked_body(std::string(limit + 1, 'a')).request_hook(*plugin).replied());
  EXPECT_EQ(large.upstream_body(), "error: Request size limit exceeded");
  large.response_hook(*plugin);
  EXPECT_EQ(large.status(), 413);
  EXPECT_EQ(large.body(), "Request size limit exceeded");
  fits.response_hook(*plugin);
  EXPECT_FALSE(fits.replied());
}

TEST_F(RequestSizeLimiting, WantsALengthWhenTold) {
  auto plugin = shard.make(add_request_size_limiting, R"({"require_content_length":true})");
  Call without(shard, "GET", "/");
  without.request_hook(*plugin);
  EXPECT_EQ(without.status(), 411);
  EXPECT_EQ(without.body(), "A valid Content-Length header is required");
  Call chunked(shard, "POST", "/");
  EXPECT_FALSE(chunked.with_chunked_body("a").request_hook(*plugin).replied());
  Call empty(shard, "GET", "/", {{"Content-Length", "0"}});
  EXPECT_FALSE(empty.request_hook(*plugin).replied());
}

TEST_F(RequestSizeLimiting, MatchesThePublishedContract) {
  testing::expect_contract(add_request_size_limiting, "RequestSizeLimiting");
}

}  // namespace
}  // namespace sluice::plugins
