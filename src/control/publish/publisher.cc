// SPDX-License-Identifier: Apache-2.0
#include "control/publish/publisher.h"

#include <algorithm>
#include <coroutine>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/raised_flag.h"

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

/// Those of a whole configuration's rows that are not there already: share_unchanged() has made them the same texts.
/// A file that is loaded again and again fills no history.
std::vector<sync::EntityRow> rows_that_differ(const sync::Delta& whole, const store::MemoryStore& store) {
  std::vector<sync::EntityRow> rows;
  for (const auto& row : whole.upserts) {
    const store::Space* space = store.space_of(row.type, row.id);
    const bool same =
        space != nullptr && space->id() == row.workspace && *space->table(row.type).find(row.id) == row.document;
    if (!same) rows.push_back(row);
  }
  return rows;
}

/// Whether a whole configuration is what is there already.
bool is_there(const sync::Delta& whole, const store::MemoryStore& store) {
  std::size_t rows = 0;
  for (const auto& [workspace, space] : store.spaces()) {
    for (const auto& table : space.tables()) rows += table.rows().size();
  }
  return rows == whole.upserts.size() && rows_that_differ(whole, store).empty();
}

Refusal not_kept(const store::CommitError& error) {
  using enum store::CommitFailure;
  Refusal refusal{.cause = Refusal::Cause::Unavailable, .what = error.error.what};
  if (error.failure == Full) refusal.cause = Refusal::Cause::Full;
  if (error.failure == Unknown) refusal.cause = Refusal::Cause::Unknown;
  return refusal;
}

bool is_empty(const sync::Delta& delta) {
  return !delta.complete && delta.upserts.empty() && delta.removals.empty();
}

/// What a version did, in a form that can be compared: documents by row, empty where the row went.
using Rows = std::map<std::pair<std::string_view, Uuid>, std::string_view>;

Rows rows_of(const sync::Delta& delta) {
  Rows rows;
  for (const auto& row : delta.upserts) rows[{row.type, row.id}] = *row.document;
  for (const auto& key : delta.removals) rows[{key.type, key.id}] = {};
  return rows;
}

Rows rows_of(const std::vector<store::LogEntry>& entries, const store::Version& version) {
  Rows rows;
  for (const auto& entry : entries) {
    const bool gone = entry.document == nullptr;
    if (entry.version == version) rows[{entry.type, entry.id}] = gone ? std::string_view() : *entry.document;
  }
  return rows;
}

}  // namespace

/// One change and whoever waits for it. Shared, since either may go first.
struct Publisher::Job {
  std::unique_ptr<Change> change;
  std::string author;
  bool load = false;
  bool alone = false;      // to be tried without others, to see who is at fault
  sync::Delta delta;       // of the latest attempt
  bool changes = false;    // whether that changes anything: if not, there is no version of it
  sync::Delta written;     // where it is a whole configuration: what of it changes something
  store::Version version;  // the one it makes, or that is there
  std::optional<Outcome> outcome;
  std::coroutine_handle<> waiting;
};

/// A group's way to the gateway and to the storage.
struct Publisher::Attempt {
  sync::Delta delta;    // of all of them
  store::Version base;  // what they were validated against
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
    Draft draft(store_, options_.version, workspaces_);
    auto prepared = prepare_one(change, draft);
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
    const bool alone = queue_.front()->change->whole() || queue_.front()->alone;
    if (alone && !group.empty()) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) break;
  }
  return group;
}

Task<void> Publisher::work() {
  const RaisedFlag working(working_);
  while (!queue_.empty()) {
    Group group = take_group();
    co_await run(group);
  }
}

void Publisher::index_ahead() {
  if (options_.control != nullptr && !indexing_) scope_.spawn(build_indexes());
}

