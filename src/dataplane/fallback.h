// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/applier.h"
#include "dataplane/cluster_identity.h"
#include "objects/object_store.h"
#include "rt/offload.h"
#include "rt/scope.h"

namespace sluice::dataplane {

/// The name under which the copy of a configuration stands in the store that `cluster_fallback_config_storage` names.
inline constexpr const char* kSnapshotName = "config.snapshot";

/// The copy of the configuration that a new data plane starts from while the control plane is away, and that others
/// keep up to date. Belongs to the control reactor.
class Fallback {
 public:
  struct Terms {
    bool imports = false;
    bool exports = false;
    std::int64_t export_delay_ms = 60'000;
    std::string made_by = {};                 // "sluice/0.1.0"
    std::size_t most = std::size_t{1} << 30;  // octets of a copy, unpacked
  };
  /// Everything borrowed outlives it.
  struct Parts {
    rt::Reactor& reactor;
    rt::BlockingPool& pool;
    Applier& applier;
    std::unique_ptr<objects::ObjectStore> store;
  };
  Fallback(Parts parts, Terms terms) : parts_(std::move(parts)), terms_(std::move(terms)) {}
  Fallback(const Fallback&) = delete;
  Fallback& operator=(const Fallback&) = delete;

  [[nodiscard]] bool imports() const { return terms_.imports; }
  /// Serves the copy, where nothing is served yet. Errors are for the log; the next call tries again.
  Task<Result<>> import(std::shared_ptr<const ClusterIdentity> identity);
  /// Writes a copy of what is served if that has changed, and the last one is old enough. To be called about once a
  /// second.
  void keep_house(const std::shared_ptr<const ClusterIdentity>& identity);

 private:
  Task<void> export_copy(std::shared_ptr<const ClusterIdentity> identity);

  Parts parts_;
  const Terms terms_;
  std::string exported_;            // version and hash of the last copy
  std::int64_t not_before_ms_ = 0;  // monotonic
  bool exporting_ = false;
  bool failing_ = false;  // and it was said
  rt::TaskScope tasks_;
};

}  // namespace sluice::dataplane
