// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "gateway/exchange.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/proxy/websocket_relay.h"
#include "net/stream.h"

// A request that turns into a WebSocket: what is asked of it on its way, and what follows the 101.
namespace sluice::gateway {

/// What a route for ws and wss answers a request that opens no WebSocket; none: it does.
std::optional<Reply> check_websocket(const Exchange& ex, const RouteConfig& route);

/// The request phase is over: notes whether a plugin wants the frames of the WebSocket that may follow.
void note_wanted_frames(Exchange& ex, const Plan& plan);
/// Then no extension is negotiated, for frames could not be read.
bool wants_frames(const Exchange& ex);

/// Whether an upstream's 101 answers the client's handshake (RFC 6455, 4.1), so that a tunnel may be opened. Before
/// plugins or the gateway have changed the response.
bool answers_handshake(const Exchange& ex);

/// Carries what follows the 101 until the connection is over, message by message where plugins want frames, else as
/// octets. `service` gives the times: read_timeout is how long nothing may be received from either end, write_timeout
/// how long one message may take to leave.
Task<void> carry_upgraded(Exchange& ex, Pipeline& pipeline, RelayEnd client, RelayEnd upstream,
                          const entity::Service& service);

}  // namespace sluice::gateway
