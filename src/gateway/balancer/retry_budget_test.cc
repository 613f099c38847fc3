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
    budget.earn(0);
    spent += spend_all(budget, 0);
  }
  EXPECT_GE(spent, 99);
  EXPECT_LE(spent, 100);
}

/// 100 requests a second, for `seconds`.
void serve(RetryBudget& budget, std::int64_t from_ms, int seconds) {
  for (std::int64_t at = from_ms; at < from_ms + std::int64_t{1000} * seconds; at += 10) budget.earn(at);
}

TEST(RetryBudget, LetsWhatTheLastSecondsEarnedBeSpentAtOnce) {
  RetryBudget budget;
  serve(budget, 0, 10);
  const int spent = spend_all(budget, 10'000);
  EXPECT_GE(spent, 10);
  EXPECT_LE(spent, 21);
}

TEST(RetryBudget, ABusyServiceMaySaveMore) {
  RetryBudget budget;
  for (std::int64_t at = 0; at < 5'000; ++at) budget.earn(at);
  const int spent = spend_all(budget, 4'999);
  EXPECT_GE(spent, 100);
  EXPECT_LE(spent, 200);
}

TEST(RetryBudget, DoesNotSaveUpForAStorm) {
  RetryBudget budget;
  serve(budget, 0, 3600);
  serve(budget, 3'700'000, 1);
  EXPECT_LE(spend_all(budget, 3'702'000), 20);
}

TEST(RetryBudget, AQuietServiceKeepsAFew) {
  RetryBudget budget;
  serve(budget, 0, 60);
  EXPECT_EQ(spend_all(budget, 100'000), 10);
}

TEST(RetryBudget, ComesBackSlowlyByItself) {
  RetryBudget budget;
  spend_all(budget, 0);
  EXPECT_EQ(spend_all(budget, 9'000), 0);
  EXPECT_EQ(spend_all(budget, 21'000), 2);
}

}  // namespace
}  // namespace sluice::gateway
