// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/intrusive_rc.h"
#include "gateway/balancer/endpoint.h"
#include "gateway/health/address_state.h"
#include "net/address.h"

namespace sluice::gateway {

/// One address that a service's requests may go to, as one shard sees it.
struct Peer : RcObject {
  std::string host;  // of the service or target, or of the SRV record: for the Host header and SNI
  net::Address address;
  std::string target;                   // "host:port"; what it belongs to
  std::string label;                    // on a ring of consistent hashing
  std::string stickiness;               // value of a cookie of sticky sessions; empty unless there are such
  int weight = 1;                       // 0: draining; only who is stuck to it comes
  bool failover = false;                // of a target that is one
  std::string zone;                     // of its target; empty: it is in none
  double share = 1;                     // of its weight, while it starts slowly; as of the last arrangement
  bool up = true;                       // neither ill nor taken out; as of the last arrangement
  Rc<Endpoint> endpoint;                // once it has been chosen
  std::shared_ptr<AddressState> state;  // null for a service without an upstream
};

}  // namespace sluice::gateway
