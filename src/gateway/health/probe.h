// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "entity/upstream.h"
#include "net/address.h"
#include "net/tls/client_context.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::gateway {

/// What one probe does. Reference gateway.md, 5.3.
struct ProbePlan {
  const entity::ActiveHealthcheck* check;  // outlives the probe
  net::Address where;
  std::string authority;                                        // for Host
  std::string sni;                                              // for TLS
  std::shared_ptr<const net::tls::ClientContext> context = {};  // of https and grpcs
};

/// Whether probes of this type speak TLS, and whether they speak gRPC.
[[nodiscard]] bool is_secure(const entity::ActiveHealthcheck& check);
[[nodiscard]] bool is_grpc(const entity::ActiveHealthcheck& check);

/// How an address answered: with a status (http and https), or well or not (all others).
struct ProbeAnswer {
  int status = 0;  // 0: there is none to judge by
  bool well = true;
};

/// Asks once. tcp: whether it accepts connections. http: GET of the path. grpc: grpc.health.v1.Health/Check for the
/// server as a whole; one that does not know this service is well, since it has answered. Errors: Timeout, else it
/// cannot be reached or does not speak the protocol.
Task<Result<ProbeAnswer>> probe(rt::Reactor& reactor, ProbePlan plan, rt::Deadline deadline);

}  // namespace sluice::gateway
