// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "gateway/balancer/live_service.h"
#include "gateway/router/route_table.h"
#include "gateway/stream_session.h"

namespace sluice::gateway {

/// What the router goes by; reference gateway.md, 4.5. Borrows from the session.
router::MatchInput match_input(const StreamSession& session);

/// What consistent hashing goes by: a session has nothing but its client's address. Empty where it is not asked for.
std::string hashed_of(const StreamSession& session, const LiveService& service);

}  // namespace sluice::gateway
