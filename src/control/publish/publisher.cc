// SPDX-License-Identifier: Apache-2.0
#include "control/publish/publisher.h"

#include <algorithm>
#include <coroutine>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"

namespace sluice::control::publish {
namespace {

// One flush of the storage serves this many changes at most, so that the first of them need not wait for long.
constexpr std::size_t kMaxGroup = 256;
// How often others may come first before a change is given up.
constexpr unsigned kMaxAttempts = 16;

/// All rows that the change leaves out, for storage that knows single rows only.
std::vector<sync::EntityKey> rows_left_out(const sync::Delta& whole, const store::MemoryStore& store) {
  std::set<std::pair<std::string_view, Uuid>> kept;
  for (const auto& row : whole.upserts) kept.emplace(row.type, row.id);
  std::vector<sync::EntityKey> removals;
  for (const auto& [workspace, space] : store.spaces()) {
    for (const auto& table : space.tables()) {
      for (const auto& [id, document] : table.rows()) {
        if (!kept.contains({table.type().name(), id})) removals.push_back({table.type().name(), id});
      }
    }
  }
  return removals;
}

Refusal unavailable(const store::CommitError& error) {
  const bool full = error.failure == store::CommitFailure::Full;
  return {.cause = full ? Refusal::Cause::Full : Refusal::Cause::Unavailable, .what = error.error.what};
}

}  // namespace

/// One change and whoever waits for it. Shared, since either may go first.
struct Publisher::Job {
  std::unique_ptr<Change> change;
  std::string author;
  bool load = false;
  sync::Delta delta;       // of the latest attempt
  store::Version version;  // the one it makes
  std::optional<Outcome> outcome;
  std::coroutine_handle<> waiting;
};

/// A group's way to the gateway and to the storage.
struct Publisher::Attempt {
  sync::Delta delta;  // of all of them
  bool committed = false;
  std::optional<store::CommitError> commit_error;
};

class Publisher::Wait {
 public:
  explicit Wait(std::shared_ptr<Job> job) : job_(std::move(job)) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() { job_->waiting = {}; }

  [[nodiscard]] bool await_ready() const { return job_->outcome.has_value(); }
  void await_suspend(std::coroutine_handle<> caller) { job_->waiting = caller; }
  Outcome await_resume() { return *std::move(job_->outcome); }

 private:
  std::shared_ptr<Job> job_;
};

// The queue
// -------------------------------------------------------------------------------------------------------------------

std::shared_ptr<Publisher::Job> Publisher::enqueue(std::unique_ptr<Change> change, std::string author, bool load) {
  auto job = std::make_shared<Job>();
  job->change = std::move(change);
  job->author = std::move(author);
  job->load = load;
  loads_ += load ? 1U : 0U;
  queue_.push_back(job);
  if (!working_) scope_.spawn(work());
  return job;
}

Task<Publisher::Outcome> Publisher::submit(std::unique_ptr<Change> change, std::string author) {
  Wait wait(enqueue(std::move(change), std::move(author), false));
  Outcome outcome = co_await wait;
  co_return outcome;
}

Task<Publisher::Outcome> Publisher::load(std::unique_ptr<Change> change, std::string author) {
  Wait wait(enqueue(std::move(change), std::move(author), true));
  Outcome outcome = co_await wait;
  co_return outcome;
}

Task<Publisher::Outcome> Publisher::plan(Change& change) {
  Done planned;
  {
    Draft draft(store_, options_.version);
    auto prepared = change.prepare(draft);
    if (!prepared) co_return std::unexpected(std::move(prepared).error());
    planned = Done{draft.delta(0), options_.version, change.effects()};
  }
  if (gateway_ == nullptr) co_return planned;
  sync::Delta copy = planned.delta;
  const sync::CommitStep refuse = [] { return Task<bool>(false); };
  const auto compiled = co_await gateway_->apply(std::move(copy), refuse);
  if (!compiled && !compiled.error().empty()) co_return std::unexpected(change.locate(compiled.error()));
  co_return planned;
}

Publisher::Group Publisher::take_group() {
  Group group;
  while (!queue_.empty() && group.size() < kMaxGroup) {
    const bool alone = queue_.front()->change->whole();
    if (alone && !group.empty()) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) break;
  }
  return group;
}

