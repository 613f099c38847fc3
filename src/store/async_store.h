// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "rt/offload.h"
#include "rt/reactor.h"
#include "rt/task.h"
#include "store/durable.h"

namespace sluice::store {

struct AsyncLimits {
  std::size_t waiting_calls = 1024;                // to commit()
  std::size_t waiting_octets = 256 * 1024 * 1024;  // of their documents; a single call may be larger
};

/// A durable store for the control shard: blocking work runs on threads of its own, results come back to the shard.
/// Belongs to the shard; the tasks may be cancelled, what they began is finished all the same.
class AsyncStore {
 public:
  /// `reactor` is the control shard's and outlives it.
  AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits = {});
  AsyncStore(const AsyncStore&) = delete;
  AsyncStore& operator=(const AsyncStore&) = delete;
  /// Finishes what was begun.
  ~AsyncStore();

  /// Makes `group.size()` versions after `expected`. Calls that arrive while others are being written, and that expect
  /// what those lead to, are written together in the next transaction, so many waiting writers share one sync of the
  /// disk: to profit, a writer names as `expected` what the writers before it are about to make. For its sake a failure
  /// fails every call made before the failure was known here, too: it may have been validated against what never came
  /// to be. Fails with Unavailable when too much is waiting already.
  Task<std::expected<Version, CommitError>> commit(Version expected, std::vector<Commit> group);

  // As in DurableStore.
  Task<Result<Contents>> load();
  Task<Result<LogPart>> read_log(Version after, std::size_t limit);
  Task<Result<Contents>> at(Version version);
  Task<Result<Commit>> changes_back_to(Version version);
  Task<Result<>> compact(SysTime older_than);
  Task<Result<Version>> head();
  Task<Result<Version>> horizon();
  /// One at a time: for the task that follows the log. Ends early, with false, when the store is going away.
  Task<Result<bool>> wait_for_change(Version known, Millis timeout);
  [[nodiscard]] bool shared() const { return store_->shared(); }
  Task<Result<>> backup(std::string file, WithKey with_key);
  Task<Result<Version>> restore(std::string file);
  Task<Result<>> rotate_key();
  Task<Result<std::size_t>> reseal();
  Task<Result<std::optional<std::string>>> meta(std::string name);
  Task<Result<std::vector<std::pair<std::string, std::string>>>> metas(std::string prefix);
  Task<Result<>> set_meta(std::string name, std::string value);
  Task<Result<>> erase_meta(std::string name);

  /// For start-up, before the shard runs.
  [[nodiscard]] DurableStore& blocking() { return *store_; }

 private:
  using Committed = std::expected<Version, CommitError>;
  struct Call;
  class Waiter;
  using Calls = std::vector<std::shared_ptr<Call>>;

  bool enqueue(const std::shared_ptr<Call>& call);
  void write_waiting();
  void write_run(std::span<const std::shared_ptr<Call>> run);
  void finish(const std::shared_ptr<Call>& call, Committed result);
  [[nodiscard]] CommitError dragged_along() const;

  rt::Reactor& reactor_;
  const AsyncLimits limits_;
  const std::unique_ptr<DurableStore> store_;

  std::mutex mutex_;  // of what follows
  Calls waiting_;
  std::size_t waiting_octets_ = 0;
  bool writing_ = false;  // somebody will look at waiting_ again

  // Failures are counted where they happen, and where they are known.
  std::uint64_t failures_ = 0;  // of the writer's thread
  CommitError last_failure_;
  const std::shared_ptr<std::uint64_t> known_failures_ = std::make_shared<std::uint64_t>(0);  // of the shard

  std::atomic<bool> stopping_{false};
  // Last, so that they end before what they use.
  rt::BlockingPool long_{2};   // backups, and waiting for changes
  rt::BlockingPool short_{1};  // everything else, in order
};

}  // namespace sluice::store
