// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "control/admin/access.h"
#include "control/admin/route_tree.h"
#include "control/iam/front_door.h"
#include "control/platform/console_files.h"
#include "control/platform/core_entities.h"
#include "control/platform/local_traffic.h"
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
  /// The same for an ingress controller, which shows a certificate instead of a token: below
  /// `/kic/api/control-planes/{id}`, if the certificate is pinned to that control plane, and it is one whose entities
  /// an ingress controller writes. The connection's certificate has been proved.
  Task<void> handle_ingress(http::ServerStream& stream);

 private:
  Task<Reply> answer(http::ServerStream& stream);
  Task<Reply> answer_api(http::ServerStream& stream, std::string_view path);
  Task<Reply> answer_ingress(http::ServerStream& stream);
  /// What has been let in.
  Task<Reply> carry_out(http::ServerStream& stream, std::string_view path, Request& request);

  std::optional<Reply> enter(http::ServerStream& stream, std::string_view path, Request& request) const;

  const Parts parts_;
  const admin::Access access_;
  admin::RouteTree tree_;
  CoreEntities entities_;
  std::unique_ptr<iam::FrontDoor> door_;  // null where there are no accounts
  ConsoleFiles console_;
  std::optional<LocalTraffic> local_traffic_;  // where this process has a proxy
};

}  // namespace sluice::control::platform
