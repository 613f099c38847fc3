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
#include <type_traits>
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
  std::size_t waiting_looks = 64;                  // calls that look back, of all control planes
};

/// A durable store for the control shard: blocking work runs on other threads, results come back to the shard. Belongs
/// to the shard; the tasks may be cancelled, what they began is finished all the same, but for looking back.
class AsyncStore {
 public:
  /// `reactor` is the control shard's and outlives it.
  AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits = {});
  AsyncStore(const AsyncStore&) = delete;
  AsyncStore& operator=(const AsyncStore&) = delete;
  /// Finishes what was begun, and gives up looking back; one that uses another's threads leaves that to them.
  ~AsyncStore();

  /// DurableStore::another(), on the threads of this store, which outlives it.
  Task<Result<std::unique_ptr<AsyncStore>>> another(std::string control_plane);
  /// The same for start-up, before the shard runs.
  Result<std::unique_ptr<AsyncStore>> another_now(const std::string& control_plane);

  /// Makes `group.size()` versions after `expected`. Calls that arrive while others are being written, and that expect
  /// what those lead to, are written together in the next transaction, so many waiting writers share one sync of the
  /// disk: to profit, a writer names as `expected` what the writers before it are about to make. For its sake a failure
  /// fails every call made before the failure was known here, too: it may have been validated against what never came
  /// to be. Fails with Unavailable when too much is waiting already.
  Task<std::expected<Version, CommitError>> commit(Version expected, std::vector<Commit> group);

  // As in DurableStore. Those that look back wait for their turn, and fail with Errc::Unavailable when too many do.
  Task<Result<Contents>> load();
  Task<Result<LogPart>> read_log(Version after, std::size_t limit);
  Task<Result<LogPart>> read_touched(Version after, std::size_t most);
  Task<Result<Contents>> at(Version version);
  Task<Result<Commit>> changes_back_to(Version version);
  Task<Result<Trail>> trail(TrailQuery query);
  Task<Result<HistoryPart>> history(HistoryQuery query);
  Task<Result<Differences>> differences(DifferenceQuery query);
  Task<Result<>> compact(SysTime older_than, std::uint64_t keep = 0);
  Task<Result<Version>> head();
  Task<Result<Version>> horizon();
  /// One at a time: for the task that follows the log. Ends early, with false, when the store is going away.
  Task<Result<bool>> wait_for_change(Version known, Millis timeout);
  Task<Result<Heads>> heads();
  /// As wait_for_change().
  Task<Result<Heads>> wait_for_changes(Heads known, Millis timeout);
  [[nodiscard]] bool shared() const { return lane_->store->shared(); }
  Task<Result<>> backup(std::string file, WithKey with_key);
  Task<Result<Version>> restore(std::string file);
  Task<Result<>> rotate_key();
  Task<Result<std::size_t>> reseal();
  Task<Result<std::optional<std::string>>> meta(std::string name);
  Task<Result<std::vector<std::pair<std::string, std::string>>>> metas(std::string prefix);
  Task<Result<>> set_meta(std::string name, std::string value);
  Task<Result<>> erase_meta(std::string name);

  /// For start-up, before the shard runs.
  [[nodiscard]] DurableStore& blocking() { return *lane_->store; }

 private:
  using Committed = std::expected<Version, CommitError>;
  struct Call;
  class Waiter;
  class Turn;
  using Calls = std::vector<std::shared_ptr<Call>>;

  struct Threads {
    std::atomic<std::size_t> waiting_looks{0};

    rt::BlockingPool long_work{2};     // backups, and waiting for changes
    rt::BlockingPool looking_back{1};  // what reads much of the log for somebody who looks at it
    rt::BlockingPool short_work{1};    // everything else, in order
  };

  /// What the threads work on. They may have it for longer than the shard.
  struct Lane : std::enable_shared_from_this<Lane> {
    Lane(std::unique_ptr<DurableStore> opened, rt::Reactor& shard, rt::BlockingPool& pool, const AsyncLimits& most)
        : store(std::move(opened)), reactor(shard), short_work(pool), limits(most) {}

    bool enqueue(const std::shared_ptr<Call>& call);
    void write_soon();
    void write_waiting();
    void write_run(std::span<const std::shared_ptr<Call>> run);
    void finish(const std::shared_ptr<Call>& call, Committed result);
    [[nodiscard]] CommitError dragged_along() const;

    const std::unique_ptr<DurableStore> store;
    rt::Reactor& reactor;
    rt::BlockingPool& short_work;
    const AsyncLimits limits;

    std::mutex mutex;  // of what follows
    Calls waiting;
    std::size_t waiting_octets = 0;
    bool writing = false;  // somebody will look at `waiting` again

    // Failures are counted where they happen, and where they are known.
    std::uint64_t failures = 0;  // of the writer's thread
    CommitError last_failure;
    const std::shared_ptr<std::uint64_t> known_failures = std::make_shared<std::uint64_t>(0);  // of the shard

    std::atomic<bool> stopping{false};
  };

  AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits, Threads& threads);
  /// `work` is given the store.
  template <class Work>
  auto on(rt::BlockingPool& pool, Work work);
  template <class Work>
  auto on_short(Work work);
  template <class Work>
  auto on_long(Work work);
  /// Turned away with Errc::Unavailable when too many wait already. What a cancelled task has not begun is not begun.
  template <class Work>
  auto look_back(Work work) -> Task<std::invoke_result_t<Work&, DurableStore&>>;

  rt::Reactor& reactor_;
  const std::unique_ptr<Threads> own_threads_;  // null: another store's
  Threads& threads_;
  const std::shared_ptr<Lane> lane_;
};

}  // namespace sluice::store