Task<void> Publisher::build_indexes() {
  const RaisedFlag indexing(indexing_);
  do {
    co_await rt::Sleep(*options_.control, options_.control->after_ms(1));
  } while (store_.index_ahead());
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

Task<void> Publisher::run(Group& group) {
  for (unsigned attempts = 0; !group.empty(); ++attempts) {
    Attempt attempt;
    prepare(group, attempt);
    if (group.empty()) co_return;
    co_await try_to_carry_out(group, attempt);
    if (attempts < kMaxAttempts) continue;
    refuse(group, {.cause = Refusal::Cause::Unavailable, .what = "others were first too often"});
  }
}

void Publisher::refuse(Group& group, const Refusal& refusal) {
  Group refused = std::exchange(group, {});
  for (auto& job : refused) answer(*job, std::unexpected(refusal));
}

/// One that throws is a bug of ours: it fails, and nothing else does.
std::expected<void, Refusal> Publisher::prepare_one(Change& change, Draft& draft) {
  try {
    return change.prepare(draft);
  } catch (const std::exception& thrown) {
    log::error("publish.change_threw", {{"error", thrown.what()}});
    return std::unexpected(Refusal{.cause = Refusal::Cause::Internal, .what = thrown.what()});
  }
}

/// Each change builds on those before it. What fails is answered and leaves the group; so does a group that changes
/// nothing at all.
void Publisher::prepare(Group& group, Attempt& attempt) {
  std::vector<std::pair<std::shared_ptr<Job>, Refusal>> refused;
  attempt.base = options_.version;
  {
    Draft draft(store_, attempt.base, workspaces_);
    std::erase_if(group, [&](const std::shared_ptr<Job>& job) {
      const std::size_t mark = draft.mark();
      auto prepared = prepare_one(*job->change, draft);
      if (!prepared) {
        draft.roll_back(mark);
        refused.emplace_back(job, std::move(prepared).error());
        return true;
      }
      job->delta = draft.delta(mark);
      job->changes = job->delta.complete ? !is_there(job->delta, store_) : !is_empty(job->delta);
      if (is_empty(job->delta)) {
        draft.roll_back(mark);
        job->delta.hash = store_.hash();
      }
      if (job->changes) draft.finish_change();
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
  if (std::ranges::all_of(group, [](const auto& job) { return is_empty(job->delta); })) answer_done(group);
}

/// What throws here is a bug of ours; nobody shall wait for an answer for ever.
Task<void> Publisher::try_to_carry_out(Group& group, Attempt& attempt) {
  try {
    co_await carry_out(group, attempt);
    co_return;
  } catch (const std::exception& thrown) {
    log::error("publish.threw", {{"error", thrown.what()}, {"changes", group.size()}});
  }
  if (attempt.committed) answer_done(group);
  refuse(group, {.cause = Refusal::Cause::Internal, .what = "carrying it out threw"});
}

/// Compiles, commits and publishes; what cannot be is answered, and what may be tried again stays in the group.
Task<void> Publisher::carry_out(Group& group, Attempt& attempt) {
  if (gateway_ == nullptr) {
    const bool committed = co_await commit(group, attempt);
    if (!committed) co_await recover(group, attempt);
  } else {
    sync::Delta copy = attempt.delta;  // shares the documents
    // Plain function object, no coroutine of its own: its captures would have to outlive the frame.
    const sync::CommitStep step = [this, &group, &attempt] { return commit(group, attempt); };
    const auto applied = co_await gateway_->apply(std::move(copy), step);
    if (!applied && attempt.commit_error) {
      co_await recover(group, attempt);
    } else if (!applied) {
      blame(group, applied.error());
    }
  }
  if (attempt.committed) answer_done(group);
}

/// Before the store takes them: of what goes, it still tells where it was.
void Publisher::note_changes(const Group& group) {
  std::map<std::pair<std::string_view, Uuid>, Uuid> made;  // by the same group: in which workspace
  for (const auto& job : group) {
    if (job->delta.complete && options_.ledger == nullptr) workspaces_.note_all(job->version);
    const sync::Delta& delta = job->delta.complete ? job->written : job->delta;
    for (const auto& key : delta.removals) {
      const auto at = made.find({key.type, key.id});
      const store::Space* space = at == made.end() ? store_.space_of(key.type, key.id) : nullptr;
      if (at != made.end() || space != nullptr) {
        workspaces_.note(key.type, space != nullptr ? space->id() : at->second, job->version);
      } else {
        workspaces_.note_all(job->version);
      }
    }
    for (const auto& row : delta.upserts) {
      workspaces_.note(row.type, row.workspace, job->version);
      made.insert_or_assign({row.type, row.id}, row.workspace);
    }
  }
}

/// What is kept becomes what is read.
void Publisher::take(const sync::Delta& delta, const store::Version& version) {
  if (options_.observer != nullptr) options_.observer->changing(store_, delta, version);
  store_.apply(delta);
  if (delta.complete) index_ahead();
  options_.version = version;
}

/// Runs when the gateway can serve the change: from here on it is true.
Task<bool> Publisher::commit(Group& group, Attempt& attempt) {
  // A follower of the log may have moved on meanwhile: what was validated before must be validated again.
  if (options_.version != attempt.base) {
    attempt.commit_error = store::CommitError{store::CommitFailure::Conflict, Error{}};
    co_return false;
  }
  store::Version version = group.back()->version;
  if (options_.ledger != nullptr) {
    std::vector<store::Commit> commits;
    for (const auto& job : group) {
      if (!job->changes) continue;
      if (job->delta.complete) {
        job->written.upserts = rows_that_differ(job->delta, store_);
        job->written.removals = rows_left_out(job->delta, store_);
      }
      const sync::Delta& delta = job->delta.complete ? job->written : job->delta;
      store::Commit commit{delta.upserts, delta.removals, job->author};
      commit.note = job->change->note();
      commits.push_back(std::move(commit));
    }
    if (!commits.empty()) {
      const auto kept = co_await options_.ledger->commit(attempt.base, std::move(commits));
      if (!kept) {
        attempt.commit_error = kept.error();
        co_return false;
      }
      version = *kept;
    }
  }
  // Who follows the log may have read of it before, and of what came after it: then that stays.
  if (options_.version < version) {
    note_changes(group);
    take(attempt.delta, version);
  } else if (attempt.delta.complete && !group.front()->changes) {
    store_.apply({.upserts = {}, .removals = {}, .hash = attempt.delta.hash});  // the same under another name
  }
  attempt.committed = true;
  if (!options_.wait_until_live) answer_done(group);
  co_return true;
}

/// Has the members of a group tried one by one, before everything else that waits. False when there is only one.
bool Publisher::part(Group& group) {
  if (group.size() < 2) return false;
  for (const auto& job : group) job->alone = true;
  queue_.insert(queue_.begin(), group.begin(), group.end());
  group.clear();
  return true;
}

/// Fails the changes to which the problems belong. When that cannot be told, each is tried alone.
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
  if (guilty.empty() && part(group)) return;
  if (guilty.empty()) guilty = group;
  std::erase_if(group, [&](const auto& job) { return std::ranges::find(guilty, job) != guilty.end(); });
  for (auto& job : guilty) answer(*job, std::unexpected(job->change->locate(problems)));
}

/// The storage did not take the group. Whoever was first is followed, and the group is tried again on top.
Task<void> Publisher::recover(Group& group, Attempt& attempt) {
  using enum store::CommitFailure;
  const store::CommitError& error = *attempt.commit_error;
  if (error.failure == Conflict) {
    const auto caught_up = co_await catch_up();
    if (caught_up) co_return;
    if (caught_up.error().code == Errc::NotFound) {
      co_return refuse(group, {.cause = Refusal::Cause::Gone, .what = caught_up.error().what});
    }
  }
  if ((error.failure == Constraint || error.failure == Broken) && part(group)) co_return;
  log::error("publish.not_kept", {{"error", error.error}, {"changes", group.size()}});
  if (error.failure == Unknown) co_await look_up(group, attempt);
  refuse(group, not_kept(error));
}

/// Whether a group was kept whose commit broke off, as the log tells: then it is answered as done. Otherwise it stays:
/// it may reach the log even later.
Task<void> Publisher::look_up(Group& group, const Attempt& attempt) {
  auto news = co_await options_.ledger->read_log(attempt.base);
  if (!news) {
    co_await catch_up();
    co_return;
  }
  const bool kept = has_kept(group, *news);
  co_await follow(*std::move(news));
  if (kept) answer_done(group);
}

bool Publisher::has_kept(const Group& group, const store::LogPart& news) {
  return group.back()->version <= news.reached && std::ranges::all_of(group, [&](const std::shared_ptr<Job>& job) {
           if (!job->changes) return true;  // made no version
           const Rows wanted = rows_of(job->delta.complete ? job->written : job->delta);
           return rows_of(news.entries, job->version) == wanted;
         });
}

// Following others
// -------------------------------------------------------------------------------------------------------------------

/// Errc::NotFound: there is nothing to follow any more, the control plane was deleted.
Task<Result<>> Publisher::catch_up() {
  auto news = co_await options_.ledger->read_log(options_.version);
  if (news) {
    co_await follow(*std::move(news));
    co_return Result<>{};
  }
  if (news.error().code != Errc::NotFound) co_return std::unexpected(std::move(news).error());
  CO_TRY(store::Contents contents, co_await options_.ledger->load());
  co_await follow(std::move(contents));
  co_return Result<>{};
}

Task<bool> Publisher::take_over(sync::Delta delta, store::Version version) {
  take(delta, version);
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

Task<bool> Publisher::follow(store::LogPart news) {
  if (news.reached <= options_.version) co_return true;
  sync::Delta delta;
  std::vector<store::Touched> touched;
  {
    Draft draft(store_, options_.version, workspaces_);
    for (store::LogEntry& entry : news.entries) {
      if (entry.version <= options_.version) continue;
      touched.push_back({entry.type, entry.workspace, entry.version});
      if (entry.document != nullptr) {
        draft.put({std::move(entry.type), entry.id, std::move(entry.document), entry.workspace});
      } else {
        draft.erase(entry.type, entry.id);
      }
    }
    delta = draft.delta(0);
  }
  for (const auto& one : touched) workspaces_.note(one.type, one.workspace, one.version);
  if (is_empty(delta)) {
    take(delta, news.reached);
    co_return true;
  }
  const bool served = co_await take_over(std::move(delta), news.reached);
  co_return served;
}

Task<bool> Publisher::follow(store::Contents contents) {
  const bool old = contents.version.epoch == options_.version.epoch && contents.version < options_.version;
  if (old) co_return true;
  sync::Delta delta;
  delta.complete = true;
  delta.hash = store_.hash();
  delta.upserts = std::move(contents.rows);
  workspaces_.reset(contents.touched, contents.version);
  const bool served = co_await take_over(std::move(delta), contents.version);
  co_return served;
}

}  // namespace sluice::control::publish
