// SPDX-License-Identifier: Apache-2.0
#include "dataplane/cache.h"

#include <utility>

#include "base/log.h"
#include "rt/first_of.h"

namespace sluice::dataplane {
namespace {

constexpr std::int64_t kRetryMs = 5'000;

/// What a thread did to the files.
struct Done {
  Result<> outcome;
  std::uint64_t sequence = 0;
  bool fold_due = false;
};

}  // namespace

Cache::Cache(std::shared_ptr<CacheFiles> files, State state, rt::BlockingPool& pool, rt::Reactor& control)
    : files_(std::move(files)),
      pool_(pool),
      control_(control),
      latest_(std::move(state)),
      sequence_(files_->sequence()),
      fold_due_(files_->fold_due()) {}

Task<void> Cache::commit(std::shared_ptr<const Step> step, State next) {
  struct Mark {
    bool& flag;
    explicit Mark(bool& marked) : flag(marked) { flag = true; }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark() { flag = false; }
  };
  const Mark mark(committing_);
  const bool try_it = !behind_ || now_ms() >= not_before_ms_;
  Done done = co_await rt::offload(pool_, control_, [files = files_, step = std::move(step), next, try_it] {
    Result<> outcome;
    if (try_it) {
      outcome = files->commit(*step, next);
    } else {
      files->skip();
    }
    return Done{std::move(outcome), files->sequence(), files->fold_due()};
  });
  latest_ = std::move(next);
  sequence_ = done.sequence;
  fold_due_ = done.fold_due;
  if (try_it) report(done.outcome);
}

void Cache::report(const Result<>& outcome) {
  if (!outcome) {
    if (!behind_) log::error("cluster_cache.not_written", {{"error", outcome.error()}, {"serving_goes_on", true}});
    behind_ = true;
    not_before_ms_ = now_ms() + kRetryMs;
  } else if (behind_) {
    behind_ = false;
    log::notice("cluster_cache.written_again", {{"version", latest_.standing.version}});
  }
}

void Cache::keep_house() {
  if (left_) return;
  if (key_due_ && !changing_key_ && now_ms() >= key_not_before_ms_) tasks_.spawn(change_key());
  if (!fold_due_ || folding_ || committing_ || latest_.standing.empty() || now_ms() < not_before_ms_) return;
  folding_ = true;
  tasks_.spawn(fold());
}

Task<void> Cache::fold() {
  Done done = co_await rt::offload(pool_, control_, [files = files_, state = latest_, sequence = sequence_] {
    Result<> outcome = files->fold(state, sequence);
    return Done{std::move(outcome), 0, files->fold_due()};
  });
  folding_ = false;
  fold_due_ = done.fold_due;
  // A change that came meanwhile and is in no journal: the next turn includes it.
  const bool overtaken = !done.outcome && done.outcome.error().code == Errc::Conflict;
  if (!overtaken) report(done.outcome);
}

void Cache::use_key(CacheKey key) {
  key_due_ = std::move(key);
  key_not_before_ms_ = 0;
  if (!left_ && !changing_key_) tasks_.spawn(change_key());
}

/// Whoever restarts with the new certificate finds the old key sealed under the new one; until that is written, this
/// process goes on under the old one.
Task<void> Cache::change_key() {
  changing_key_ = true;
  const CacheKey key = *key_due_;
  Done done = co_await rt::offload(pool_, control_, [files = files_, key] {
    Result<> outcome = files->use_key(key);
    return Done{std::move(outcome), 0, files->fold_due()};
  });
  changing_key_ = false;
  fold_due_ = done.fold_due;
  if (!done.outcome) {
    if (!key_failing_) log::error("cluster_cache.key_not_kept", {{"error", done.outcome.error()}});
    key_failing_ = true;
    key_not_before_ms_ = now_ms() + kRetryMs;
    co_return;
  }
  key_failing_ = false;
  if (*key_due_ == key) key_due_.reset();
}

Task<void> Cache::release_files() {
  co_await rt::offload(pool_, control_, [files = files_] {
    files->leave();
    return true;
  });
}

Task<void> Cache::leave(rt::Deadline deadline) {
  left_ = true;
  files_->announce_leaving();
  Task<void> released = release_files();
  Task<void> patience = [](rt::Reactor& reactor, rt::Deadline until) -> Task<void> {
    co_await rt::Sleep(reactor, until);
  }(control_, deadline);
  co_await rt::FirstOf(released, patience);
  // The lock keeps the other process from writing until this one has; it serves meanwhile.
  if (!released.ready()) log::warn("cluster_cache.still_writing", {{"version", latest_.standing.version}});
}

void Cache::come_back() {
  left_ = false;
  files_->come_back();
  fold_due_ = true;
}

}  // namespace sluice::dataplane
