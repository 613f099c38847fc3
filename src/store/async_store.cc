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
  Waiter(Lane& lane, std::shared_ptr<Call> call) : lane_(lane), call_(std::move(call)) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;
  ~Waiter() { call_->waiting = {}; }

  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> caller) {
    call_->waiting = caller;
    return lane_.enqueue(call_);
  }
  Committed await_resume() { return *std::move(call_->result); }

 private:
  Lane& lane_;
  std::shared_ptr<Call> call_;
};

/// Somebody's place among those who wait to look back: left once, by whoever is first of the thread that begins the
/// work and the task that goes away.
class AsyncStore::Turn {
 public:
  explicit Turn(std::atomic<std::size_t>& waiting) : waiting_(waiting) { ++waiting_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// False when the other one was first.
  bool leave() {
    if (left_.exchange(true)) return false;
    --waiting_;
    return true;
  }

 private:
  std::atomic<std::size_t>& waiting_;
  std::atomic<bool> left_{false};
};

AsyncStore::AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits)
    : reactor_(reactor),
      own_threads_(std::make_unique<Threads>()),
      threads_(*own_threads_),
      lane_(std::make_shared<Lane>(std::move(store), reactor, threads_.short_work, limits)) {}

AsyncStore::AsyncStore(std::unique_ptr<DurableStore> store, rt::Reactor& reactor, const AsyncLimits& limits,
                       Threads& threads)
    : reactor_(reactor),
      threads_(threads),
      lane_(std::make_shared<Lane>(std::move(store), reactor, threads_.short_work, limits)) {}

AsyncStore::~AsyncStore() {
  lane_->stopping = true;
  if (own_threads_ != nullptr) lane_->store->stop_looking_back();
}

template <class Work>
auto AsyncStore::on(rt::BlockingPool& pool, Work work) {
  return rt::offload(pool, reactor_, [lane = lane_, work = std::move(work)] { return work(*lane->store); });
}

template <class Work>
auto AsyncStore::on_short(Work work) {
  return on(threads_.short_work, std::move(work));
}

template <class Work>
auto AsyncStore::on_long(Work work) {
  return on(threads_.long_work, std::move(work));
}

template <class Work>
auto AsyncStore::look_back(Work work) -> Task<std::invoke_result_t<Work&, DurableStore&>> {
  using Found = std::invoke_result_t<Work&, DurableStore&>;
  if (threads_.waiting_looks >= lane_->limits.waiting_looks) {
    co_return fail(Errc::Unavailable, "too many look at the history at this moment; ask again", Blame::System,
                   Retry::Safe);
  }
  struct Leaver {
    std::shared_ptr<Turn> turn;
    ~Leaver() { turn->leave(); }
  };
  const Leaver leaver{std::make_shared<Turn>(threads_.waiting_looks)};
  const auto look = [turn = leaver.turn, work = std::move(work)](DurableStore& store) -> Found {
    if (!turn->leave()) return fail(Errc::Unavailable, "nobody waits for it any more");
    return work(store);
  };
  co_return co_await on(threads_.looking_back, look);
}

Task<Result<std::unique_ptr<AsyncStore>>> AsyncStore::another(std::string control_plane) {
  CO_TRY(auto store, co_await on_short([=](DurableStore& own) { return own.another(control_plane); }));
  co_return std::unique_ptr<AsyncStore>(new AsyncStore(std::move(store), reactor_, lane_->limits, threads_));
}

Result<std::unique_ptr<AsyncStore>> AsyncStore::another_now(const std::string& control_plane) {
  TRY(auto store, lane_->store->another(control_plane));
  return std::unique_ptr<AsyncStore>(new AsyncStore(std::move(store), reactor_, lane_->limits, threads_));
}

// Commits -------------------------------------------------------------------------------------------------------------

Task<std::expected<Version, CommitError>> AsyncStore::commit(Version expected, std::vector<Commit> group) {
  auto call = std::make_shared<Call>();
  call->expected = expected;
  call->octets = octets_of(group);
  call->group = std::move(group);
  call->known_failures = *lane_->known_failures;
  Waiter waiter(*lane_, std::move(call));
  co_return co_await waiter;
}

