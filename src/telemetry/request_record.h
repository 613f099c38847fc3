// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/ip.h"

namespace sluice::telemetry {

/// One attempt to reach an upstream peer.
struct Try {
  IpAddress ip;
  std::uint16_t port = 0;
  std::int64_t started_wall_ns = 0;  // when the balancer was asked
  std::int64_t balancer_ns = 0;      // how long choosing took
  int status = 0;                    // of the reply, or what a failure maps to (502, 504)
  bool failed = false;
};

/// Room for the first attempts of a request. Memory is touched only as attempts happen: nearly all requests have one.
class Tries {
 public:
  static constexpr std::size_t kMost = 8;

  Tries() {}  // NOLINT(modernize-use-equals-default): must not initialise the slots
  Try& operator[](std::size_t index) { return slots_[index]; }
  [[nodiscard]] std::span<const Try> first(std::size_t count) const {
    return std::span(slots_).first(std::min(count, kMost));
  }

 private:
  union {
    std::array<Try, kMost> slots_;  // NOLINT(readability-identifier-naming): taken for public, being in a union
  };
};

/// What happened to one request. Log plugins, metrics, analytics, tracing and `explain` read this and nothing else
/// besides the exchange's entities. Times are monotonic nanoseconds, 0 = never reached; sizes are octets on the wire.
/// Version 1 of the record.
struct RequestRecord {
  std::array<char, 32> request_id{};

  std::int64_t started_wall_ms = 0;
  std::int64_t started_ns = 0;           // first octet of the request
  std::int64_t upstream_started_ns = 0;  // the balancer began
  std::int64_t upstream_sent_ns = 0;     // head sent to the peer that answered
  std::int64_t upstream_head_ns = 0;     // response head received
  std::int64_t head_sent_ns = 0;         // response head handed to the client's socket
  std::int64_t finished_ns = 0;          // last octet, or the end of hope

  std::uint64_t request_size = 0;   // head and content, from the client
  std::uint64_t response_size = 0;  // head and content, to the client
  std::uint64_t request_body_size = 0;
  std::uint64_t response_body_size = 0;

  int status = 0;           // sent to the client; 499 when it left before that
  int upstream_status = 0;  // of the last reply; 0: none
  enum class Source : std::uint8_t { Gateway, Upstream, Failure } source = Source::Gateway;

  Tries tries;  // the first ones; more are counted only
  std::uint16_t try_count = 0;

  std::string_view upstream_uri;    // path and query sent upstream; lives in the exchange's arena
  std::string_view correlation_id;  // set by correlation-id; lives in the exchange's arena

  /// Milliseconds as Kong reports them. Waiting for the upstream: first byte; -1 when it was never asked.
  [[nodiscard]] std::int64_t upstream_latency_ms() const {
    return upstream_head_ns == 0 || upstream_started_ns == 0 ? -1
                                                             : (upstream_head_ns - upstream_started_ns) / 1'000'000;
  }
  /// Time spent in the gateway itself before the upstream was asked, or before its own answer.
  [[nodiscard]] std::int64_t gateway_latency_ms() const {
    std::int64_t end =
        upstream_started_ns != 0 ? upstream_started_ns : (head_sent_ns != 0 ? head_sent_ns : finished_ns);
    return (end - started_ns) / 1'000'000;
  }
  [[nodiscard]] std::int64_t total_ms() const { return (finished_ns - started_ns) / 1'000'000; }
};

}  // namespace sluice::telemetry
