// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "control/iam/account_edits.h"
#include "control/iam/account_state.h"
#include "control/iam/allow.h"
#include "rt/reactor.h"
#include "rt/scope.h"
#include "rt/task.h"
#include "rt/turn.h"
#include "settings/settings.h"
#include "store/async_store.h"

namespace sluice::control::iam {

/// Reads, edits and writes accounts in a store that blocks: for start-up and for commands.
class AccountLedger {
 public:
  /// `store` holds the rows of AccountState::kStore, and outlives it.
  explicit AccountLedger(store::DurableStore& store) : store_(store) {}

  Result<> load();
  Result<> change(const Edit& edit, const std::string& author);
  [[nodiscard]] const AccountState& state() const { return state_; }

 private:
  store::DurableStore& store_;
  AccountState state_;
};

/// The accounts of an installation: who there is and what opens, as the store has it, kept in step with what replicas
/// and commands write. Every change makes a version with an author, so the log is their audit. Belongs to the control
/// shard.
class Accounts {
 public:
  /// Changes of this author only say that something was used.
  static constexpr std::string_view kUse = "(use)";

  /// Everything outlives it; `settings` may change on reload.
  Accounts(store::AsyncStore& durable, rt::Reactor& reactor, const settings::Settings& settings);
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;
  ~Accounts();

  /// Reads everything. For start-up: blocks.
  Result<> open_now();
  /// For start-up, between open_now() and start(): blocks.
  Result<> change_now(const Edit& edit, const std::string& author);
  /// Follows the store from now on. To be called once.
  void start();

  /// What pointers of it point to lasts until the shard is given up.
  [[nodiscard]] const AccountState& state() const { return state_; }
  /// Makes a change, one after the other.
  Task<Result<>> change(Edit edit, std::string author);

  /// Whom a text that was shown stands for, if it is good: a `kpat_` token, or a session's. Notes that it was used.
  [[nodiscard]] std::optional<Principal> by_token(std::string_view text) const;
  [[nodiscard]] std::optional<Principal> by_session(std::string_view text) const;
  /// Whether a session is still good, as of now.
  [[nodiscard]] bool is_live(const Session& session) const;
  [[nodiscard]] std::int64_t last_use(const Session& session) const;
  [[nodiscard]] std::int64_t last_use(const AccessToken& token) const;
  [[nodiscard]] std::int64_t now() const { return reactor_.clock().wall_ms(); }
  [[nodiscard]] const settings::Settings& settings() const { return settings_; }

  /// Writes down what changed nothing. A flood of them is counted, not kept.
  void note(Event event);

 private:
  [[nodiscard]] std::int64_t last_use(const Uuid& id, std::int64_t kept) const;
  Task<Result<>> catch_up();
  Task<void> follow();
  Task<void> keep_house();
  Task<void> write_down(Event event);
  [[nodiscard]] store::Commit uses() const;

  store::AsyncStore& durable_;
  rt::Reactor& reactor_;
  const settings::Settings& settings_;
  std::unique_ptr<store::AsyncStore> store_;
  AccountState state_;
  const rt::Turn::Line changes_ = rt::Turn::make_line();
  mutable std::map<Uuid, std::int64_t> used_;  // of sessions and tokens, when last here
  std::int64_t minute_ = 0;                    // of the events that follow
  std::int64_t events_ = 0;
  std::int64_t unsaid_ = 0;
  rt::TaskScope chores_;  // last: its tasks use everything above
};

}  // namespace sluice::control::iam
