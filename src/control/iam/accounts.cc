// SPDX-License-Identifier: Apache-2.0
#include "control/iam/accounts.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "base/log.h"

namespace sluice::control::iam {
namespace {

constexpr unsigned kMaxAttempts = 16;  // how often others may come first before a change is given up
constexpr std::size_t kEntriesAtATime = 10'000;
constexpr std::int64_t kFollowMs = 1000;  // how soon a replica knows that a session was ended or a token revoked
constexpr std::int64_t kHouseMs = 60'000;
constexpr std::int64_t kUseMs = 300'000;  // how exactly it is kept when something was used last
constexpr std::int64_t kEventsAMinute = 30;

Principal principal_of(const User& user, std::string name) {
  const Kind kind = user.role == Role::Administrator ? Kind::Administrator : Kind::Reader;
  return {.kind = kind, .name = std::move(name), .user = user.id};
}

std::unexpected<Error> never_first() {
  return fail(Errc::Unavailable, "others were first too often", Blame::System, Retry::Safe);
}

bool is_empty(const store::Commit& commit) {
  return commit.upserts.empty() && commit.removals.empty();
}

}  // namespace

// In a store that blocks ----------------------------------------------------------------------------------------------

Result<> AccountLedger::load() {
  TRY(const store::Contents contents, store_.load());
  state_.take(contents);
  return {};
}

Result<> AccountLedger::change(const Edit& edit, const std::string& author) {
  for (unsigned attempt = 0; attempt < kMaxAttempts; ++attempt) {
    TRY(store::Commit commit, edit(state_));
    if (is_empty(commit)) return {};
    commit.author = author;
    const auto made = store_.commit(state_.version(), std::span(&commit, 1));
    TRY(load());
    if (made) return {};
    if (made.error().failure != store::CommitFailure::Conflict) return std::unexpected(made.error().error);
  }
  return never_first();
}

// In the running process ----------------------------------------------------------------------------------------------

Accounts::Accounts(store::AsyncStore& durable, rt::Reactor& reactor, const settings::Settings& settings)
    : durable_(durable), reactor_(reactor), settings_(settings) {}

Accounts::~Accounts() {
  chores_.cancel();
}

Result<> Accounts::open_now() {
  TRY(store_, durable_.another_now(std::string(AccountState::kStore)));
  TRY(const store::Contents contents, store_->blocking().load());
  state_.take(contents);
  return {};
}

Result<> Accounts::change_now(const Edit& edit, const std::string& author) {
  AccountLedger ledger(store_->blocking());
  TRY(ledger.load());
  TRY(ledger.change(edit, author));
  state_ = ledger.state();
  return {};
}

void Accounts::start() {
  chores_.spawn(follow());
  chores_.spawn(keep_house());
}

Task<Result<>> Accounts::change(Edit edit, std::string author) {
  rt::Turn turn(changes_, reactor_);  // they would only be in each other's way
  co_await turn;
  for (unsigned attempt = 0; attempt < kMaxAttempts; ++attempt) {
    CO_TRY(store::Commit commit, edit(state_));
    if (is_empty(commit)) co_return Result<>{};
    commit.author = author;
    std::vector<store::Commit> group;
    group.push_back(std::move(commit));
    const auto made = co_await store_->commit(state_.version(), std::move(group));
    const auto caught_up = co_await catch_up();
    if (made) co_return caught_up;
    if (made.error().failure != store::CommitFailure::Conflict || !caught_up) {
      Error error = made.error().error;
      if (error.code != Errc::TooLarge) error.code = Errc::Unavailable;
      co_return std::unexpected(std::move(error));
    }
  }
  co_return never_first();
}

Task<Result<>> Accounts::catch_up() {
  auto news = co_await store_->read_log(state_.version(), kEntriesAtATime);
  if (news) {
    state_.take(*news);
    co_return Result<>{};
  }
  if (news.error().code != Errc::NotFound) co_return std::unexpected(std::move(news).error());
  CO_TRY(const store::Contents contents, co_await store_->load());
  state_.take(contents);
  co_return Result<>{};
}

Task<void> Accounts::follow() {
  for (bool healthy = true;;) {
    co_await rt::Sleep(reactor_, reactor_.after_ms(kFollowMs));
    const auto done = co_await catch_up();
    if (!done && healthy) log::warn("accounts.cannot_follow", {{"error", done.error()}});
    healthy = done.has_value();
  }
}

/// What it does is put off until the next round where the store cannot be written.
Task<void> Accounts::keep_house() {
  for (;;) {
    co_await rt::Sleep(reactor_, reactor_.after_ms(kHouseMs));
    const auto tidied = co_await change(
        [this](const AccountState& state) {
          return remove_expired(state, [this](const Session& session) { return !is_live(session); }, now());
        },
        "expiry");
    const auto noted =
        co_await change([this](const AccountState&) -> Result<store::Commit> { return uses(); }, std::string(kUse));
    if (!tidied || !noted) log::debug("accounts.not_tidied");
    std::erase_if(used_, [&](const auto& entry) {
      return !state_.sessions().contains(entry.first) && !state_.tokens().contains(entry.first);
    });
  }
}

store::Commit Accounts::uses() const {
  store::Commit commit;
  const auto write = [&](const auto& records) {
    for (const auto& [id, record] : records) {
      const std::int64_t last = last_use(record);
      if (last < record.used_ms + kUseMs) continue;
      auto used = record;
      used.used_ms = last;
      commit.upserts.push_back(used.row());
    }
  };
  write(state_.sessions());
  write(state_.tokens());
  return commit;
}

// Who is it? ----------------------------------------------------------------------------------------------------------

std::int64_t Accounts::last_use(const Uuid& id, std::int64_t kept) const {
  const auto at = used_.find(id);
  return at != used_.end() ? std::max(at->second, kept) : kept;
}

std::int64_t Accounts::last_use(const Session& session) const {
  return last_use(session.id, session.used_ms);
}

std::int64_t Accounts::last_use(const AccessToken& token) const {
  return last_use(token.id, token.used_ms);
}

/// That a replica knows of the last use only to within kUseMs makes the idle time a little longer, never shorter.
bool Accounts::is_live(const Session& session) const {
  const std::int64_t at = now();
  const std::int64_t idle_until = last_use(session) + settings_.admin_session_idle.count() + kUseMs + kHouseMs;
  const bool used_here = used_.contains(session.id);
  const std::int64_t exact = last_use(session) + settings_.admin_session_idle.count();
  return session.epoch == state_.version().epoch && at < (used_here ? exact : idle_until) &&
         at < session.created_ms + settings_.admin_session_lifetime.count();
}

std::optional<Principal> Accounts::by_token(std::string_view text) const {
  const AccessToken* token = state_.find_token(text);
  if (token == nullptr || token->revoked_ms != 0 || token->expires_ms <= now()) return std::nullopt;
  const User* user = state_.find_user(token->user);
  if (user == nullptr || !user->active) return std::nullopt;
  used_[token->id] = now();
  return principal_of(*user, user->email + " (" + token->name + ")");
}

std::optional<Principal> Accounts::by_session(std::string_view text) const {
  const Session* session = state_.find_session(text);
  if (session == nullptr || !is_live(*session)) return std::nullopt;
  const User* user = state_.find_user(session->user);
  if (user == nullptr || !user->active) return std::nullopt;
  used_[session->id] = now();
  Principal who = principal_of(*user, user->email);
  who.session = session->id;
  return who;
}

// What happened -------------------------------------------------------------------------------------------------------

void Accounts::note(Event event) {
  constexpr std::int64_t kMinuteMs = 60'000;
  if (const std::int64_t minute = now() / kMinuteMs; std::exchange(minute_, minute) != minute) events_ = 0;
  if (++events_ > kEventsAMinute) {
    ++unsaid_;
    return;
  }
  event.unsaid = std::exchange(unsaid_, 0);
  chores_.spawn(write_down(std::move(event)));
}

Task<void> Accounts::write_down(Event event) {
  const auto row = [event](const AccountState&) -> Result<store::Commit> {
    store::Commit commit;
    commit.upserts.push_back(event.row());
    return commit;
  };
  const auto done = co_await change(row, event.account.empty() ? "anonymous" : event.account);
  if (!done) log::warn("accounts.event_not_kept", {{"event", event.what}, {"error", done.error()}});
}

}  // namespace sluice::control::iam
