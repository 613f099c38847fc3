// SPDX-License-Identifier: Apache-2.0
#include "gateway/router/path.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::gateway::router {
namespace {

using namespace std::string_literals;

std::string normal(std::string_view path) {
  std::string buffer;
  const auto result = normalize_path(path, buffer);
  return result ? std::string(*result) : "refused: " + std::string(to_string(result.error()));
}

TEST(NormalizePath, BringsEquivalentSpellingsIntoOneForm) {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"/", "/"},
      {"/a", "/a"},
      {"/a/", "/a/"},
      {"/a.b/.c/..d/e..", "/a.b/.c/..d/e.."},
      {"/.", "/"},
      {"/..", "/"},
      {"/./", "/"},
      {"/../", "/"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/./b", "/a/b"},
      {"/a/../b", "/b"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/a/b/../../c", "/c"},
      {"/../../admin/x", "/admin/x"},
      {"/public/../admin/x", "/admin/x"},
      {"/public/%2e%2e/admin/x", "/admin/x"},
      {"/public/.%2E/admin/x", "/admin/x"},
      {"//admin/x", "/admin/x"},
      {"///admin///x", "/admin/x"},
      {"/a//../b", "/b"},
      {"/a//", "/a/"},
      {"/%61dmin/x", "/admin/x"},
      {"/%7euser/%2D", "/~user/-"},
      {"/a%20b", "/a%20b"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/caf\xC3\xA9", "/caf\xC3\xA9"},
      {"/latin%e9", "/latin%E9"},
      {"/a%2fb", "/a%2Fb"},
      {"/..%252fadmin", "/..%252fadmin"},
      {"/%2561dmin", "/%2561dmin"},
      {"/admin;a=b/x", "/admin;a=b/x"},
      {"/...;x/y", "/...;x/y"},
      {"/a/...", "/a/..."},
      {"/a?b", "/a?b"},
  };
  for (const auto& [sent, expected] : rows) EXPECT_EQ(normal(sent), expected) << sent;
}

TEST(NormalizePath, RefusesWhatUpstreamsReadDifferently) {
  const std::vector<std::pair<std::string, PathIssue>> rows = {
      {"", PathIssue::NotAbsolute},
      {"*", PathIssue::NotAbsolute},
      {"admin", PathIssue::NotAbsolute},
      {"/public/..;/admin/x", PathIssue::ParameterDots},
      {"/user/..;foo=bar/admin/x", PathIssue::ParameterDots},
      {"/user/.;x/admin", PathIssue::ParameterDots},
      {"/user/%2e%2e;x/admin", PathIssue::ParameterDots},
      {"/user/..%3bx/admin", PathIssue::ParameterDots},
      {"/public\\..\\admin\\x", PathIssue::Backslash},
      {"/public/..%5cadmin/x", PathIssue::Backslash},
      {"/public/..%2fadmin/x", PathIssue::EncodedSlash},
      {"/public%2f..%2fadmin", PathIssue::EncodedSlash},
      {"/x%2F..;a%2Fadmin", PathIssue::EncodedSlash},
      {"/%2fadmin", PathIssue::EncodedSlash},
      {"/a%2F%2Fb", PathIssue::EncodedSlash},
      {"/public/..%c0%afadmin/x", PathIssue::Overlong},
      {"/public/%c0%ae%c0%ae/admin", PathIssue::Overlong},
      {"/%e0%80%af", PathIssue::Overlong},
      {"/%f0%80%80%af", PathIssue::Overlong},
      {"/\xC0\xAF", PathIssue::Overlong},
      {"/admin%00/x", PathIssue::ControlOctet},
      {"/public/.%0d./admin/x", PathIssue::ControlOctet},
      {"/admin%09/x", PathIssue::ControlOctet},
      {"/a%7f", PathIssue::ControlOctet},
      {"/a\x01"s, PathIssue::ControlOctet},
      {"/a b", PathIssue::ControlOctet},
      {"/public/#/../admin/x", PathIssue::Fragment},
      {"/a%", PathIssue::BadEscape},
      {"/a%4", PathIssue::BadEscape},
      {"/a%zz", PathIssue::BadEscape},
      {"/a%4g", PathIssue::BadEscape},
      {"/a%%41", PathIssue::BadEscape},
  };
  for (const auto& [sent, issue] : rows) {
    std::string buffer;
    const auto result = normalize_path(sent, buffer);
    ASSERT_FALSE(result.has_value()) << sent << " became " << *result;
    EXPECT_EQ(to_string(result.error()), to_string(issue)) << sent;
  }
}

TEST(NormalizePath, ReturnsTheInputItselfWhenNothingHasToChange) {
  const std::string path = "/api/v1/users/42.json;v=1/~me";
  std::string buffer;
  const auto result = normalize_path(path, buffer);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->data(), path.data());
  EXPECT_TRUE(buffer.empty());
}

TEST(NormalizePath, IsIdempotent) {
  for (const char* path : {"/a/./b//c/../%41%2f%c3%a9x", "/%2561", "/a%3Bb", "/..a/.b"}) {
    const std::string once = normal(path);
    EXPECT_EQ(normal(once), once);
  }
}

TEST(NormalizePath, MayRefuseEveryEncodedSlash) {
  std::string buffer;
  EXPECT_TRUE(normalize_path("/a%2fb", buffer).has_value());
  EXPECT_FALSE(normalize_path("/a%2fb", buffer, EncodedSlashes::Refuse).has_value());
}

}  // namespace
}  // namespace sluice::gateway::router
