// SPDX-License-Identifier: Apache-2.0
#include "plugins/rate_limiting/calendar_windows.h"

#include <chrono>

namespace sluice::plugins {
namespace {

constexpr std::size_t kMonth = 4;

std::int64_t unix_seconds_of(std::chrono::year_month month) {
  const std::chrono::sys_days first = month / std::chrono::day(1);
  return std::chrono::duration_cast<std::chrono::seconds>(first.time_since_epoch()).count();
}

}  // namespace

Window CalendarWindows::compute(std::size_t period, std::int64_t now_s) {
  using std::chrono::months;
  using std::chrono::years;
  if (period < kMonth) {
    const std::int64_t length = kPeriodSeconds[period];
    const std::int64_t begin = now_s - now_s % length;
    return {begin, begin + length};
  }
  const auto today = std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds(std::chrono::seconds(now_s)));
  const std::chrono::year_month_day date(today);
  if (period == kMonth) {
    const std::chrono::year_month month = date.year() / date.month();
    return {unix_seconds_of(month), unix_seconds_of(month + months(1))};
  }
  const std::chrono::year_month january = date.year() / std::chrono::January;
  return {unix_seconds_of(january), unix_seconds_of(january + years(1))};
}

}  // namespace sluice::plugins
