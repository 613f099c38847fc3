// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/frame_cache.h"

#include <gtest/gtest.h>

namespace sluice::control::cluster {
namespace {

Frames frame(std::size_t octets) {
  return std::make_shared<const std::vector<std::string>>(1, std::string(octets, 'x'));
}

TEST(FrameCache, GivesToAllTheSame) {
  FrameCache cache;
  const Frames made = frame(5);
  cache.keep("a", made);
  cache.keep("none", nullptr);
  EXPECT_EQ(cache.find("a"), made);
  EXPECT_EQ(cache.find("none"), Frames());
  EXPECT_FALSE(cache.find("b"));
}

TEST(FrameCache, DropsWhatNobodyAskedForTheLongest) {
  FrameCache cache({.entries = 2, .octets = 1000});
  cache.keep("a", frame(5));
  cache.keep("b", frame(5));
  EXPECT_TRUE(cache.find("a"));
  cache.keep("c", nullptr);
  EXPECT_TRUE(cache.find("a"));
  EXPECT_FALSE(cache.find("b"));
}

TEST(FrameCache, HoldsNoMoreOctetsThanThereIsRoomFor) {
  FrameCache cache({.entries = 10, .octets = 100});
  cache.keep("a", frame(60));
  cache.keep("b", frame(60));
  EXPECT_FALSE(cache.find("a"));
  Frames large = frame(500);
  cache.keep("c", large);
  EXPECT_TRUE(cache.find("b"));
  EXPECT_EQ(cache.find("c"), large);
  large.reset();
  EXPECT_FALSE(cache.find("c")) << "nobody sends it";
}

}  // namespace
}  // namespace sluice::control::cluster
