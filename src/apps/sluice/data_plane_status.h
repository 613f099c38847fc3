// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "base/json.h"
#include "control/admin/route_tree.h"
#include "data_plane_upstreams.h"
#include "dataplane/applier.h"
#include "dataplane/cache.h"
#include "dataplane/control_link.h"
#include "http/server_stream.h"
#include "settings/settings.h"
#include "sync/local.h"

namespace sluice::apps {

/// The status listeners of a data plane: which version it serves, since when, and whether its control plane hears it.
/// Ready means that a configuration is served, not that the control plane is there. On the control shard.
class DataPlaneStatus final : public http::Handler {
 public:
  /// All of it outlives the handler.
  struct Parts {
    const settings::Settings& settings;
    sync::LocalGateway& gateway;
    const dataplane::Applier& applier;
    const dataplane::ControlLink& link;
    const dataplane::Cache& cache;
    const rt::Reactor& control;
    const entity::Catalog& catalog;
    control::admin::NodeIdentity node;
  };
  explicit DataPlaneStatus(const Parts& parts);
  DataPlaneStatus(const DataPlaneStatus&) = delete;
  DataPlaneStatus& operator=(const DataPlaneStatus&) = delete;

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  using Reply = control::admin::Reply;
  [[nodiscard]] Reply status() const;
  [[nodiscard]] Reply readiness() const;
  Reply set_readiness(const control::admin::Request& request);
  [[nodiscard]] Reply metrics() const;
  [[nodiscard]] Json::Object standing() const;
  [[nodiscard]] Json::Object link() const;

  const Parts parts_;
  control::admin::RouteTree tree_;
  DataPlaneUpstreams upstreams_;
  std::uint64_t requests_ = 0;
  bool draining_ = false;
};

}  // namespace sluice::apps
