// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Arena, AllocatesNothingBeforeItsFirstUse) {
  const Arena arena;
  EXPECT_EQ(arena.heap_octets(), 0U);
}

TEST(Arena, KeepsCopiesApartAndIntact) {
  Arena arena;
  std::vector<std::string_view> copies;
  copies.reserve(5000);
  for (int i = 0; i < 5000; ++i) copies.push_back(arena.copy(std::to_string(i)));
  for (std::size_t i = 0; i < copies.size(); ++i) ASSERT_EQ(copies[i], std::to_string(i));
}

TEST(Arena, HonoursAlignment) {
  Arena arena;
  for (const std::size_t align : {1U, 2U, 8U, 16U, 64U, 4096U}) {
    (void)arena.copy("x");
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.alloc(3, align)) % align, 0U);
  }
}

TEST(Arena, ServesBlocksLargerThanAChunk) {
  Arena arena;
  const std::string large(1'000'000, 'x');
  const std::string_view small = arena.copy("small");
  EXPECT_EQ(arena.copy(large), large);
  EXPECT_EQ(small, "small");
  EXPECT_EQ(arena.copy("after"), "after");
}

TEST(Arena, ResetKeepsOneChunkAndReleaseKeepsNone) {
  Arena arena;
  for (int i = 0; i < 100; ++i) (void)arena.alloc(1000);
  EXPECT_GT(arena.heap_octets(), 100'000U);
  arena.reset();
  EXPECT_EQ(arena.heap_octets(), Arena::kFirstChunk);
  EXPECT_EQ(arena.copy("again"), "again");
  EXPECT_EQ(arena.heap_octets(), Arena::kFirstChunk);
  arena.release();
  EXPECT_EQ(arena.heap_octets(), 0U);
  EXPECT_EQ(arena.copy("again"), "again");
}

TEST(Arena, ResetBeforeAnyOrdinaryChunkIsHarmless) {
  Arena arena;
  arena.reset();
  (void)arena.alloc(1'000'000);
  arena.reset();
  EXPECT_EQ(arena.heap_octets(), 0U);
  EXPECT_EQ(arena.copy("x"), "x");
}

TEST(InlineArena, UsesItsOwnOctetsFirst) {
  InlineArena<512> arena;
  (void)arena.alloc(100);
  EXPECT_EQ(arena.heap_octets(), 0U);
  (void)arena.alloc(1000);
  EXPECT_GT(arena.heap_octets(), 0U);
  arena.reset();
  EXPECT_EQ(arena.heap_octets(), 0U);
}

TEST(Arena, MakesObjectsAndArrays) {
  struct Point {
    int x;
    int y;
  };
  Arena arena;
  EXPECT_EQ(arena.make<Point>(1, 2).y, 2);
  const auto numbers = arena.alloc_array<int>(3);
  numbers[2] = 7;
  EXPECT_EQ(numbers.size(), 3U);
}

TEST(Arena, CopiesNothingForAnEmptyText) {
  Arena arena;
  EXPECT_TRUE(arena.copy("").empty());
  EXPECT_EQ(arena.heap_octets(), 0U);
}

}  // namespace
}  // namespace sluice
