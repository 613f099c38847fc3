// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <string>

#include "control/publish/change.h"
#include "entity/declarative.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "store/memory_store.h"
#include "sync/local.h"

namespace sluice::control::publish {

/// Makes changes real, one after the other: validates against what is served, has the gateway compile and publish, then
/// tells the store. Belongs to the control shard. A change that was begun is finished also when nobody waits for it any
/// more: gateway and store must not part.
class Publisher {
 public:
  /// All outlive the publisher.
  Publisher(store::MemoryStore& store, sync::LocalGateway& gateway) : store_(store), gateway_(gateway) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// What was made live, or everything that is wrong; then nothing has changed.
  using Outcome = std::expected<sync::Delta, entity::DeclarativeErrors>;
  Task<Outcome> submit(std::unique_ptr<Change> change);

  /// Whether a whole configuration is being loaded or waits for its turn.
  [[nodiscard]] bool loading() const { return loads_ != 0; }
  /// As submit(), for whole configurations; loading() until it is done.
  Task<Outcome> load(std::unique_ptr<Change> change);

 private:
  struct Job;
  class Wait;

  Task<void> work();
  Task<Outcome> run(Change& change);
  std::shared_ptr<Job> enqueue(std::unique_ptr<Change> change, bool load);

  store::MemoryStore& store_;
  sync::LocalGateway& gateway_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool working_ = false;
  unsigned loads_ = 0;
  rt::TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace sluice::control::publish
