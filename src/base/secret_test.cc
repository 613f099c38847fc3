// SPDX-License-Identifier: Apache-2.0
#include "base/secret.h"

#include <sstream>

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Secret, PrintsMasked) {
  const Secret<std::string> secret("hunter2");
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(to_string(secret), "***");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Secret, LeavesNothingBehindWhenMoved) {
  Secret<std::string> from("short");
  const Secret<std::string> to = std::move(from);
  EXPECT_EQ(to.reveal(), "short");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): the state after a move is what is tested
}

TEST(Secret, ComparesAndCopies) {
  const Secret<std::string> a("x");
  Secret<std::string> b;
  b = a;
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace sluice
