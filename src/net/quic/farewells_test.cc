// SPDX-License-Identifier: Apache-2.0
#include "net/quic/farewells.h"

#include <string>

#include <gtest/gtest.h>

namespace sluice::net::quic {
namespace {

TEST(Farewells, AreFoundByEveryIdOfTheConnection) {
  Farewells farewells;
  farewells.add({"a", "b"}, "bye", 100);
  EXPECT_EQ(farewells.find("a", 0)->words, "bye");
  EXPECT_EQ(farewells.find("b", 0)->words, "bye");
  EXPECT_EQ(farewells.find("c", 0), nullptr);
}

TEST(Farewells, AreForgottenWhenTheirTimeIsOver) {
  Farewells farewells;
  farewells.add({"a"}, "bye", 100);
  EXPECT_EQ(farewells.find("a", 100), nullptr);
  EXPECT_EQ(farewells.size(), 0U);
}

TEST(Farewells, AreAnsweredLessAndLessOften) {
  Farewells farewells;
  farewells.add({"a"}, "bye", 100);
  int answered = 0;
  for (int i = 0; i < 100; ++i) answered += farewells.find("a", 0)->may_answer() ? 1 : 0;
  EXPECT_EQ(answered, 7);
}

TEST(Farewells, OfTheOldestGoFirstWhenThereAreTooMany) {
  Farewells farewells;
  for (std::size_t i = 0; i <= Farewells::kMost; ++i) farewells.add({std::to_string(i)}, "bye", 100);
  EXPECT_EQ(farewells.size(), Farewells::kMost);
  EXPECT_EQ(farewells.find("0", 0), nullptr);
  EXPECT_NE(farewells.find("1", 0), nullptr);
}

}  // namespace
}  // namespace sluice::net::quic
