// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/retry_budget.h"

#include <gtest/gtest.h>

namespace sluice::gateway {
namespace {

int spend_all(RetryBudget& budget, std::int64_t now_ms) {
  int spent = 0;
  while (budget.spend(now_ms)) ++spent;
  return spent;
}

TEST(RetryBudget, HasAFewInAdvance) {
  RetryBudget budget;
  EXPECT_EQ(spend_all(budget, 0), 10);
}

TEST(RetryBudget, GivesOneForTenRequests) {
  RetryBudget budget;
  spend_all(budget, 0);
  int spent = 0;
  for (int request = 0; request < 1000; ++request) {
    budget.earn();
    spent += spend_all(budget, 0);
  }
  EXPECT_GE(spent, 99);
  EXPECT_LE(spent, 100);
}

TEST(RetryBudget, DoesNotSaveUpForAStorm) {
  RetryBudget budget;
  for (int request = 0; request < 100'000; ++request) budget.earn();
  EXPECT_EQ(spend_all(budget, 0), 10);
}

TEST(RetryBudget, ComesBackSlowlyByItself) {
  RetryBudget budget;
  spend_all(budget, 0);
  EXPECT_EQ(spend_all(budget, 9'000), 0);
  EXPECT_EQ(spend_all(budget, 21'000), 2);
}

}  // namespace
}  // namespace sluice::gateway
