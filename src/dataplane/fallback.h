// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "dataplane/applier.h"
#include "dataplane/cluster_identity.h"
#include "objects/object_store.h"
#include "rt/offload.h"
#include "rt/scope.h"
#include "sync/snapshot_file.h"
#include "sync/wire/certified.h"

namespace sluice::dataplane {

/// Where copies stand in the store that `cluster_fallback_config_storage` names: one for each control plane, and, for
/// nodes that know no more than how they ask for theirs, which control planes are found under a name.
[[nodiscard]] std::string copy_name(std::string_view control_plane);
[[nodiscard]] std::string guide_name(std::string_view server_name);

/// The copy of the configuration that a new data plane starts from while the control plane is away, and that others
/// keep up to date. What is written is what the control plane has signed just now; nothing newer is ever replaced. What
/// is read must be of the control plane that this node belongs to, and signed by it. Belongs to the control reactor.
class Fallback {
 public:
  struct Terms {
    bool imports = false;
    bool exports = false;
    std::int64_t export_delay_ms = 60'000;
    std::size_t most = std::size_t{1} << 30;  // octets of a copy, unpacked
    std::string server_name = {};             // by which this node asks for its control plane
    bool shared = true;                       // the signer is known by its certificate, not by that name
    std::string memory = {};                  // file that keeps which control plane it was; empty: none
  };
  /// Everything borrowed outlives it.
  struct Parts {
    rt::Reactor& reactor;
    rt::BlockingPool& pool;
    Applier& applier;
    std::unique_ptr<objects::ObjectStore> store;
  };
  using Identity = std::shared_ptr<const ClusterIdentity>;
  Fallback(Parts parts, Terms terms) : parts_(std::move(parts)), terms_(std::move(terms)) {}
  Fallback(const Fallback&) = delete;
  Fallback& operator=(const Fallback&) = delete;

  [[nodiscard]] bool imports() const { return terms_.imports; }
  /// Serves the copy, where nothing is served yet; when it was signed, in Unix seconds. Errors are for the log; the
  /// next call tries again.
  Task<Result<std::int64_t>> import(Identity identity);

  /// Who this node belongs to, as the control plane itself has said.
  void heard_from(const std::string& control_plane);
  /// What is served should be copied: the control plane is to be asked for its signature of it.
  [[nodiscard]] bool wants_signature() const;
  /// That it has given for `state`. Writes the copy.
  void signed_by_control_plane(State state, sync::wire::Certified certified, Identity identity);
  [[nodiscard]] bool is_exporting() const { return exporting_; }
  /// It has given none; asked again later.
  void not_signed(const std::string& why);

 private:
  using Read = Result<std::shared_ptr<sync::Snapshot>>;

  Task<Result<std::string>> find_control_plane(rt::Deadline deadline);
  Task<Read> read_copy(const std::string& control_plane, Identity identity, rt::Deadline deadline);
  Task<Read> judge(std::string octets, Identity identity);
  Task<void> export_copy(State state, sync::wire::Certified certified, Identity identity);
  Task<Result<>> write_copy(const State& state, const sync::wire::Certified& certified, Identity identity);
  Task<Result<std::optional<std::string>>> tag_to_replace(const Standing& ours, Identity identity,
                                                          rt::Deadline deadline);
  Task<Result<>> write_guide(const std::string& control_plane, rt::Deadline deadline);
  Task<void> remember(std::string control_plane);
  void report(const Result<>& outcome, const Standing& standing);
  [[nodiscard]] std::int64_t now_ms() const { return parts_.reactor.clock().mono_ms(); }

  Parts parts_;
  const Terms terms_;
  std::string exported_;            // version and hash of the last copy
  std::int64_t exported_ms_ = 0;    // monotonic
  std::int64_t not_before_ms_ = 0;  // likewise
  bool exporting_ = false;
  std::string failing_;     // why, and it was said
  std::string remembered_;  // the control plane
  rt::TaskScope tasks_;
};

}  // namespace sluice::dataplane
