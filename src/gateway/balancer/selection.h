// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/intrusive_rc.h"

namespace sluice::gateway {

class Exchange;
class LiveService;
struct Peer;

/// What one request tells the balancer: where it belongs, and which addresses have failed it. Views are of its
/// exchange.
struct Selection {
  std::string_view hashed;          // of consistent hashing; what was found of the request, else empty
  std::string_view stuck_to;        // of sticky sessions: the value of the cookie, empty when there is none
  std::vector<const Peer*> failed;  // addresses that this request has tried; none: nothing is allocated

  [[nodiscard]] bool has_failed(const Peer* peer) const;
};

/// What the upstream's settings say that counts of this request. A cookie that has to be made is made, and goes to the
/// client with the response. Nothing is read, nor allocated, unless the algorithm asks for it.
Selection selection_for(Exchange& ex, const LiveService& service);

/// After the choice: has the client remember a target that it was not stuck to.
void stick_to(Exchange& ex, const Selection& selection, const LiveService& service, const Peer& peer);

/// A cookie of the balancer's own for the client. In a slot of the exchange.
struct AffinityCookie {
  std::string_view field;  // of Set-Cookie; empty: none
};

}  // namespace sluice::gateway
