// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/error.h"
#include "gateway/balancer/balancer.h"
#include "net/stream.h"
#include "rt/task.h"

namespace sluice::gateway {

/// What is spoken to an upstream. Negotiated: whatever it chooses of both in the TLS handshake.
enum class UpstreamHttp : std::uint8_t { Http1, Http2, Negotiated };

/// Opens connections to upstreams: TCP, and TLS where the service asks for it.
class Connector {
 public:
  virtual ~Connector() = default;
  /// `choice` and `service` outlive the task.
  virtual Task<Result<>> connect(net::Stream& stream, const Choice& choice, const LiveService& service,
                                 UpstreamHttp http, rt::Deadline deadline) = 0;
};

}  // namespace sluice::gateway
