// SPDX-License-Identifier: Apache-2.0
#include "control/iam/account_edits.h"

#include <algorithm>
#include <utility>

namespace sluice::control::iam {
namespace {

constexpr std::string_view kOrganization = "Sluice";

std::unexpected<Error> refuse(Errc code, std::string_view what) {
  return fail(code, std::string(what), Blame::Client);
}

std::unexpected<Error> no_such_user() {
  return refuse(Errc::NotFound, "There is no such user.");
}

bool is_door(const User& user) {
  return user.active && user.role == Role::Administrator && !user.password.empty();
}

/// Whether nobody could sign in as an administrator any more without this one.
bool is_last_door(const AccountState& state, const Uuid& id) {
  const auto other = [&](const auto& entry) { return entry.first != id && is_door(entry.second); };
  return std::ranges::none_of(state.users(), other);
}

template <class Record, class Predicate>
void remove_if(store::Commit& commit, const std::map<Uuid, Record>& records, const Predicate& unwanted) {
  for (const auto& [id, record] : records) {
    if (unwanted(record)) commit.removals.push_back(key_of(Record::kType, id));
  }
}

bool is_good(const AccessToken& token, std::int64_t now) {
  return token.revoked_ms == 0 && token.expires_ms > now;
}

Result<> still_holds(const AccountState& state, const Uuid& id, const Shown& shown) {
  const User* user = state.find_user(id);
  bool holds = user != nullptr && user->active;
  if (holds && shown.password) holds = !user->password.empty() && user->password == *shown.password;
  if (holds && !shown.session.is_nil()) {
    const auto session = state.sessions().find(shown.session);
    holds = session != state.sessions().end() && session->second.user == id;
  }
  if (!holds) return refuse(Errc::Forbidden, "The account was changed meanwhile; sign in again.");
  return {};
}

/// The user with another password, which ends what was begun with the one before.
store::Commit with_password(const AccountState& state, User user, const std::string& hash, std::int64_t now,
                            const std::optional<Session>& fresh) {
  user.password = hash;
  user.updated_ms = now;
  store::Commit commit;
  commit.upserts.push_back(user.row());
  remove_if(commit, state.sessions(), [&](const Session& session) { return session.user == user.id; });
  remove_if(commit, state.links(), [&](const Link& link) { return link.user == user.id; });
  if (fresh) commit.upserts.push_back(fresh->row());
  return commit;
}

/// The same, and without access tokens: whoever had the password may have made themselves one with it.
store::Commit with_nothing_of_before(const AccountState& state, User user, const std::string& hash, std::int64_t now,
                                     const std::optional<Session>& fresh) {
  const Uuid id = user.id;
  store::Commit commit = with_password(state, std::move(user), hash, now, fresh);
  for (const auto& [key, token] : state.tokens()) {
    if (token.user != id || !is_good(token, now)) continue;
    AccessToken revoked = token;
    revoked.revoked_ms = now;
    revoked.updated_ms = now;
    commit.upserts.push_back(revoked.row());
  }
  return commit;
}

/// Somebody else owns the organization when its owner goes: whoever has been an administrator for longest.
void pass_on(store::Commit& commit, const AccountState& state, const Uuid& leaving, std::int64_t now) {
  if (!state.organization() || state.organization()->owner != leaving) return;
  const User* heir = nullptr;
  for (const auto& [id, user] : state.users()) {
    if (id == leaving || !is_door(user)) continue;
    if (heir == nullptr || user.created_ms < heir->created_ms) heir = &user;
  }
  Organization organization = *state.organization();
  organization.owner = heir != nullptr ? heir->id : Uuid{};
  organization.updated_ms = now;
  commit.upserts.push_back(organization.row());
}

}  // namespace

Result<store::Commit> add_user(const AccountState& state, const User& user) {
  if (state.find_user(user.email) != nullptr) {
    return refuse(Errc::Conflict, "There is a user with this e-mail address already.");
  }
  store::Commit commit;
  commit.upserts.push_back(user.row());
  if (!state.organization()) {
    const Organization made{Uuid::random(), std::string(kOrganization), user.id, user.created_ms, user.created_ms};
    commit.upserts.push_back(made.row());
  }
  return commit;
}

Result<store::Commit> change_user(const AccountState& state, const Uuid& id, std::int64_t now,
                                  const std::function<void(User& user)>& change) {
  const User* before = state.find_user(id);
  if (before == nullptr) return no_such_user();
  User after = *before;
  change(after);
  if (is_door(*before) && !is_door(after) && is_last_door(state, id)) {
    return refuse(Errc::Conflict, kLastAdministrator);
  }
  const User* named = state.find_user(after.email);
  if (named != nullptr && named->id != id) {
    return refuse(Errc::Conflict, "There is a user with this e-mail address already.");
  }
  after.updated_ms = now;
  store::Commit commit;
  commit.upserts.push_back(after.row());
  const bool loses = (before->active && !after.active) || before->role != after.role;
  if (loses) remove_if(commit, state.sessions(), [&](const Session& session) { return session.user == id; });
  return commit;
}

Result<store::Commit> remove_user(const AccountState& state, const Uuid& id, std::int64_t now) {
  const User* user = state.find_user(id);
  if (user == nullptr) return no_such_user();
  if (is_door(*user) && is_last_door(state, id)) return refuse(Errc::Conflict, kLastAdministrator);
  store::Commit commit;
  const auto is_theirs = [&](const auto& record) { return record.user == id; };
  remove_if(commit, state.sessions(), is_theirs);
  remove_if(commit, state.tokens(), is_theirs);
  remove_if(commit, state.links(), is_theirs);
  commit.removals.push_back(key_of(User::kType, id));
  pass_on(commit, state, id, now);
  return commit;
}

Result<store::Commit> set_password(const AccountState& state, const Uuid& id, const std::string& hash, std::int64_t now,
                                   const std::optional<Session>& fresh) {
  const User* before = state.find_user(id);
  if (before == nullptr) return no_such_user();
  return with_nothing_of_before(state, *before, hash, now, fresh);
}

Result<store::Commit> let_in_again(const AccountState& state, const Uuid& id, const std::string& hash,
                                   std::int64_t now) {
  const User* before = state.find_user(id);
  if (before == nullptr) return no_such_user();
  User after = *before;
  after.active = true;
  return with_nothing_of_before(state, std::move(after), hash, now, std::nullopt);
}

Result<store::Commit> change_password(const AccountState& state, const Uuid& id, const Shown& shown,
                                      const std::string& hash, std::int64_t now, const std::optional<Session>& fresh) {
  TRY(still_holds(state, id, shown));
  return with_password(state, *state.find_user(id), hash, now, fresh);
}

Result<store::Commit> rename_organization(const AccountState& state, const std::string& name, std::int64_t now) {
  if (!state.organization()) return refuse(Errc::NotFound, "There is no account yet.");
  Organization after = *state.organization();
  after.name = name;
  after.updated_ms = now;
  store::Commit commit;
  commit.upserts.push_back(after.row());
  return commit;
}

Result<store::Commit> add_session(const AccountState& state, const Session& session, const Shown& shown) {
  TRY(still_holds(state, session.user, shown));
  std::vector<const Session*> theirs;
  for (const auto& [id, other] : state.sessions()) {
    if (other.user == session.user) theirs.push_back(&other);
  }
  store::Commit commit;
  if (theirs.size() >= kMostSessions) {
    const Session* oldest = *std::ranges::min_element(theirs, {}, &Session::used_ms);
    commit.removals.push_back(key_of(Session::kType, oldest->id));
  }
  commit.upserts.push_back(session.row());
  return commit;
}

Result<store::Commit> end_sessions(const AccountState& state, const Uuid& user,
                                   const std::function<bool(const Session& session)>& unwanted) {
  store::Commit commit;
  remove_if(commit, state.sessions(), [&](const Session& one) { return one.user == user && unwanted(one); });
  return commit;
}

Result<store::Commit> add_token(const AccountState& state, const AccessToken& token, const Shown& shown) {
  TRY(still_holds(state, token.user, shown));
  std::size_t good = 0;
  for (const auto& [id, other] : state.tokens()) {
    if (other.user != token.user || !is_good(other, token.created_ms)) continue;
    ++good;
    if (other.name == token.name) return refuse(Errc::Conflict, "There is a token with this name already.");
  }
  if (good >= kMostTokens) {
    return refuse(Errc::TooLarge, "A user has at most 10 access tokens; revoke one that is not used any more.");
  }
  store::Commit commit;
  commit.upserts.push_back(token.row());
  return commit;
}

Result<store::Commit> rename_token(const AccountState& state, const Uuid& user, const Uuid& id, const std::string& name,
                                   std::int64_t now) {
  const AccessToken* before = state.find_token(user, id);
  if (before == nullptr) return refuse(Errc::NotFound, "There is no such access token.");
  AccessToken after = *before;
  after.name = name;
  after.updated_ms = now;
  store::Commit commit;
  commit.upserts.push_back(after.row());
  return commit;
}

Result<store::Commit> revoke_token(const AccountState& state, const Uuid& user, const Uuid& id, const Uuid& by,
                                   std::int64_t now) {
  const AccessToken* before = state.find_token(user, id);
  if (before == nullptr) return refuse(Errc::NotFound, "There is no such access token.");
  store::Commit commit;
  if (before->revoked_ms != 0) return commit;
  AccessToken after = *before;
  after.revoked_ms = now;
  after.revoked_by = by;
  after.updated_ms = now;
  commit.upserts.push_back(after.row());
  return commit;
}

Result<store::Commit> remove_token(const AccountState& state, const Uuid& user, const Uuid& id) {
  if (state.find_token(user, id) == nullptr) return refuse(Errc::NotFound, "There is no such access token.");
  store::Commit commit;
  commit.removals.push_back(key_of(AccessToken::kType, id));
  return commit;
}

Result<store::Commit> add_link(const AccountState& state, const Link& link) {
  if (link.user.is_nil() && state.closed()) return refuse(Errc::Conflict, "There is an account already.");
  if (!link.user.is_nil() && state.find_user(link.user) == nullptr) return no_such_user();
  store::Commit commit;
  remove_if(commit, state.links(), [&](const Link& one) {
    return one.user.is_nil() ? one.expires_ms <= link.created_ms : one.user == link.user;
  });
  Link dated = link;
  dated.epoch = state.version().epoch;
  commit.upserts.push_back(dated.row());
  return commit;
}

Result<store::Commit> add_first_user(const AccountState& state, const User& user, const std::string& organization) {
  if (state.closed()) return refuse(Errc::Conflict, "The first account has been made already; sign in.");
  TRY(store::Commit commit, add_user(state, user));
  remove_if(commit, state.links(), [](const Link& link) { return link.user.is_nil(); });
  if (organization.empty()) return commit;
  std::erase_if(commit.upserts, [](const sync::EntityRow& row) { return row.type == Organization::kType; });
  Organization made = state.organization().value_or(Organization{});
  if (made.id.is_nil()) made = {Uuid::random(), "", user.id, user.created_ms, user.created_ms};
  made.name = organization;
  made.owner = user.id;
  made.updated_ms = user.created_ms;
  commit.upserts.push_back(made.row());
  return commit;
}

Result<store::Commit> remove_expired(const AccountState& state, const std::function<bool(const Session& session)>& over,
                                     std::int64_t now) {
  store::Commit commit;
  remove_if(commit, state.sessions(), over);
  remove_if(commit, state.links(), [&](const Link& link) { return link.expires_ms <= now; });
  return commit;
}

}  // namespace sluice::control::iam