/// False when the call has its result already.
bool AsyncStore::Lane::enqueue(const std::shared_ptr<Call>& call) {
  const std::lock_guard lock(mutex);
  const bool full = waiting.size() >= limits.waiting_calls ||
                    (!waiting.empty() && waiting_octets + call->octets > limits.waiting_octets);
  if (full) {
    call->result = std::unexpected(
        CommitError{CommitFailure::Unavailable,
                    {Errc::Unavailable, Blame::System, Retry::Safe,
                     "the store is behind: " + std::to_string(waiting.size()) + " writes are waiting; try again"}});
    return false;
  }
  waiting.push_back(call);
  waiting_octets += call->octets;
  if (!std::exchange(writing, true)) write_soon();
  return true;
}

void AsyncStore::Lane::write_soon() {
  short_work.submit([self = shared_from_this()] { self->write_waiting(); });
}

void AsyncStore::Lane::write_waiting() {
  Calls calls;
  {
    const std::lock_guard lock(mutex);
    calls.swap(waiting);
    waiting_octets = 0;
  }
  const std::span<const std::shared_ptr<Call>> all(calls);
  for (std::size_t from = 0; from < all.size();) {
    std::size_t to = from + 1;
    while (to < all.size() && all[to]->follows(*all[to - 1])) ++to;
    write_run(all.subspan(from, to - from));
    from = to;
  }
  // Again through the pool: what else waits there has its turn in between.
  const std::lock_guard lock(mutex);
  writing = !waiting.empty();
  if (writing) write_soon();
}

/// Calls that follow each other, in one transaction.
void AsyncStore::Lane::write_run(std::span<const std::shared_ptr<Call>> run) {
  if (run.front()->known_failures < failures) {
    for (const auto& call : run) finish(call, std::unexpected(dragged_along()));
    return;
  }
  std::vector<Commit> changes;
  for (const auto& call : run) {
    if (run.size() > 1) std::ranges::copy(call->group, std::back_inserter(changes));
  }
  const std::span<const Commit> all = run.size() > 1 ? changes : run.front()->group;
  auto result = store->commit(run.front()->expected, all);
  if (result) {
    for (const auto& call : run) finish(call, call->reached());
    return;
  }
  if (result.error().failure == CommitFailure::Constraint && run.size() > 1) {
    // One of them is wrong: those before it need not suffer.
    for (std::size_t i = 0; i < run.size(); ++i) write_run(run.subspan(i, 1));
    return;
  }
  ++failures;
  last_failure = result.error();
  for (const auto& call : run) finish(call, result);
}

/// Why a call fails that came behind one that failed. When the database is away they are all told so at once, instead
/// of waiting for a connection once more each.
CommitError AsyncStore::Lane::dragged_along() const {
  const CommitFailure cause = last_failure.failure;
  if (cause == CommitFailure::Conflict || cause == CommitFailure::Constraint) {
    return {CommitFailure::Conflict,
            {Errc::Conflict, Blame::Client, Retry::Safe, "a change that this one was to follow has failed"}};
  }
  CommitError error = last_failure;
  if (cause == CommitFailure::Unknown) error.failure = CommitFailure::Unavailable;
  error.error.what.insert(0, "not written, like the change before it: ");
  return error;
}

void AsyncStore::Lane::finish(const std::shared_ptr<Call>& call, Committed result) {
  call->result = std::move(result);
  reactor.post([call, known = known_failures, failures_now = failures] {
    *known = failures_now;
    if (auto waiting_one = std::exchange(call->waiting, {})) waiting_one.resume();
  });
}

// Everything else -----------------------------------------------------------------------------------------------------

Task<Result<Contents>> AsyncStore::load() {
  co_return co_await on_short([](DurableStore& store) { return store.load(); });
}

Task<Result<LogPart>> AsyncStore::read_log(Version after, std::size_t limit) {
  co_return co_await on_short([=](DurableStore& store) { return store.read_log(after, limit); });
}

Task<Result<LogPart>> AsyncStore::read_touched(Version after, std::size_t most) {
  co_return co_await on_short([=](DurableStore& store) { return store.read_touched(after, most); });
}

