// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "control/admin/access.h"
#include "control/admin/route_tree.h"
#include "control/platform/console_files.h"
#include "control/platform/core_entities.h"
#include "control/platform/parts.h"
#include "http/server_stream.h"

namespace sluice::control::platform {

/// The platform API and the console, on one port: many control planes in one installation, with their entities, data
/// planes, certificates and groups, as published clients know them. One per process, on the control shard.
class PlatformServer final : public http::Handler {
 public:
  /// What `parts` borrows outlives the server.
  PlatformServer(Parts parts, rt::Reactor& control);
  PlatformServer(const PlatformServer&) = delete;
  PlatformServer& operator=(const PlatformServer&) = delete;

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  Task<Reply> answer(http::ServerStream& stream);
  Task<Reply> answer_api(http::ServerStream& stream, std::string_view path);

  const Parts parts_;
  const admin::Access access_;
  admin::RouteTree tree_;
  CoreEntities entities_;
  ConsoleFiles console_;
};

}  // namespace sluice::control::platform
