// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/upstream_path.h"

#include <vector>

#include <gtest/gtest.h>

namespace sluice::gateway::router {
namespace {

struct Row {
  std::string_view service;
  std::size_t prefix;
  std::string_view request;
  std::string_view v0_strip{}, v0_keep{}, v1_strip{}, v1_keep{};
};

std::string build(const Row& row, bool strip, PathHandling handling) {
  std::string out;
  append_upstream_path(out, {.service_path = row.service,
                             .request_path = row.request,
                             .prefix_length = row.prefix,
                             .strip_path = strip,
                             .handling = handling});
  return out;
}

TEST(UpstreamPath, JoinsServiceAndRequestPaths) {
  const std::vector<Row> rows = {
      // service, matched, request, v0 strip, v0 keep, v1 strip, v1 keep
      {"", 1, "/", "/", "/", "/", "/"},
      {"", 1, "/a", "/a", "/a", "/a", "/a"},
      {"/", 2, "/a", "/", "/a", "/", "/a"},
      {"/", 2, "/a/", "/", "/a/", "/", "/a/"},
      {"/", 2, "/a/b", "/b", "/a/b", "/b", "/a/b"},
      {"/", 3, "/a/b", "/b", "/a/b", "/b", "/a/b"},
      {"/s", 1, "/", "/s", "/s", "/s", "/s"},
      {"/s", 1, "/a", "/s/a", "/s/a", "/sa", "/sa"},
      {"/s", 2, "/a", "/s", "/s/a", "/s", "/sa"},
      {"/s", 2, "/a/", "/s/", "/s/a/", "/s/", "/sa/"},
      {"/s", 3, "/a/", "/s/", "/s/a/", "/s", "/sa/"},
      {"/s", 2, "/ab", "/s/b", "/s/ab", "/sb", "/sab"},
      {"/s", 2, "/a/b", "/s/b", "/s/a/b", "/s/b", "/sa/b"},
      {"/s", 3, "/a/b", "/s/b", "/s/a/b", "/sb", "/sa/b"},
      {"/s/", 1, "/", "/s/", "/s/", "/s/", "/s/"},
      {"/s/", 1, "/a", "/s/a", "/s/a", "/s/a", "/s/a"},
      {"/s/", 2, "/a", "/s", "/s/a", "/s/", "/s/a"},
      {"/s/", 2, "/a/", "/s/", "/s/a/", "/s/", "/s/a/"},
      {"/s/", 2, "/ab", "/s/b", "/s/ab", "/s/b", "/s/ab"},
      {"/s/", 2, "/a/b", "/s/b", "/s/a/b", "/s/b", "/s/a/b"},
      {"/s/", 3, "/a/b", "/s/b", "/s/a/b", "/s/b", "/s/a/b"},
      {"/s", 0, "/a", "/s/a", "/s/a", "/s/a", "/sa"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.service) + " + " + std::string(row.request) + " @" + std::to_string(row.prefix));
    EXPECT_EQ(build(row, true, PathHandling::V0), row.v0_strip);
    EXPECT_EQ(build(row, false, PathHandling::V0), row.v0_keep);
    EXPECT_EQ(build(row, true, PathHandling::V1), row.v1_strip);
    EXPECT_EQ(build(row, false, PathHandling::V1), row.v1_keep);
  }
}

TEST(UpstreamPath, StrippingNeverMakesADotSegment) {
  const std::vector<std::pair<std::string_view, std::string_view>> rows = {
      {"/a./b", "/b"},    {"/a../b", "/b"}, {"/a.", "/"},     {"/a..", "/"},
      {"/a.././b", "/b"}, {"/a.b", "/.b"},  {"/a..b", "/..b"}};
  for (const auto& [request, expected] : rows) {
    EXPECT_EQ(build({.service = "/", .prefix = 2, .request = request}, true, PathHandling::V0), expected) << request;
  }
}

TEST(ForwardedPrefix, IsWhatStrippingRemoves) {
  UpstreamPathInput in{.service_path = "/s", .request_path = "/a/b", .prefix_length = 2};
  EXPECT_EQ(forwarded_prefix(in), "/a");
  in.strip_path = false;
  EXPECT_EQ(forwarded_prefix(in), "");
}

}  // namespace
}  // namespace sluice::gateway::router
