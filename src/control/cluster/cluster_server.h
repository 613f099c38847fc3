// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "control/cluster/door.h"
#include "http/server_stream.h"

namespace sluice::control::cluster {

/// The cluster endpoint: data planes come by WebSocket over mutual TLS, to /v1/outlet or /v2/outlet, and stay. Belongs
/// to the control shard.
class ClusterServer final : public http::Handler {
 public:
  /// `door` outlives the server.
  explicit ClusterServer(const Door& door) : door_(door) {}

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  Task<void> serve(http::ServerStream& stream, bool second);

  const Door& door_;
};

}  // namespace sluice::control::cluster
