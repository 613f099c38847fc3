// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::control::platform {

/// Milliseconds since 1970 of `2026-02-03T04:05:06.789Z` or `...+02:00` (RFC 3339); nothing for all else.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp(std::string_view text);

}  // namespace sluice::control::platform
