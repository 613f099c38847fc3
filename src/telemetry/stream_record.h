// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "telemetry/request_record.h"

namespace sluice::telemetry {

/// What happened to one TCP, TLS or UDP session. Times are monotonic nanoseconds, 0 = never reached; sizes are octets
/// of content: what TLS adds is not counted. Version 1 of the record.
struct StreamRecord {
  std::int64_t started_wall_ms = 0;
  std::int64_t started_ns = 0;           // accepted, or the first datagram
  std::int64_t upstream_started_ns = 0;  // the balancer began
  std::int64_t connected_ns = 0;         // the upstream is there
  std::int64_t finished_ns = 0;

  std::uint64_t received = 0;           // from the client
  std::uint64_t sent = 0;               // to the client
  std::uint64_t upstream_received = 0;  // from the upstream
  std::uint64_t upstream_sent = 0;      // to the upstream

  /// 200: it was carried; 400: the client did not speak what the listener demands; 403 or a plugin's own: refused;
  /// 404: no route; 502, 504: no upstream; 503: nobody to ask; 499: the client left before an upstream was there.
  int status = 0;
  enum class Source : std::uint8_t { Gateway, Upstream } source = Source::Gateway;

  Tries tries;  // the first ones; more are counted only
  std::uint16_t try_count = 0;

  /// Milliseconds that the gateway itself took, as far as it came.
  [[nodiscard]] std::int64_t gateway_latency_ms() const {
    const std::int64_t end = upstream_started_ns != 0 ? upstream_started_ns : finished_ns;
    return (end - started_ns) / 1'000'000;
  }
  /// Milliseconds until the upstream was connected; -1 when it never was.
  [[nodiscard]] std::int64_t connect_latency_ms() const {
    return connected_ns == 0 ? -1 : (connected_ns - upstream_started_ns) / 1'000'000;
  }
  [[nodiscard]] std::int64_t session_ms() const { return (finished_ns - started_ns) / 1'000'000; }
};

}  // namespace sluice::telemetry
