// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "control/publish/change.h"
#include "control/publish/change_observer.h"
#include "control/publish/ledger.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "store/memory_store.h"
#include "sync/local.h"

namespace sluice::control::publish {

/// What a change did.
struct Done {
  sync::Delta delta;
  store::Version version;       // the one it made
  std::vector<Effect> effects;  // of a transaction, by operation
};

/// Makes changes real: validates against what is there, has the gateway compile them, makes them durable, has the
/// gateway publish them, tells the store. Nothing is served that was not kept, and nothing kept that does not compile.
/// Changes that wait are taken together: each is validated against what the ones before it leave, one that fails does
/// so alone, and all others cost one compilation and one flush of the storage. Belongs to the control shard. A change
/// that was begun is finished also when nobody waits for it any more: gateway and store must not part.
class Publisher {
 public:
  struct Options {
    Ledger* ledger = nullptr;                  // null: changes live as long as the process
    bool wait_until_live = true;               // false: answers when a change is durable, a moment before it is served
    store::Version version = {};               // of what the store has
    rt::Reactor* control = nullptr;            // null: indexes are built when a write first needs them, not before
    std::vector<store::Touched> touched = {};  // by which versions; empty: all by `version`
    ChangeObserver* observer = nullptr;        // outlives the publisher; may be null
  };

  /// All outlive the publisher. `gateway` is null where there is none: on a control plane that serves no traffic.
  Publisher(store::MemoryStore& store, sync::LocalGateway* gateway, const Options& options)
      : store_(store), gateway_(gateway), options_(options), workspaces_(store.catalog(), options.version) {
    workspaces_.reset(options.touched, options.version);
  }
  Publisher(store::MemoryStore& store, sync::LocalGateway& gateway) : Publisher(store, &gateway, {}) {}
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  using Outcome = std::expected<Done, Refusal>;
  /// `author` is whom the audit shows.
  Task<Outcome> submit(std::unique_ptr<Change> change, std::string author = {});

  /// What submit() would do now; nothing changes. The gateway compiles it too. `change` outlives the task.
  Task<Outcome> plan(Change& change);

  /// Whether a whole configuration is being loaded or waits for its turn.
  [[nodiscard]] bool loading() const { return loads_ != 0; }
  /// As submit(), for whole configurations; loading() until it is done.
  Task<Outcome> load(std::unique_ptr<Change> change, std::string author = {});

  /// Has the store's missing indexes built, one in each turn of the reactor. Done by itself after each load.
  void index_ahead();

  /// Takes over versions that another control plane made; those known already are skipped. False when this gateway
  /// does not take them: then they are in the store, but not served, and the log says why.
  Task<bool> follow(store::LogPart news);
  /// Takes over everything, where the log no longer says how it came to be.
  Task<bool> follow(store::Contents contents);

  /// Null: changes live as long as the process.
  [[nodiscard]] Ledger* ledger() const { return options_.ledger; }
  /// Of what the store has.
  [[nodiscard]] const store::Version& version() const { return options_.version; }
  [[nodiscard]] const store::MemoryStore& store() const { return store_; }
  /// The one that changed a workspace last.
  [[nodiscard]] store::Version version_of(const Uuid& workspace) const { return workspaces_.of(workspace); }

 private:
  struct Job;
  class Wait;
  using Group = std::vector<std::shared_ptr<Job>>;
  struct Attempt;

  Task<void> work();
  Task<void> build_indexes();
  Group take_group();
  Task<void> run(Group& group);
  static std::expected<void, Refusal> prepare_one(Change& change, Draft& draft);
  void prepare(Group& group, Attempt& attempt);
  Task<void> carry_out(Group& group, Attempt& attempt);
  Task<void> try_to_carry_out(Group& group, Attempt& attempt);
  Task<bool> commit(Group& group, Attempt& attempt);
  Task<void> recover(Group& group, Attempt& attempt);
  Task<void> look_up(Group& group, const Attempt& attempt);
  static bool has_kept(const Group& group, const store::LogPart& news);
  bool part(Group& group);
  void refuse(Group& group, const Refusal& refusal);
  Task<Result<>> catch_up();
  Task<bool> take_over(sync::Delta delta, store::Version version);
  void take(const sync::Delta& delta, const store::Version& version);
  void note_changes(const Group& group);
  void blame(Group& group, const std::vector<sync::ConfigProblem>& problems);
  void answer(Job& job, Outcome outcome);
  void answer_done(Group& group);
  std::shared_ptr<Job> enqueue(std::unique_ptr<Change> change, std::string author, bool load);

  store::MemoryStore& store_;
  sync::LocalGateway* gateway_;
  Options options_;
  WorkspaceVersions workspaces_;
  std::deque<std::shared_ptr<Job>> queue_;
  bool working_ = false;
  bool indexing_ = false;
  unsigned loads_ = 0;
  rt::TaskScope scope_;  // last: its tasks use everything above
};

}  // namespace sluice::control::publish
