// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/secret.h"
#include "control/iam/accounts.h"
#include "control/iam/login_throttle.h"
#include "control/iam/password.h"
#include "settings/account_rules.h"

namespace sluice::control::iam {

/// Who is at the door, as far as can be seen.
struct Visitor {
  std::string address;
  std::string agent;
};

/// A session that has just begun, and the text that its browser keeps; nobody else ever sees that.
struct Entered {
  Session session;
  std::string text;
};

enum class Denial : std::uint8_t { Wrong, TooMany, Invalid, NotFound, Conflict, Unavailable };

struct Refusal {
  Denial denial = Denial::Wrong;
  std::string field;  // of Invalid: which of what was given
  std::string what;
  std::int64_t wait_ms = 0;  // of TooMany
};

/// The first account, or the password that a link lets somebody choose.
struct SetUp {
  std::string link;  // the secret of it; empty for who needs none
  std::string email;
  std::string full_name;
  std::string organization;
  Secret<std::string> password;
};

/// What a link is for.
struct LinkPurpose {
  bool first_account = false;
  std::string email;  // whose password is to be chosen
};

/// A new link; the text is shown once.
struct NewLink {
  Link link;
  std::string text;
};

inline constexpr std::int64_t kLinkLifetimeMs = 24 * 3'600'000;
NewLink make_link(const Uuid& user, std::int64_t now);

/// A new access token; the text, "kpat_...", is shown once.
struct NewAccessToken {
  AccessToken token;
  std::string text;
};
NewAccessToken make_access_token(const Uuid& user, std::string name, std::int64_t now, std::int64_t expires);

using settings::email_problem;

/// Lets people in: log-in, first account, passwords. Answers the same, and as fast, whether an account exists or not.
/// Belongs to the control shard.
class FrontDoor {
 public:
  template <class T>
  using Outcome = std::expected<T, Refusal>;

  /// Both outlive it.
  FrontDoor(Accounts& accounts, rt::Reactor& reactor) : accounts_(accounts), reactor_(reactor), hasher_(reactor) {}
  FrontDoor(const FrontDoor&) = delete;
  FrontDoor& operator=(const FrontDoor&) = delete;

  Task<Outcome<Entered>> sign_in(std::string email, Secret<std::string> password, Visitor visitor);
  /// What a link is good for; nothing when it is not, or not any more.
  [[nodiscard]] std::optional<LinkPurpose> look(std::string_view link) const;
  /// Uses a link up; `needs_link`: whoever has none is refused.
  enum class NeedsLink : std::uint8_t { No, Yes };
  Task<Outcome<Entered>> set_up(SetUp wanted, NeedsLink needs_link, Visitor visitor);
  /// Of `who`, all of whose other sessions end. The session that it goes on with, where it came with one.
  Task<Outcome<std::optional<Entered>>> change_password(Principal who, Secret<std::string> current,
                                                        Secret<std::string> wanted, Visitor visitor);
  /// Of a password that has been judged.
  Task<Result<std::string>> hash(Secret<std::string> password) { return hasher_.hash(std::move(password)); }

  [[nodiscard]] Accounts& accounts() const { return accounts_; }

 private:
  [[nodiscard]] Entered new_session(const Uuid& user, const Visitor& visitor) const;
  std::unexpected<Refusal> turn_away(std::int64_t wait_ms, std::string_view what, const std::string& account,
                                     const Visitor& visitor);
  Task<Outcome<Entered>> choose_password(SetUp wanted, Uuid user, Visitor visitor);
  Task<Outcome<Entered>> make_first(SetUp wanted, Visitor visitor);

  Accounts& accounts_;
  rt::Reactor& reactor_;
  PasswordHasher hasher_;
  LoginThrottle throttle_;
};

}  // namespace sluice::control::iam
