// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "control/publish/change.h"
#include "control/publish/publisher.h"
#include "rt/reactor.h"
#include "rt/scope.h"

namespace sluice::control::publish {

/// How long rows stay in the store after their time, in seconds. Nobody sees them meanwhile; it is for the control
/// planes whose clocks disagree: one that is ahead must not take away what others still serve.
constexpr std::int64_t kExpiryGraceSeconds = 600;

/// Removes rows that are past their time to live and the grace when it is carried out, `limit` at most, and what cannot
/// be without them. `catalog` outlives it.
std::unique_ptr<Change> removal_of_expired(const entity::Catalog& catalog, std::size_t limit);

/// Takes rows out of the store that have expired, an ordinary change of bounded size at a time, until it is destroyed.
/// Reads and the gateway take no notice of them before that. Belongs to the control shard.
class ExpirySweep {
 public:
  /// All outlive it.
  ExpirySweep(Publisher& publisher, rt::Reactor& reactor) : publisher_(publisher), reactor_(reactor) {}
  ExpirySweep(const ExpirySweep&) = delete;
  ExpirySweep& operator=(const ExpirySweep&) = delete;

  /// To be called once.
  void start() { scope_.spawn(sweep()); }

 private:
  Task<void> sweep();
  /// Whether it should be looked again at once.
  Task<bool> sweep_some();

  Publisher& publisher_;
  rt::Reactor& reactor_;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::publish
