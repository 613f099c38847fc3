// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "control/cluster/door.h"
#include "http/server_stream.h"

namespace sluice::control::cluster {

/// Whether protocol 2 is spoken.
enum class Rpc : std::uint8_t { Off, On };

/// The cluster endpoint: data planes come by WebSocket over mutual TLS, to /v1/outlet or /v2/outlet, and stay. Belongs
/// to the control shard.
class ClusterServer final : public http::Handler {
 public:
  /// Answers a request.
  using Answer = std::function<Task<void>(http::ServerStream& stream)>;
  /// `door` outlives the server. `ingress` answers what is below /kic, where ingress controllers come with a
  /// certificate that the door let in; empty: nobody does. Without protocol 2 there is no /v2/outlet: who asks for it
  /// is told before anything else is agreed upon, and comes to /v1/outlet.
  ClusterServer(Door& door, Rpc rpc, Answer ingress = {}) : door_(door), rpc_(rpc), ingress_(std::move(ingress)) {}

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  Task<void> serve(http::ServerStream& stream, bool second);

  Door& door_;
  const Rpc rpc_;
  const Answer ingress_;
};

}  // namespace sluice::control::cluster