Task<void> Publisher::work() {
  working_ = true;
  while (!queue_.empty()) co_await run(take_group());
  working_ = false;
}

void Publisher::answer(Job& job, Outcome outcome) {
  loads_ -= job.load ? 1U : 0U;
  job.load = false;
  job.outcome = std::move(outcome);
  if (auto waiting = std::exchange(job.waiting, {})) waiting.resume();
}

void Publisher::answer_done(Group& group) {
  Group done = std::exchange(group, {});
  for (auto& job : done) answer(*job, Done{std::move(job->delta), job->version, job->change->effects()});
}

// One group
// -------------------------------------------------------------------------------------------------------------------

Task<void> Publisher::run(Group group) {
  for (unsigned attempts = 0; !group.empty(); ++attempts) {
    Attempt attempt;
    prepare(group, attempt);
    if (group.empty()) co_return;
    co_await carry_out(group, attempt);
    if (attempts < kMaxAttempts || group.empty()) continue;
    const Refusal refusal{.cause = Refusal::Cause::Unavailable, .what = "others were first too often"};
    for (auto& job : group) answer(*job, std::unexpected(refusal));
    group.clear();
  }
}

/// Each change builds on those before it. What fails is answered and leaves the group.
void Publisher::prepare(Group& group, Attempt& attempt) {
  std::vector<std::pair<std::shared_ptr<Job>, Refusal>> refused;
  {
    Draft draft(store_, options_.version);
    std::erase_if(group, [&](const std::shared_ptr<Job>& job) {
      const std::size_t mark = draft.mark();
      auto prepared = job->change->prepare(draft);
      if (!prepared) {
        draft.roll_back(mark);
        refused.emplace_back(job, std::move(prepared).error());
        return true;
      }
      job->delta = draft.delta(mark);
      draft.finish_change();
      job->version = draft.version();
      return false;
    });
    if (group.size() == 1) {
      attempt.delta = group.front()->delta;
    } else if (!group.empty()) {
      attempt.delta = draft.delta(0);
      for (auto& job : group) job->delta.hash = attempt.delta.hash;
    }
  }
  for (auto& [job, refusal] : refused) answer(*job, std::unexpected(std::move(refusal)));
}

/// Compiles, commits and publishes; what cannot be is answered, and what may be tried again stays in the group.
Task<void> Publisher::carry_out(Group& group, Attempt& attempt) {
  if (gateway_ == nullptr) {
    const bool committed = co_await commit(group, attempt);
    if (!committed) co_await recover(group, *attempt.commit_error);
  } else {
    sync::Delta copy = attempt.delta;  // shares the documents
    // Plain function object, no coroutine of its own: its captures would have to outlive the frame.
    const sync::CommitStep step = [this, &group, &attempt] { return commit(group, attempt); };
    const auto applied = co_await gateway_->apply(std::move(copy), step);
    if (!applied && attempt.commit_error) {
      co_await recover(group, *attempt.commit_error);
    } else if (!applied) {
      blame(group, applied.error());
    }
  }
  if (attempt.committed) answer_done(group);
}

/// Runs when the gateway can serve the change: from here on it is true.
Task<bool> Publisher::commit(Group& group, Attempt& attempt) {
  store::Version version = group.back()->version;
  if (options_.ledger != nullptr) {
    std::vector<store::Commit> commits;
    for (const auto& job : group) {
      store::Commit commit{job->delta.upserts, job->delta.removals, job->author};
      if (job->delta.complete) commit.removals = rows_left_out(job->delta, store_);
      commits.push_back(std::move(commit));
    }
    const auto kept = co_await options_.ledger->commit(options_.version, std::move(commits));
    if (!kept) {
      attempt.commit_error = kept.error();
      co_return false;
    }
    version = *kept;
  }
  // Who follows the log may have read of it before, and of what came after it: then that stays.
  if (options_.version < version) {
    store_.apply(attempt.delta);
    options_.version = version;
  }
  attempt.committed = true;
  if (!options_.wait_until_live) answer_done(group);
  co_return true;
}