Task<Result<Trail>> AsyncStore::trail(TrailQuery query) {
  const auto look = [query = std::move(query)](DurableStore& store) { return store.trail(query); };
  co_return co_await look_back(look);
}

Task<Result<Contents>> AsyncStore::at(Version version) {
  co_return co_await on_short([=](DurableStore& store) { return store.at(version); });
}

Task<Result<Commit>> AsyncStore::changes_back_to(Version version) {
  co_return co_await on_short([=](DurableStore& store) { return store.changes_back_to(version); });
}

Task<Result<HistoryPart>> AsyncStore::history(HistoryQuery query) {
  const auto look = [query = std::move(query)](DurableStore& store) { return store.history(query); };
  co_return co_await look_back(look);
}

Task<Result<Differences>> AsyncStore::differences(DifferenceQuery query) {
  const auto look = [query = std::move(query)](DurableStore& store) { return store.differences(query); };
  co_return co_await look_back(look);
}

Task<Result<>> AsyncStore::compact(SysTime older_than, std::uint64_t keep) {
  co_return co_await on_long([=](DurableStore& store) { return store.compact(older_than, keep); });
}

Task<Result<Version>> AsyncStore::head() {
  co_return co_await on_short([](DurableStore& store) { return store.head(); });
}

Task<Result<Version>> AsyncStore::horizon() {
  co_return co_await on_short([](DurableStore& store) { return store.horizon(); });
}

Task<Result<Heads>> AsyncStore::heads() {
  co_return co_await on_short([](DurableStore& store) { return store.heads(); });
}

namespace {

/// Waits in steps, so that the end of the store need not wait for a long one. `look` waits for a step and says whether
/// that will do.
template <class Look>
Result<bool> in_steps(Millis timeout, const std::atomic<bool>& stopping, const Look& look) {
  constexpr Millis kAtOnce{200};
  for (Millis left = timeout; left > Millis::zero() && !stopping; left -= kAtOnce) {
    TRY(const bool enough, look(std::min(left, kAtOnce)));
    if (enough) return true;
  }
  return false;
}

}  // namespace

Task<Result<bool>> AsyncStore::wait_for_change(Version known, Millis timeout) {
  const auto wait = [=, lane = lane_](DurableStore& store) {
    return in_steps(timeout, lane->stopping, [&](Millis step) { return store.wait_for_change(known, step); });
  };
  co_return co_await on_long(wait);
}

Task<Result<Heads>> AsyncStore::wait_for_changes(Heads known, Millis timeout) {
  const auto wait = [=, lane = lane_](DurableStore& store) -> Result<Heads> {
    Heads now = known;
    TRY(in_steps(timeout, lane->stopping, [&](Millis step) -> Result<bool> {
      TRY(now, store.wait_for_changes(known, step));
      return now != known;
    }));
    return now;
  };
  co_return co_await on_long(wait);
}

Task<Result<>> AsyncStore::backup(std::string file, WithKey with_key) {
  co_return co_await on_long([=](DurableStore& store) { return store.backup(file, with_key); });
}

Task<Result<Version>> AsyncStore::restore(std::string file) {
  co_return co_await on_short([=](DurableStore& store) { return store.restore(file); });
}

Task<Result<>> AsyncStore::rotate_key() {
  co_return co_await on_short([](DurableStore& store) { return store.rotate_key(); });
}

Task<Result<std::size_t>> AsyncStore::reseal() {
  co_return co_await on_long([](DurableStore& store) { return store.reseal(); });
}

Task<Result<std::optional<std::string>>> AsyncStore::meta(std::string name) {
  co_return co_await on_short([=](DurableStore& store) { return store.meta(name); });
}

Task<Result<std::vector<std::pair<std::string, std::string>>>> AsyncStore::metas(std::string prefix) {
  co_return co_await on_short([=](DurableStore& store) { return store.metas(prefix); });
}

Task<Result<>> AsyncStore::set_meta(std::string name, std::string value) {
  co_return co_await on_short([=](DurableStore& store) { return store.set_meta(name, value); });
}

Task<Result<>> AsyncStore::erase_meta(std::string name) {
  co_return co_await on_short([=](DurableStore& store) { return store.erase_meta(name); });
}

}  // namespace sluice::store
