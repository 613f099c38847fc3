// SPDX-License-Identifier: Apache-2.0
#include "store/async_store.h"

#include <algorithm>
#include <coroutine>
#include <iterator>

namespace sluice::store {
namespace {

std::size_t octets_of(const std::vector<Commit>& group) {
  std::size_t octets = 0;
  for (const auto& change : group) {
    for (const auto& row : change.upserts) octets += row.document->size();
  }
  return octets;
}

}  // namespace

/// One commit() on its way. The shard owns `waiting`, the writer's thread everything else until it has finished.
struct AsyncStore::Call {
  Version expected;
  std::vector<Commit> group;
  std::size_t octets = 0;
  std::uint64_t known_failures = 0;  // when it was made
  std::optional<Committed> result;
  std::coroutine_handle<> waiting;

  [[nodiscard]] Version reached() const { return {expected.epoch, expected.number + group.size()}; }
  [[nodiscard]] bool follows(const Call& other) const {
    return expected == other.reached() && known_failures == other.known_failures;
  }
};

/// Resumes when the call has its result; forgets it when the task is cancelled.
class AsyncStore::Waiter {
 public:
  Waiter(AsyncStore& store, std::shared_ptr<Call> call) : store_(store), call_(std::move(call)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { call_->waiting = {}; }

  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> caller) {
    call_->waiting = caller;
    return store_.enqueue(call_);
  }
  Committed await_resume() { return *std::move(call_->result); }

 private:
  AsyncStore& store_;
  std::shared_ptr<Call> call_;
};

AsyncStore::AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits)
    : reactor_(reactor), limits_(limits), store_(std::move(store)) {}

AsyncStore::~AsyncStore() {
  stopping_ = true;
}

// Commits -------------------------------------------------------------------------------------------------------------

Task<std::expected<Version, CommitError>> AsyncStore::commit(Version expected, std::vector<Commit> group) {
  auto call = std::make_shared<Call>();
  call->expected = expected;
  call->octets = octets_of(group);
  call->group = std::move(group);
  call->known_failures = *known_failures_;
  Waiter waiter(*this, std::move(call));
  co_return co_await waiter;
}

/// False when the call has its result already.
bool AsyncStore::enqueue(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex_);
  const bool full = waiting_.size() >= limits_.waiting_calls ||
                    (!waiting_.empty() && waiting_octets_ + call->octets > limits_.waiting_octets);
  if (full) {
    call->result = std::unexpected(
        CommitError{CommitFailure::Unavailable,
                    {Errc::Unavailable, Blame::System, Retry::Safe,
                     "the store is behind: " + std::to_string(waiting_.size()) + " writes are waiting; try again"}});
    return false;
  }
  waiting_.push_back(call);
  waiting_octets_ += call->octets;
  if (!std::exchange(writing_, true)) short_.submit([this] { write_waiting(); });
  return true;
}

void AsyncStore::write_waiting() {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    calls.swap(waiting_);
    waiting_octets_ = 0;
  }
  const std::span<const std::shared_ptr<Call>> all(calls);
  for (std::size_t from = 0; from < all.size();) {
    std::size_t to = from + 1;
    while (to < all.size() && all[to]->follows(*all[to - 1])) ++to;
    write_run(all.subspan(from, to - from));
    from = to;
  }
  // Again through the pool: what else waits there has its turn in between.
  const std::lock_guard lock(mutex_);
  writing_ = !waiting_.empty();
  if (writing_) short_.submit([this] { write_waiting(); });
}

/// Calls that follow each other, in one transaction.
void AsyncStore::write_run(std::span<const std::shared_ptr<Call>> run) {
  if (run.front()->known_failures < failures_) {
    for (const auto& call : run) finish(call, std::unexpected(dragged_along()));
    return;
  }
  std::vector<Commit> changes;
  for (const auto& call : run) {
    if (run.size() > 1) std::ranges::copy(call->group, std::back_inserter(changes));
  }
  const std::span<const Commit> all = run.size() > 1 ? changes : run.front()->group;
  auto result = store_->commit(run.front()->expected, all);
  if (result) {
    for (const auto& call : run) finish(call, call->reached());
    return;
  }
  if (result.error().failure == CommitFailure::Constraint && run.size() > 1) {
    // One of them is wrong: those before it need not suffer.
    for (std::size_t i = 0; i < run.size(); ++i) write_run(run.subspan(i, 1));
    return;
  }
  ++failures_;
  last_failure_ = result.error();
  for (const auto& call : run) finish(call, result);
}

