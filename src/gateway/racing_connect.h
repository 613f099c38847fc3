// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::gateway {

/// The order in which addresses of one name are tried: families take turns, beginning with that of the first address.
/// RFC 8305, 4.
std::vector<net::Address> in_racing_order(const std::vector<net::Address>& addresses);

/// Connects to the one of `addresses`, at least one, that answers first: each gets a moment alone, or until it has
/// failed, then the next is tried beside it. RFC 8305, 5. The error is the last one's.
Task<Result<>> connect_to_any(net::Stream& stream, rt::Reactor& reactor, std::vector<net::Address> addresses,
                              rt::Deadline deadline);

}  // namespace sluice::gateway
