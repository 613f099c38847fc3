// SPDX-License-Identifier: Apache-2.0
#include "http/h2/stream_ids.h"

#include <gtest/gtest.h>

namespace sluice::http::h2 {
namespace {

using Fault = StreamIds::Fault;

FrameHeader frame(std::uint8_t type, std::int32_t stream, std::uint8_t flags = 0) {
  return {0, type, flags, stream};
}

TEST(StreamIds, TellsUsedIdsFromSkippedOnes) {
  StreamIds ids;
  for (std::int32_t id : {1, 3, 9}) EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, id)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 3)), Fault::None);  // trailers
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 5)), Fault::Forbidden);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 7)), Fault::Forbidden);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 11)), Fault::None);
}

TEST(StreamIds, AllowsNothingBehindTheClientsOwnEnd) {
  StreamIds ids;
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 1, NGHTTP2_FLAG_END_STREAM)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_DATA, 1)), Fault::Ended);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 1)), Fault::Ended);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_WINDOW_UPDATE, 1)), Fault::None);
}

TEST(StreamIds, TakesAResetForAnEnd) {
  StreamIds ids;
  EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, 1)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_DATA, 1)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_RST_STREAM, 1)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_DATA, 1)), Fault::Ended);
}

TEST(StreamIds, IsLenientAboutStreamsOfLongAgo) {
  StreamIds ids;
  for (std::int32_t id = 1; id < 201; id += 2) {
    EXPECT_EQ(ids.receive(frame(NGHTTP2_HEADERS, id, NGHTTP2_FLAG_END_STREAM)), Fault::None);
  }
  EXPECT_EQ(ids.receive(frame(NGHTTP2_DATA, 1)), Fault::None);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_DATA, 199)), Fault::Ended);
}

TEST(StreamIds, ForbidsAStreamThatDependsOnItself) {
  StreamIds ids;
  EXPECT_EQ(ids.receive({5, NGHTTP2_PRIORITY, 0, 3, 3}), Fault::Forbidden);
  EXPECT_EQ(ids.receive({5, NGHTTP2_PRIORITY, 0, 3, 1}), Fault::None);
  EXPECT_EQ(ids.receive({5, NGHTTP2_HEADERS, 0, 3, 0}), Fault::None);
}

TEST(StreamIds, ForbidsAPriorityOfNoStream) {
  StreamIds ids;
  EXPECT_EQ(ids.receive(frame(NGHTTP2_PRIORITY, 0)), Fault::Forbidden);
  EXPECT_EQ(ids.receive(frame(NGHTTP2_PRIORITY, 3)), Fault::None);
}

}  // namespace
}  // namespace sluice::http::h2
