// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <vector>

#include "entity/catalog.h"
#include "gateway/config/snapshot.h"
#include "gateway/plugin.h"
#include "sync/local.h"

namespace sluice::gateway {

/// Compiles configuration changes into snapshots. Works on a thread of its own, off the request path; its cost follows
/// the size of the change, not of the configuration.
class SnapshotBuilder {
 public:
  /// Everything given outlives the builder.
  SnapshotBuilder(const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor);

  [[nodiscard]] Snapshot::Ref empty() const;
  /// The generation after `base`: all of the change or nothing. Documents in `delta` are canonical (validated).
  [[nodiscard]] std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> build(const Snapshot& base,
                                                                                     sync::Delta delta) const;

 private:
  const entity::Catalog& catalog_;
  const PluginRegistry& plugins_;
  router::Flavor flavor_;
};

}  // namespace sluice::gateway
