// SPDX-License-Identifier: Apache-2.0
#include "control/planes/control_plane.h"

#include <utility>

#include "base/time.h"
#include "control/publish/expiry.h"
#include "control/publish/store_ledger.h"

namespace sluice::control::planes {

/// The parts of a control plane that is not the default one.
struct ControlPlane::Own {
  Own(const entity::Catalog& catalog, std::unique_ptr<store::AsyncStore> opened, const MakeGateway& make_gateway,
      rt::Reactor& control)
      : durable(std::move(opened)),
        ledger(durable != nullptr ? std::make_unique<publish::StoreLedger>(*durable) : nullptr),
        store(catalog),
        gateway(make_gateway(store)),
        guard(*gateway),
        publisher(store, &guard, {.ledger = ledger.get(), .control = &control, .observer = &changes}),
        expiry(publisher, control) {}

  const std::unique_ptr<store::AsyncStore> durable;
  const std::unique_ptr<publish::StoreLedger> ledger;
  store::MemoryStore store;
  const std::unique_ptr<sync::LocalGateway> gateway;
  MemberGuard guard;
  ChangeRelay changes;
  publish::Publisher publisher;
  publish::ExpirySweep expiry;
};

ControlPlane::ControlPlane(PlaneProfile profile, const LocalParts& parts)
    : profile_(std::move(profile)),
      store_(parts.store),
      publisher_(parts.publisher),
      gateway_(parts.gateway),
      changes_(parts.changes),
      guard_(parts.guard),
      control_(parts.control),
      durable_(&parts.durable) {
  begin_clock();
}

ControlPlane::ControlPlane(PlaneProfile profile, const entity::Catalog& catalog,
                           std::unique_ptr<store::AsyncStore> durable, std::unique_ptr<publish::History> history,
                           const MakeGateway& make_gateway, rt::Reactor& control)
    : profile_(std::move(profile)),
      own_(std::make_unique<Own>(catalog, std::move(durable), make_gateway, control)),
      store_(own_->store),
      publisher_(own_->publisher),
      gateway_(*own_->gateway),
      changes_(own_->changes),
      guard_(own_->guard),
      control_(control),
      durable_(own_->durable.get()),
      history_(std::move(history)) {
  if (durable_ == nullptr) begin_clock();
}

ControlPlane::~ControlPlane() {
  changes_.remove(clock_);
}

void ControlPlane::begin_clock() {
  constexpr std::int64_t kMillis = 1000;
  clock_.seconds = profile_.updated_ms / kMillis;
  changes_.add(clock_);
}

void ControlPlane::ChangeClock::changing(const store::MemoryStore&, const sync::Delta&, const store::Version&) {
  seconds = unix_seconds();
}

Task<Result<>> ControlPlane::load() {
  CO_TRY(store::Contents contents, co_await durable_->load());
  co_await publisher_.follow(std::move(contents));
  begin_clock();
  co_return Result<>{};
}

Task<Result<>> ControlPlane::catch_up() {
  publish::LogFollower follower(*durable_, publisher_, control_);
  co_return co_await follower.catch_up();
}

void ControlPlane::start_sweeping() {
  own_->expiry.start();
}

}  // namespace sluice::control::planes
