// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "control/admin/parts.h"
#include "control/admin/route_tree.h"
#include "http/server_stream.h"

namespace sluice::control::admin {

/// The status listeners: health, readiness, metrics and the state of upstreams, for probes and scrapers. Changes
/// nothing, except that POST /status/ready with `status=draining` makes the node look unready from then on, so that a
/// load balancer looks elsewhere before it is stopped. On the control shard.
class StatusServer final : public http::Handler {
 public:
  /// What `parts` borrows outlives the server.
  explicit StatusServer(Parts parts);
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  [[nodiscard]] Reply readiness() const;
  Reply set_readiness(const Request& request);

  const Parts parts_;
  RouteTree tree_;
  std::uint64_t requests_ = 0;
  bool draining_ = false;
};

}  // namespace sluice::control::admin
