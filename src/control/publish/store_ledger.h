// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/publish/ledger.h"
#include "control/publish/publisher.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "store/async_store.h"

namespace sluice::control::publish {

/// The ledger that a durable store keeps. Belongs to the control shard.
class StoreLedger final : public Ledger {
 public:
  /// `store` outlives it.
  explicit StoreLedger(store::AsyncStore& store) : store_(store) {}

  Task<std::expected<store::Version, store::CommitError>> commit(store::Version expected,
                                                                 std::vector<store::Commit> group) override;
  Task<Result<store::LogPart>> read_log(store::Version after) override;
  Task<Result<store::LogPart>> read_touched(store::Version after, std::size_t most) override;
  Task<Result<store::Contents>> load() override;
  Task<Result<store::Version>> head() override { return store_.head(); }

 private:
  store::AsyncStore& store_;
};

/// Takes over what other control planes write into a shared store, as soon as it hears of it, until it is destroyed.
/// Belongs to the control shard.
class LogFollower {
 public:
  /// All outlive it.
  LogFollower(store::AsyncStore& store, Publisher& publisher, rt::Reactor& reactor)
      : store_(store), publisher_(publisher), reactor_(reactor) {}
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;

  /// To be called once.
  void start() { scope_.spawn(follow()); }
  /// Takes over what there is now; for whoever hears of news by other ways than start().
  Task<Result<>> catch_up();

 private:
  Task<void> follow();

  store::AsyncStore& store_;
  Publisher& publisher_;
  rt::Reactor& reactor_;
  rt::TaskScope scope_;  // last: its task uses everything above
};

}  // namespace sluice::control::publish
