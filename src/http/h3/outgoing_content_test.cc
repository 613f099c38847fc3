// SPDX-License-Identifier: Apache-2.0
#include "http/h3/outgoing_content.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace sluice::http::h3 {
namespace {

std::string offered(OutgoingContent& content, std::size_t most = 8) {
  std::array<nghttp3_vec, 8> parts{};
  const std::size_t count = content.offer(std::span(parts).first(most));
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text.append(reinterpret_cast<const char*>(parts[i].base), parts[i].len);
  return text;
}

TEST(Http3OutgoingContent, IsOfferedOnce) {
  OutgoingContent content;
  content.append("abc");
  content.append("defg");
  EXPECT_EQ(offered(content), "abcdefg");
  EXPECT_EQ(offered(content), "");
  content.append("h");
  EXPECT_EQ(offered(content), "h");
}

TEST(Http3OutgoingContent, IsOfferedInAsManyPartsAsAreWanted) {
  OutgoingContent content;
  content.append("abc");
  content.append("defg");
  EXPECT_EQ(offered(content, 1), "abc");
  EXPECT_EQ(content.unoffered(), 4U);
  EXPECT_EQ(offered(content, 1), "defg");
}

TEST(Http3OutgoingContent, IsKeptUntilItIsAcknowledged) {
  OutgoingContent content;
  content.append("abc");
  content.append("defg");
  offered(content);
  EXPECT_EQ(content.held(), 7U);
  content.acknowledge(2);
  EXPECT_EQ(content.held(), 5U);
  content.acknowledge(3);
  EXPECT_EQ(content.held(), 2U);
  content.acknowledge(2);
  EXPECT_EQ(content.held(), 0U);
}

TEST(Http3OutgoingContent, GoesOnAfterAnAcknowledgement) {
  OutgoingContent content;
  content.append("abc");
  offered(content);
  content.append("def");
  content.acknowledge(3);
  EXPECT_EQ(offered(content), "def");
  content.acknowledge(3);
  EXPECT_EQ(content.held(), 0U);
  EXPECT_EQ(content.unoffered(), 0U);
}

TEST(Http3OutgoingContent, StaysWhereItIsWhileItIsKept) {
  OutgoingContent content;
  content.append("a");  // short enough to lie in the string itself
  std::array<nghttp3_vec, 1> part{};
  ASSERT_EQ(content.offer(part), 1U);
  for (int i = 0; i < 1000; ++i) content.append("b");
  EXPECT_EQ(*part[0].base, 'a');
}

TEST(Http3OutgoingContent, IsNotAcknowledgedBeforeItIsOffered) {
  OutgoingContent content;
  content.append("abc");
  content.acknowledge(3);
  EXPECT_EQ(content.held(), 3U);
}

}  // namespace
}  // namespace sluice::http::h3
