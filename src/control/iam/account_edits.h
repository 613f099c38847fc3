// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "control/iam/account_state.h"
#include "store/durable.h"

// What may happen to accounts, as the rows that it writes. Pure: each looks at the state as it is and may be asked
// again when somebody else was first. Errors are the client's. `now` is in milliseconds by the wall clock.
namespace sluice::control::iam {

/// Konnect's bound, which clients know.
inline constexpr std::size_t kMostTokens = 10;
/// Of one user; the one that was used longest ago gives way.
inline constexpr std::size_t kMostSessions = 20;
inline constexpr std::string_view kLastAdministrator =
    "This is the last administrator who can sign in; make another one first.";

/// What somebody has shown before something is changed in their name. By the time it is, somebody else may have changed
/// the account: what was shown has to be good then, too.
struct Shown {
  std::optional<std::string> password;  // the hash that the password was found to match; nothing: showed none
  Uuid session = {};                    // nil: came without one
};

using Edit = std::function<Result<store::Commit>(const AccountState& state)>;

/// Another account, and the organization with the first one. Conflict: there is one with this address.
Result<store::Commit> add_user(const AccountState& state, const User& user);
/// Lets `change` edit an account. What ends its rights ends its sessions too. Conflict: it is the last administrator.
Result<store::Commit> change_user(const AccountState& state, const Uuid& id, std::int64_t now,
                                  const std::function<void(User& user)>& change);
/// With its sessions, tokens and links.
Result<store::Commit> remove_user(const AccountState& state, const Uuid& id, std::int64_t now);
/// By who does not know the present one: ends all sessions of the user but `fresh`, which is new, revokes the access
/// tokens, and makes links worthless.
Result<store::Commit> set_password(const AccountState& state, const Uuid& id, const std::string& hash, std::int64_t now,
                                   const std::optional<Session>& fresh);
/// Who was shut out comes in again, with nothing of what opened the door before: no session, token or link. An empty
/// `hash`: by a new link only.
Result<store::Commit> let_in_again(const AccountState& state, const Uuid& id, const std::string& hash,
                                   std::int64_t now);
/// By who has shown the present one; access tokens stay. Forbidden: what was shown holds no longer.
Result<store::Commit> change_password(const AccountState& state, const Uuid& id, const Shown& shown,
                                      const std::string& hash, std::int64_t now, const std::optional<Session>& fresh);
Result<store::Commit> rename_organization(const AccountState& state, const std::string& name, std::int64_t now);

/// Forbidden: what was shown holds no longer.
Result<store::Commit> add_session(const AccountState& state, const Session& session, const Shown& shown);
/// Those of the user that are `unwanted`.
Result<store::Commit> end_sessions(const AccountState& state, const Uuid& user,
                                   const std::function<bool(const Session& session)>& unwanted);

/// TooLarge: the user has kMostTokens that are good. Conflict: one of that name. Forbidden: what was shown holds no
/// longer.
Result<store::Commit> add_token(const AccountState& state, const AccessToken& token, const Shown& shown);
Result<store::Commit> rename_token(const AccountState& state, const Uuid& user, const Uuid& id, const std::string& name,
                                   std::int64_t now);
/// Makes it worthless; it stays in the list.
Result<store::Commit> revoke_token(const AccountState& state, const Uuid& user, const Uuid& id, const Uuid& by,
                                   std::int64_t now);
Result<store::Commit> remove_token(const AccountState& state, const Uuid& user, const Uuid& id);

/// Takes the place of older links for the same user; of those for the first account each node has one. The link belongs
/// to the epoch of the state.
Result<store::Commit> add_link(const AccountState& state, const Link& link);
/// The first account, and all links for one become worthless. Conflict: there is one already.
Result<store::Commit> add_first_user(const AccountState& state, const User& user, const std::string& organization);

/// Removes what is past its time.
Result<store::Commit> remove_expired(const AccountState& state, const std::function<bool(const Session& session)>& over,
                                     std::int64_t now);

}  // namespace sluice::control::iam
