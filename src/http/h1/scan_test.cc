// SPDX-License-Identifier: Apache-2.0
#include "http/h1/scan.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace sluice::http::h1 {
namespace {

using Scan = const char* (*)(const char*, const char*);

/// Puts every octet at every place of texts around the width of the vector unit and compares with `belongs`.
template <class Belongs>
void expect_scan(Scan scan, char filler, Belongs belongs) {
  for (std::size_t size : {1U, 15U, 16U, 17U, 33U}) {
    for (std::size_t place = 0; place < size; ++place) {
      for (unsigned octet = 0; octet < 256; ++octet) {
        std::string text(size, filler);
        text[place] = static_cast<char>(octet);
        const std::size_t expected = belongs(octet) ? size : place;
        ASSERT_EQ(scan(text.data(), text.data() + size) - text.data(), static_cast<std::ptrdiff_t>(expected))
            << "octet " << octet << " at " << place << " of " << size;
      }
    }
  }
}

TEST(Scan, EndsValuesAtControlOctets) {
  expect_scan(find_value_end, 'v', [](unsigned c) { return c == '\t' || (c >= 0x20 && c != 0x7F); });
}

TEST(Scan, EndsTargetsAtSpacesControlsHashAndHighOctets) {
  expect_scan(find_target_end, '/', [](unsigned c) { return c > 0x20 && c < 0x7F && c != '#'; });
}

TEST(Scan, EndsTokensAtWhatIsNoTokenOctet) {
  expect_scan(find_token_end, 't', [](unsigned c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos);
  });
}

TEST(Scan, FindsTheEmptyLineThatEndsAHead) {
  auto end_of = [](std::string_view text) -> std::ptrdiff_t {
    const char* end = find_head_end(text.data(), text.data() + text.size());
    return end == nullptr ? -1 : end - text.data();
  };
  EXPECT_EQ(end_of("a\r\nb\r\n\r\nrest"), 8);
  EXPECT_EQ(end_of("\r\n\r\n"), 4);
  EXPECT_EQ(end_of("a\r\n\r"), -1);
  EXPECT_EQ(end_of("a\n\r\nb"), -1);
  EXPECT_EQ(end_of("a\n\n"), -1);
  EXPECT_EQ(end_of("\n\r\n\r\n"), 5);
  EXPECT_EQ(end_of(""), -1);
}

}  // namespace
}  // namespace sluice::http::h1
