// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.h"

#include <unordered_set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"

namespace sluice {
namespace {

constexpr std::string_view kText = "0123abcd-4567-89ef-0123-456789abcdef";

TEST(Uuid, ReadsAndWritesItsText) {
  EXPECT_EQ(Uuid::parse(kText).value().to_string(), kText);
  EXPECT_EQ(Uuid::parse("0123ABCD-4567-89EF-0123-456789ABCDEF").value().to_string(), kText);
}

TEST(Uuid, RefusesAllOtherForms) {
  for (const char* text : {"", "0123abcd456789ef0123456789abcdef", "{123abcd-4567-89ef-0123-456789abcdef}",
                           "0123abcd-4567-89ef-0123-456789abcde", "0123abcd-4567-89ef-0123-456789abcdefa",
                           "0123abcg-4567-89ef-0123-456789abcdef", "0123abcd_4567-89ef-0123-456789abcdef"}) {
    EXPECT_FALSE(Uuid::parse(text)) << text;
  }
}

TEST(Uuid, OrdersLikeItsText) {
  const Uuid low = Uuid::parse("00000000-0000-0000-0000-0000000000ff").value();
  const Uuid high = Uuid::parse("80000000-0000-0000-0000-000000000000").value();
  EXPECT_LT(low, high);
  EXPECT_TRUE(Uuid().is_nil());
  EXPECT_FALSE(low.is_nil());
}

TEST(Uuid, RandomOnesDifferAndCarryVersionAndVariant) {
  std::unordered_set<Uuid> seen;
  for (int i = 0; i < 1000; ++i) {
    const Uuid uuid = Uuid::random();
    EXPECT_TRUE(seen.insert(uuid).second);
    EXPECT_EQ(uuid.to_string()[14], '4');
    EXPECT_EQ(uuid.octets[8] >> 6U, 2);
  }
}

TEST(Random, AChildDoesNotRepeatItsParent) {
  (void)random_u64();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const std::uint64_t value = random_u64();
    ::_exit(::write(ends[1], &value, sizeof(value)) == sizeof(value) ? 0 : 1);
  }
  std::uint64_t theirs = 0;
  ASSERT_EQ(::read(ends[0], &theirs, sizeof(theirs)), static_cast<ssize_t>(sizeof(theirs)));
  ::waitpid(child, nullptr, 0);
  EXPECT_NE(random_u64(), theirs);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace sluice
