// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::gateway {

/// What `grpc-timeout` says: at most eight digits and a unit (H, M, S, m, u, n), in milliseconds, never less than one.
/// Nothing when it is malformed; then there is no limit.
std::optional<std::int64_t> parse_grpc_timeout(std::string_view text);

}  // namespace sluice::gateway
