// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "gateway/config/snapshot.h"
#include "sync/local.h"

namespace sluice::gateway {

/// What would happen to a request, or to a session of a stream (a URL with tcp, tls or udp), and why: the route that
/// matches, the candidates that do not and their reasons, the effective plugins in order with their scope, the
/// upstream. Walks all routes: not for the request path.
Json explain_request(const Snapshot& snapshot, const sync::ExplainQuery& query);

}  // namespace sluice::gateway