/// Fails the changes to which the problems belong; all of them when that cannot be told.
void Publisher::blame(Group& group, const std::vector<sync::ConfigProblem>& problems) {
  Group guilty;
  const auto touches = [&](const std::shared_ptr<Job>& job) {
    return std::ranges::any_of(problems, [&](const sync::ConfigProblem& problem) {
      return std::ranges::any_of(job->delta.upserts, [&](const sync::EntityRow& row) {
        return row.id == problem.id && row.type == problem.type;
      });
    });
  };
  std::ranges::copy_if(group, std::back_inserter(guilty), touches);
  if (guilty.empty()) guilty = group;
  std::erase_if(group, [&](const auto& job) { return std::ranges::find(guilty, job) != guilty.end(); });
  for (auto& job : guilty) answer(*job, std::unexpected(job->change->locate(problems)));
}

/// The storage did not take the group. Whoever was first is followed, and the group is tried again on top.
Task<void> Publisher::recover(Group& group, const store::CommitError& error) {
  using enum store::CommitFailure;
  if (error.failure == Conflict) {
    const bool caught_up = co_await catch_up();
    if (caught_up) co_return;
  }
  log::error("publish.not_kept", {{"error", error.error}, {"changes", group.size()}});
  Group failed = std::exchange(group, {});
  // Whether it was kept is not known: what the log says from now on counts.
  if (error.failure == Unknown) co_await catch_up();
  for (auto& job : failed) answer(*job, std::unexpected(unavailable(error)));
}

// Following others
// -------------------------------------------------------------------------------------------------------------------

Task<bool> Publisher::catch_up() {
  auto entries = co_await options_.ledger->read_log(options_.version);
  if (entries) {
    co_await follow(*std::move(entries));
    co_return true;
  }
  if (entries.error().code != Errc::NotFound) co_return false;
  auto contents = co_await options_.ledger->load();
  if (!contents) co_return false;
  co_await follow(*std::move(contents));
  co_return true;
}

Task<bool> Publisher::take_over(sync::Delta delta, store::Version version) {
  store_.apply(delta);
  options_.version = version;
  if (gateway_ == nullptr) co_return true;
  const auto applied = co_await gateway_->apply(std::move(delta), {});
  if (applied) co_return true;
  for (const auto& problem : applied.error()) {
    log::error("publish.cannot_serve", {{"type", problem.type},
                                        {"id", problem.id.to_string()},
                                        {"field", problem.field},
                                        {"problem", problem.message}});
  }
  co_return false;
}

Task<bool> Publisher::follow(std::vector<store::LogEntry> entries) {
  sync::Delta delta;
  store::Version last = options_.version;
  {
    Draft draft(store_, options_.version);
    for (store::LogEntry& entry : entries) {
      if (entry.version <= options_.version) continue;
      last = entry.version;
      if (entry.document != nullptr) {
        draft.put({std::move(entry.type), entry.id, std::move(entry.document), entry.workspace});
      } else {
        draft.erase(entry.type, entry.id);
      }
    }
    delta = draft.delta(0);
  }
  if (last == options_.version) co_return true;
  const bool served = co_await take_over(std::move(delta), last);
  co_return served;
}

Task<bool> Publisher::follow(store::Contents contents) {
  sync::Delta delta;
  delta.complete = true;
  delta.hash = store_.hash();
  delta.upserts = std::move(contents.rows);
  const bool served = co_await take_over(std::move(delta), contents.version);
  co_return served;
}

}  // namespace sluice::control::publish
