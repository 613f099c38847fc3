// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "control/admin/access.h"
#include "control/admin/parts.h"
#include "control/admin/route_tree.h"
#include "http/server_stream.h"

namespace sluice::control::admin {

/// The Admin API: answers the requests of the admin listeners. One per process, on the control shard.
class AdminServer final : public http::Handler {
 public:
  /// What `parts` borrows outlives the server.
  explicit AdminServer(Parts parts);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  Task<Reply> answer(http::ServerStream& stream);

  const Parts parts_;
  const Access access_;
  RouteTree tree_;
  std::uint64_t requests_ = 0;
};

}  // namespace sluice::control::admin
