// SPDX-License-Identifier: Apache-2.0
#include "control/planes/traffic_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control::planes {
namespace {

using testing::Each;
using testing::IsNull;

constexpr std::int64_t kSpan = TrafficHistory::kSpanMs;
constexpr std::int64_t kStart = 100'000 * kSpan;  // where a span begins

Uuid node(int number) {
  return *Uuid::parse("11111111-1111-4111-8111-00000000000" + std::to_string(number));
}

sync::Traffic counted(std::uint64_t requests, std::uint64_t client_errors = 0, std::uint64_t server_errors = 0) {
  sync::Traffic traffic;
  traffic.requests = requests;
  traffic.client_errors = client_errors;
  traffic.server_errors = server_errors;
  traffic.times[2] = requests;  // each within 2 to 5 ms
  return traffic;
}

/// The span with a node's reports at its beginning and at its end.
const TrafficHistory::Slot& first_span(const TrafficHistory& history) {
  static const TrafficHistory::Slot kNone;
  const auto slots = history.last(1, kStart + kSpan + 11'000);
  return slots.front() != nullptr ? *slots.front() : kNone;
}

TEST(TrafficHistory, IsUnknownWhereNobodyTold) {
  const TrafficHistory history;
  EXPECT_THAT(history.last(4, kStart), Each(IsNull()));
  EXPECT_EQ(history.reporting(kStart), 0U);
}

TEST(TrafficHistory, CountsWhatCameBetweenTwoReports) {
  TrafficHistory history;
  history.note(node(1), counted(1000, 10, 1), kStart);
  history.note(node(1), counted(1150, 40, 4), kStart + kSpan);
  EXPECT_DOUBLE_EQ(first_span(history).requests, 150);
  EXPECT_DOUBLE_EQ(first_span(history).client_errors, 30);
  EXPECT_DOUBLE_EQ(first_span(history).server_errors, 3);
}

TEST(TrafficHistory, WhatWasBeforeTheFirstReportIsNobodysRate) {
  TrafficHistory history;
  history.note(node(1), counted(1'000'000), kStart);
  EXPECT_DOUBLE_EQ(first_span(history).requests, 0);
  EXPECT_EQ(first_span(history).number, kStart / kSpan);
}

TEST(TrafficHistory, AddsNodesUp) {
  TrafficHistory history;
  for (const int number : {1, 2}) {
    history.note(node(number), counted(0), kStart);
    history.note(node(number), counted(60), kStart + kSpan);
  }
  EXPECT_DOUBLE_EQ(first_span(history).requests, 120);
  EXPECT_EQ(history.reporting(kStart + kSpan), 2U);
  EXPECT_EQ(history.reporting(kStart + kSpan + 60'000), 0U);
}

TEST(TrafficHistory, SharesOutBetweenSpansWhatLiesInBoth) {
  TrafficHistory history;
  history.note(node(1), counted(0), kStart + kSpan / 3);
  history.note(node(1), counted(90), kStart + kSpan + kSpan / 3);
  const auto slots = history.last(2, kStart + 2 * kSpan + 11'000);
  EXPECT_DOUBLE_EQ(slots[0]->requests, 60);
  EXPECT_DOUBLE_EQ(slots[1]->requests, 30);
}

TEST(TrafficHistory, ANodeThatWasRestartedCountsFromZero) {
  TrafficHistory history;
  history.note(node(1), counted(1000), kStart);
  history.note(node(1), counted(30), kStart + kSpan);
  EXPECT_DOUBLE_EQ(first_span(history).requests, 30);
}

TEST(TrafficHistory, ASpanIsShownWhenNodesHaveToldOfItsEnd) {
  TrafficHistory history;
  history.note(node(1), counted(0), kStart);
  EXPECT_THAT(history.last(1, kStart + kSpan + 10'000), Each(IsNull()));
  EXPECT_NE(history.last(1, kStart + kSpan + 11'000).front(), nullptr);
}

TEST(TrafficHistory, ForgetsAfterAnHour) {
  TrafficHistory history;
  history.note(node(1), counted(0), kStart);
  history.note(node(1), counted(60), kStart + kSpan);
  const std::int64_t later = kStart + kSpan * static_cast<std::int64_t>(TrafficHistory::kSlots + 2);
  EXPECT_THAT(history.last(TrafficHistory::kSlots, later), Each(IsNull()));
  history.note(node(2), counted(0), later);
  history.note(node(1), counted(500), later + 1);  // as if it came for the first time
  EXPECT_DOUBLE_EQ(history.last(1, later + kSpan + 11'000).front()->requests, 0);
}

TEST(TrafficHistory, AClockThatWasSetBackLosesOneReport) {
  TrafficHistory history;
  history.note(node(1), counted(0), kStart + 10 * kSpan);
  history.note(node(1), counted(500), kStart);
  history.note(node(1), counted(530), kStart + kSpan);
  EXPECT_DOUBLE_EQ(first_span(history).requests, 30);
}

TEST(TrafficHistory, SaysWithinWhichTimeMostWereAnswered) {
  TrafficHistory::Slot slot;
  EXPECT_EQ(slot.quantile(0.99), 0);
  slot.times[2] = 100;  // 2 to 5 ms
  EXPECT_DOUBLE_EQ(slot.quantile(0.5), 3.5);
  EXPECT_DOUBLE_EQ(slot.quantile(1), 5);
  slot.times.back() = 100;  // beyond ten seconds: no more is known
  EXPECT_DOUBLE_EQ(slot.quantile(0.99), 10'000);
}

}  // namespace
}  // namespace sluice::control::planes
