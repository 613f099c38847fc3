// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

using Nanos = std::chrono::nanoseconds;
using Micros = std::chrono::microseconds;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;

/// Seconds or milliseconds of the wall clock since 1970. Code with a shard at hand asks rt::Clock instead.
[[nodiscard]] std::int64_t unix_seconds();
[[nodiscard]] std::int64_t unix_millis();

inline constexpr std::size_t kHttpDateSize = 29;

/// IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 9110, 5.6.7. `seconds` is clamped to the years 1 to 9999.
[[nodiscard]] std::string format_http_date(std::int64_t seconds);
/// Writes its 29 characters.
void write_http_date(char* out, std::int64_t seconds);

/// Seconds since 1970 of any of the three forms that RFC 9110, 5.6.7 makes recipients accept (IMF-fixdate, RFC 850,
/// asctime); nothing for all else. A wrong day name is an error, a leap second reads as the second before. Two-digit
/// years more than 50 years after `now` (seconds since 1970) belong to the past century.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now);

/// `2026-02-03T04:05:06.789Z`. RFC 3339. The same clamp.
[[nodiscard]] std::string format_rfc3339(std::int64_t milliseconds);

}  // namespace sluice
