// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "net/stream.h"
#include "rt/task.h"

namespace sluice::net {

/// Octets that went through, for the log.
struct TunnelCounts {
  std::uint64_t from_client = 0;
  std::uint64_t from_upstream = 0;
};

/// Carries octets both ways until both sides have ended, one has failed, or nothing moved for `idle_ms`. The end of
/// one direction is passed on as a half-close.
Task<void> run_tunnel(Stream& client, Stream& upstream, std::int64_t idle_ms, TunnelCounts& counts);

}  // namespace sluice::net
