// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include "gateway/router/path.h"
#include "input.h"

namespace {

using namespace sluice;
using gateway::router::EncodedSlashes;
using gateway::router::normalize_path;

/// `path` as an upstream may see it that decodes every escape.
std::string fully_decoded(std::string_view path) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 32) - 'a' + 10; };
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '%') {
      out += static_cast<char>(digit(path[i + 1]) * 16 + digit(path[i + 2]));
      i += 2;
    } else {
      out += path[i];
    }
  }
  return out;
}

void expect_no_dot_segments(std::string_view path) {
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t slash = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, slash - begin);
    fuzz::expect(segment != "." && segment != "..", "no dot segment");
    begin = slash + 1;
  }
}

}  // namespace

/// The normal form is a fixed point, and holds no dot segment whether or not an upstream decodes it.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto slashes = fuzz::choose(input, 2) == 0 ? EncodedSlashes::Keep : EncodedSlashes::Refuse;
  const std::string path(input);
  std::string buffer;
  const auto normal = normalize_path(path, buffer, slashes);
  if (!normal) {
    fuzz::expect(!gateway::router::to_string(normal.error()).empty(), "says why");
    return 0;
  }
  const std::string once(*normal);
  std::string second_buffer;
  const auto twice = normalize_path(once, second_buffer, slashes);
  fuzz::expect(twice && *twice == once, "the normal form of a normal form is itself");
  fuzz::expect(once.starts_with('/') && once.find("//") == std::string::npos, "absolute, without empty segments");
  expect_no_dot_segments(once);
  expect_no_dot_segments(fully_decoded(once));
  for (char c : once) {
    const bool control = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
    fuzz::expect(!control && c != '\\' && c != '#', "no octet that misleads");
  }
  return 0;
}
