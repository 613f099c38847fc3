// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/admin/parts.h"
#include "control/admin/route_tree.h"
#include "dataplane/applier.h"
#include "store/memory_store.h"

namespace sluice::apps {

/// What a data plane tells of its upstreams: `/upstreams/{upstream}/health` and the targets, as the Admin API of
/// another node would. A data plane has no store; the few rows that this takes are put into one when somebody asks.
class DataPlaneUpstreams {
 public:
  /// All of it outlives it.
  struct Parts {
    const entity::Catalog& catalog;
    sync::LocalGateway& gateway;
    const settings::Settings& settings;
    const dataplane::Applier& applier;
    control::admin::NodeIdentity node;
  };
  /// Adds its endpoints to `tree`.
  DataPlaneUpstreams(const Parts& parts, control::admin::RouteTree& tree);
  DataPlaneUpstreams(const DataPlaneUpstreams&) = delete;
  DataPlaneUpstreams& operator=(const DataPlaneUpstreams&) = delete;

  /// Before one of them is asked: takes over what is served now.
  void refresh();
  /// In which paths may begin with the name of a workspace.
  [[nodiscard]] const store::MemoryStore& store() const { return store_; }

 private:
  const dataplane::Applier& applier_;
  store::MemoryStore store_;
  control::publish::Publisher nothing_;  // parts of the Admin API that are not offered here would need one
  const control::admin::Parts parts_;
  std::string taken_;  // the hash of what the store has
};

}  // namespace sluice::apps
