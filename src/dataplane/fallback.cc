// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fallback.h"

#include <utility>

#include "base/log.h"
#include "base/time.h"
#include "sync/snapshot_file.h"

namespace sluice::dataplane {
namespace {

constexpr std::int64_t kTransferMs = 60'000;

Standing standing_of(const sync::Snapshot& snapshot) {
  return {.control_plane = snapshot.control_plane,
          .version = snapshot.version,
          .hash = snapshot.hash,
          .since_ms = 0,
          .default_workspace = {}};
}

}  // namespace

Task<Result<>> Fallback::import(std::shared_ptr<const ClusterIdentity> identity) {
  const rt::Deadline deadline = parts_.reactor.after_ms(kTransferMs);
  CO_TRY(std::string octets, co_await parts_.store->get(kSnapshotName, terms_.most, deadline));
  using Read = Result<std::shared_ptr<sync::Snapshot>>;
  Read read = co_await rt::offload(
      parts_.pool, parts_.reactor,
      [octets = std::move(octets), identity, now = unix_seconds(), most = terms_.most]() -> Read {
        const std::string trusted = identity->trusted_pem();
        if (trusted.empty()) return fail(Errc::Unsupported, "a copy can be trusted only with cluster_ca_cert");
        TRY(sync::Snapshot snapshot, sync::read_snapshot(octets, trusted, static_cast<double>(now), most));
        return std::make_shared<sync::Snapshot>(std::move(snapshot));
      });
  if (!read) co_return fail(parts_.store->address() + "/" + kSnapshotName + ": ", std::move(read).error());
  sync::Snapshot& snapshot = **read;
  Incoming incoming;
  incoming.to = standing_of(snapshot);
  incoming.strict = true;
  incoming.delta = std::move(snapshot.rows);
  incoming.delta.complete = true;
  if (!parts_.applier.standing().empty()) co_return Result<>{};
  const std::string version = incoming.to.version;
  const auto refusal = co_await parts_.applier.apply(std::move(incoming));
  if (refusal) co_return fail(Errc::Invalid, "the copy is not served: " + refusal->message);
  log::notice("cluster.fallback_imported", {{"from", parts_.store->address()}, {"version", version}});
  co_return Result<>{};
}

void Fallback::keep_house(const std::shared_ptr<const ClusterIdentity>& identity) {
  const Standing& now = parts_.applier.standing();
  // Only configurations of ours have a digest that says whether they are whole.
  if (!terms_.exports || exporting_ || !identity || now.control_plane.empty()) return;
  const std::int64_t at = parts_.reactor.clock().mono_ms();
  if (at < not_before_ms_ || exported_ == now.version + now.hash) return;
  not_before_ms_ = at + terms_.export_delay_ms;
  exporting_ = true;
  tasks_.spawn(export_copy(identity));
}

Task<void> Fallback::export_copy(std::shared_ptr<const ClusterIdentity> identity) {
  const State state = parts_.applier.state();
  auto made =
      co_await rt::offload(parts_.pool, parts_.reactor,
                           [state, identity, by = terms_.made_by, now = unix_seconds()]() -> Result<std::string> {
                             const ClusterMaterials& materials = identity->materials();
                             TRY(const auto signer, sync::Signer::make(materials.certificate, materials.key));
                             sync::Snapshot snapshot{.control_plane = state.standing.control_plane,
                                                     .version = state.standing.version,
                                                     .hash = state.standing.hash,
                                                     .made_by = by,
                                                     .made_at = static_cast<double>(now),
                                                     .rows = received(state.rows)};
                             return sync::write_snapshot(snapshot, *signer);
                           });
  Result<> outcome;
  if (made) {
    const rt::Deadline deadline = parts_.reactor.after_ms(kTransferMs);
    outcome = co_await parts_.store->put(kSnapshotName, *std::move(made), deadline);
  } else {
    outcome = std::unexpected(std::move(made).error());
  }
  exporting_ = false;
  if (outcome) {
    exported_ = state.standing.version + state.standing.hash;
    log::info("cluster.fallback_exported", {{"to", parts_.store->address()}, {"version", state.standing.version}});
  } else if (!failing_) {
    log::warn("cluster.fallback_not_exported", {{"to", parts_.store->address()}, {"error", outcome.error()}});
  }
  failing_ = !outcome;
}

}  // namespace sluice::dataplane
