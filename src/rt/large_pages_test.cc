// SPDX-License-Identifier: Apache-2.0
#include "rt/large_pages.h"

#include <cstring>

#include <gtest/gtest.h>
#include <sys/mman.h>

namespace sluice::rt {
namespace {

class LargePagesTest : public testing::Test {
 protected:
  static constexpr std::size_t kSize = 16 * LargePages::kBytes;

  LargePagesTest()
      : memory(static_cast<char*>(::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
  }
  ~LargePagesTest() override { ::munmap(memory, kSize); }

  char* const memory;
};

TEST_F(LargePagesTest, FindsWhatIsInUseAndKeepsItsContent) {
  const std::size_t before = LargePages::of_process().left();
  std::memset(memory, 'x', kSize);
  LargePages pages = LargePages::of_process();
  if (pages.left() == 0) GTEST_SKIP() << "switched off on this machine, or under a sanitizer";
  EXPECT_GE(pages.left(), before + kSize / LargePages::kBytes - 1);
  while (pages.step()) {
  }
  EXPECT_EQ(pages.left(), 0U);
  for (std::size_t at = 0; at < kSize; at += 4096) ASSERT_EQ(memory[at], 'x');
}

TEST_F(LargePagesTest, LeavesWhatIsMostlyUnusedAlone) {
  const std::size_t before = LargePages::of_process().left();
  for (std::size_t at = 0; at < kSize; at += 64 * 1024) memory[at] = 'x';
  EXPECT_LE(LargePages::of_process().left(), before + 1);
}

}  // namespace
}  // namespace sluice::rt
