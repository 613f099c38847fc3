// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "net/stream.h"
#include "rt/task.h"

namespace sluice::net {

/// Octets that went through, for the log.
struct TunnelCounts {
  std::uint64_t from_client = 0;
  std::uint64_t to_upstream = 0;
  std::uint64_t from_upstream = 0;
  std::uint64_t to_client = 0;
};

/// How long a tunnel waits.
struct TunnelPatience {
  std::int64_t idle_ms;   // while nothing moves in either direction
  std::int64_t write_ms;  // while one side takes nothing of what the other has sent
};

/// How a tunnel ended. After a failure, or an end that is none (TLS without close_notify), the other side should learn
/// of it by Stream::abort(): what it got may not be all.
enum class TunnelEnd : std::uint8_t { Closed, Idle, ClientFailed, UpstreamFailed };

/// Carries octets both ways until both sides have ended, one has failed, or nothing moves any more. The end of one
/// direction is passed on as a half-close. What flows in bulk between two plain sockets is spliced and never seen; an
/// idle tunnel holds no buffer.
Task<TunnelEnd> run_tunnel(Stream& client, Stream& upstream, TunnelPatience patience, TunnelCounts& counts);
/// The same with one time for both.
Task<TunnelEnd> run_tunnel(Stream& client, Stream& upstream, std::int64_t idle_ms, TunnelCounts& counts);

}  // namespace sluice::net
