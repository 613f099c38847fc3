// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "control/planes/change_relay.h"
#include "control/planes/member_guard.h"
#include "control/planes/plane_profile.h"
#include "control/planes/traffic_history.h"
#include "control/publish/publisher.h"
#include "rt/reactor.h"
#include "store/async_store.h"
#include "store/memory_store.h"
#include "sync/local.h"

namespace sluice::control::cluster {
class NodeBook;
}

namespace sluice::control::planes {

/// Makes what stands for a gateway where there is none: it compiles changes, so that what no data plane could serve is
/// refused, and publishes nothing. `store` has the entities, and outlives it.
using MakeGateway = std::function<std::unique_ptr<sync::LocalGateway>(const store::MemoryStore& store)>;

/// The parts of the default control plane, which others own; they outlive all control planes.
struct LocalParts {
  store::MemoryStore& store;
  publish::Publisher& publisher;  // whose observer is `changes`, and whose gateway is `guard`
  sync::LocalGateway& gateway;
  ChangeRelay& changes;
  MemberGuard& guard;
  store::AsyncStore& durable;
  rt::Reactor& control;
};

/// One control plane: its entities, and the way to change them. Lives on the control shard; what uses it over a
/// suspension holds a PlaneLease.
class ControlPlane {
 public:
  /// The default one.
  ControlPlane(PlaneProfile profile, const LocalParts& parts);
  /// Another, with a store of its own.
  ControlPlane(PlaneProfile profile, const entity::Catalog& catalog, std::unique_ptr<store::AsyncStore> durable,
               const MakeGateway& make_gateway, rt::Reactor& control)
      : ControlPlane(std::move(profile), catalog, std::move(durable), nullptr, make_gateway, control) {}
  /// A group, which writes nothing.
  ControlPlane(PlaneProfile profile, const entity::Catalog& catalog, std::unique_ptr<publish::History> history,
               const MakeGateway& make_gateway, rt::Reactor& control)
      : ControlPlane(std::move(profile), catalog, nullptr, std::move(history), make_gateway, control) {}
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;
  ~ControlPlane();

  [[nodiscard]] const PlaneProfile& profile() const { return profile_; }
  [[nodiscard]] const Uuid& id() const { return profile_.id; }
  [[nodiscard]] bool is_group() const { return profile_.is_group(); }
  /// Whether the local gateway serves it.
  [[nodiscard]] bool is_local() const { return own_ == nullptr; }

  [[nodiscard]] store::MemoryStore& store() { return store_; }
  [[nodiscard]] const store::MemoryStore& store() const { return store_; }
  [[nodiscard]] publish::Publisher& publisher() { return publisher_; }
  [[nodiscard]] const publish::Publisher& publisher() const { return publisher_; }
  /// That compiles its changes, and serves those of the default one.
  [[nodiscard]] sync::LocalGateway& gateway() { return gateway_; }
  /// Who wants to hear of its changes adds himself here.
  [[nodiscard]] ChangeRelay& changes() { return changes_; }
  [[nodiscard]] MemberGuard& guard() { return guard_; }

  /// Where its rows are kept, and what belongs to them; null: a group.
  [[nodiscard]] store::AsyncStore* durable() const { return durable_; }

  /// What tells which of its rows have changed; null: nothing does.
  [[nodiscard]] publish::History* history() const { return history_ != nullptr ? history_.get() : publisher_.ledger(); }

  /// When its entities were last changed, as far as this process knows; seconds since 1970.
  [[nodiscard]] std::int64_t changed_at() const { return clock_.seconds; }

  /// Its data planes; null while nobody keeps a book of them. The book outlives its use here.
  [[nodiscard]] cluster::NodeBook* nodes() const { return nodes_; }
  void set_nodes(cluster::NodeBook* nodes) { nodes_ = nodes; }

  /// What its nodes tell of their traffic.
  [[nodiscard]] TrafficHistory& traffic() { return traffic_; }

 private:
  friend class ControlPlanes;
  friend class PlaneLease;
  struct Own;

  /// Notes when changes come.
  struct ChangeClock final : publish::ChangeObserver {
    void changing(const store::MemoryStore& before, const sync::Delta& delta, const store::Version& version) override;
    std::int64_t seconds = 0;
  };

  ControlPlane(PlaneProfile profile, const entity::Catalog& catalog, std::unique_ptr<store::AsyncStore> durable,
               std::unique_ptr<publish::History> history, const MakeGateway& make_gateway, rt::Reactor& control);
  void begin_clock();
  void set_profile(PlaneProfile profile) { profile_ = std::move(profile); }
  /// Everything that its store has. Not for groups.
  Task<Result<>> load();
  /// What others wrote since. Not for groups.
  Task<Result<>> catch_up();
  /// Takes rows out that have expired, from now on.
  void start_sweeping();

  PlaneProfile profile_;
  const std::unique_ptr<Own> own_;  // null: the default one
  store::MemoryStore& store_;
  publish::Publisher& publisher_;
  sync::LocalGateway& gateway_;
  ChangeRelay& changes_;
  MemberGuard& guard_;
  rt::Reactor& control_;
  store::AsyncStore* durable_;                       // null: a group
  const std::unique_ptr<publish::History> history_;  // a group's
  ChangeClock clock_;
  cluster::NodeBook* nodes_ = nullptr;
  TrafficHistory traffic_;
  std::size_t leases_ = 0;
};

/// Keeps a control plane from being destroyed, also when it is deleted meanwhile.
class PlaneLease {
 public:
  PlaneLease() = default;
  explicit PlaneLease(ControlPlane* plane) : plane_(plane) {
    if (plane_ != nullptr) ++plane_->leases_;
  }
  PlaneLease(PlaneLease&& other) noexcept : plane_(std::exchange(other.plane_, nullptr)) {}
  PlaneLease& operator=(PlaneLease&& other) noexcept {
    std::swap(plane_, other.plane_);
    return *this;
  }
  ~PlaneLease() {
    if (plane_ != nullptr) --plane_->leases_;
  }

  explicit operator bool() const { return plane_ != nullptr; }
  ControlPlane* operator->() const { return plane_; }
  ControlPlane& operator*() const { return *plane_; }

 private:
  ControlPlane* plane_ = nullptr;
};

}  // namespace sluice::control::planes