/// Why a call fails that came behind one that failed. When the database is away they are all told so at once, instead
/// of waiting for a connection once more each.
CommitError AsyncStore::dragged_along() const {
  const CommitFailure cause = last_failure_.failure;
  if (cause == CommitFailure::Conflict || cause == CommitFailure::Constraint) {
    return {CommitFailure::Conflict,
            {Errc::Conflict, Blame::Client, Retry::Safe, "a change that this one was to follow has failed"}};
  }
  CommitError error = last_failure_;
  if (cause == CommitFailure::Unknown) error.failure = CommitFailure::Unavailable;
  error.error.what.insert(0, "not written, like the change before it: ");
  return error;
}

void AsyncStore::finish(const std::shared_ptr<Call>& call, Committed result) {
  call->result = std::move(result);
  reactor_.post([call, known = known_failures_, failures = failures_] {
    *known = failures;
    if (auto waiting = std::exchange(call->waiting, {})) waiting.resume();
  });
}

// Everything else -----------------------------------------------------------------------------------------------------

Task<Result<Contents>> AsyncStore::load() {
  co_return co_await rt::offload(short_, reactor_, [this] { return store_->load(); });
}

Task<Result<LogPart>> AsyncStore::read_log(Version after, std::size_t limit) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->read_log(after, limit); });
}

Task<Result<Contents>> AsyncStore::at(Version version) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->at(version); });
}

Task<Result<Commit>> AsyncStore::changes_back_to(Version version) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->changes_back_to(version); });
}

Task<Result<>> AsyncStore::compact(SysTime older_than) {
  co_return co_await rt::offload(long_, reactor_, [=, this] { return store_->compact(older_than); });
}

Task<Result<Version>> AsyncStore::head() {
  co_return co_await rt::offload(short_, reactor_, [this] { return store_->head(); });
}

Task<Result<Version>> AsyncStore::horizon() {
  co_return co_await rt::offload(short_, reactor_, [this] { return store_->horizon(); });
}

/// In short waits, so that the end of the store need not wait for a long one.
Task<Result<bool>> AsyncStore::wait_for_change(Version known, Millis timeout) {
  co_return co_await rt::offload(long_, reactor_, [=, this]() -> Result<bool> {
    constexpr Millis kAtOnce{200};
    for (Millis left = timeout; left > Millis::zero() && !stopping_; left -= kAtOnce) {
      TRY(const bool changed, store_->wait_for_change(known, std::min(left, kAtOnce)));
      if (changed) return true;
    }
    return false;
  });
}

Task<Result<>> AsyncStore::backup(std::string file, WithKey with_key) {
  co_return co_await rt::offload(long_, reactor_, [=, this] { return store_->backup(file, with_key); });
}

Task<Result<Version>> AsyncStore::restore(std::string file) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->restore(file); });
}

Task<Result<>> AsyncStore::rotate_key() {
  co_return co_await rt::offload(short_, reactor_, [this] { return store_->rotate_key(); });
}

Task<Result<std::size_t>> AsyncStore::reseal() {
  co_return co_await rt::offload(long_, reactor_, [this] { return store_->reseal(); });
}

Task<Result<std::optional<std::string>>> AsyncStore::meta(std::string name) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->meta(name); });
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> AsyncStore::metas(std::string prefix) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->metas(prefix); });
}

Task<Result<>> AsyncStore::set_meta(std::string name, std::string value) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->set_meta(name, value); });
}

Task<Result<>> AsyncStore::erase_meta(std::string name) {
  co_return co_await rt::offload(short_, reactor_, [=, this] { return store_->erase_meta(name); });
}

}  // namespace sluice::store
