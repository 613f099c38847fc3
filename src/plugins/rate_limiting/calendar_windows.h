// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::plugins {

inline constexpr std::size_t kPeriods = 6;
inline constexpr std::array<std::string_view, kPeriods> kPeriodNames = {"second", "minute", "hour",
                                                                        "day",    "month",  "year"};
/// What responses call the length of a period. Months and years are nominal there: 30 and 365 days.
inline constexpr std::array<std::int64_t, kPeriods> kPeriodSeconds = {1, 60, 3600, 86'400, 2'592'000, 31'536'000};

/// One calendar unit of time, UTC: `begin_s` is in it, `end_s` is not. Unix seconds.
struct Window {
  std::int64_t begin_s = 0;
  std::int64_t end_s = 0;
};

/// The windows of all periods around one moment, kept while they last, so that a date is computed once a month.
class CalendarWindows {
 public:
  [[nodiscard]] const Window& at(std::size_t period, std::int64_t now_s) {
    Window& window = windows_[period];
    if (now_s < window.begin_s || now_s >= window.end_s) window = compute(period, now_s);
    return window;
  }

 private:
  static Window compute(std::size_t period, std::int64_t now_s);
  std::array<Window, kPeriods> windows_;
};

}  // namespace sluice::plugins
