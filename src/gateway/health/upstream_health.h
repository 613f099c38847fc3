// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/uuid.h"
#include "entity/upstream.h"
#include "gateway/health/address_state.h"

namespace sluice::gateway {

/// Where a verdict comes from.
enum class Witness : std::uint8_t { Probe, Request };

/// The health of one upstream on this node: its addresses, and the targets that an operator has taken out. Keyed by
/// address, so that it survives changes of configuration. Thread-safe; what requests do takes no lock unless it changes
/// something.
class UpstreamHealth {
 public:
  explicit UpstreamHealth(std::string name) : name_(std::move(name)) {}
  UpstreamHealth(const UpstreamHealth&) = delete;
  UpstreamHealth& operator=(const UpstreamHealth&) = delete;

  /// Moves when an address may have become available or unavailable: then shards arrange their turns anew.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }

  /// The state of an address of `target` ("host:port"), the same one for all who ask. States that nobody has held for
  /// five minutes are forgotten meanwhile.
  std::shared_ptr<AddressState> address(std::string_view target, const net::Address& where, std::int64_t now_ms);

  /// Whether a target's name could be resolved when it was last asked for.
  void note_name(std::string_view target, bool resolved);
  [[nodiscard]] bool is_unresolved(std::string_view target) const;

  /// Judges what a request or a probe came to. `status` counts for HTTP alone; 0 otherwise.
  void report(AddressState& address, const entity::Healthchecks& policy, Witness witness, Outcome outcome);
  /// The same for an answer with a status: success, failure or neither, as the policy says.
  void report_status(AddressState& address, const entity::Healthchecks& policy, Witness witness, int status);

  /// Takes a target ("host:port") or one of its addresses ("host:port/ip:port") out for as long as nobody says
  /// otherwise, or puts it back whatever was against it. What was said of an address wins over what was said of its
  /// target, as long as nobody says anything new of the target.
  void mark(std::string_view place, bool healthy);
  /// Whether a target as a whole is out.
  [[nodiscard]] bool is_marked(std::string_view target) const;
  [[nodiscard]] bool is_out(const AddressState& address) const;
  /// The addresses ("ip:port") of a target that have a mark of their own, in use or not, and whether it says that they
  /// are well.
  [[nodiscard]] std::vector<std::pair<std::string, bool>> marked_addresses(std::string_view target) const;
  /// The targets that anything is marked of.
  [[nodiscard]] std::vector<std::string> marked() const;

  /// Every address in use, by target: for people and metrics.
  [[nodiscard]] std::vector<std::shared_ptr<const AddressState>> addresses() const;

 private:
  void change(AddressState& address, bool healthy, Witness witness, Outcome outcome);
  [[nodiscard]] bool is_last(const AddressState& address) const;
  [[nodiscard]] bool is_out_locked(const AddressState& address) const;
  void forget_unused(std::int64_t now_ms);

  struct Known {
    std::shared_ptr<AddressState> state;
    std::int64_t unused_since_ms = 0;  // 0: it was in use
  };
  const std::string name_;
  std::atomic<std::uint64_t> epoch_{1};
  mutable std::mutex mutex_;                                        // never taken by a request that changes nothing
  std::map<std::pair<std::string, std::string>, Known> addresses_;  // by target and address
  // Without an address: all of the target's, also those that come later. Of an address it is said that it is well only
  // where its target is out.
  std::map<std::pair<std::string, std::string>, bool> marks_;  // by target and address
  std::set<std::string, std::less<>> unresolved_;
  std::int64_t next_sweep_ms_ = 0;
};

/// The health of all upstreams of a node. Thread-safe.
class HealthBoard {
 public:
  /// Made at first use.
  std::shared_ptr<UpstreamHealth> of(const Uuid& upstream, std::string_view name);
  /// Null when nobody has asked for it yet.
  [[nodiscard]] std::shared_ptr<UpstreamHealth> find(const Uuid& upstream) const;
  /// Forgets upstreams that are gone and marks of targets that are gone, as `is_gone(upstream, target)` says; the
  /// target is empty when the upstream as a whole is meant.
  void forget(const std::function<bool(const Uuid&, std::string_view)>& is_gone);

 private:
  mutable std::mutex mutex_;
  std::map<Uuid, std::shared_ptr<UpstreamHealth>> upstreams_;
};

}  // namespace sluice::gateway
