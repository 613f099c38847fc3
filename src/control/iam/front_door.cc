// SPDX-License-Identifier: Apache-2.0
#include "control/iam/front_door.h"

#include <utility>

#include "crypto/hash.h"
#include "crypto/random.h"

namespace sluice::control::iam {
namespace {

constexpr std::string_view kTokenPrefix = "kpat_";  // so that clients and scanners of repositories recognise it
constexpr std::string_view kSessionPrefix = "sls_";
constexpr std::string_view kLinkPrefix = "sll_";
constexpr std::size_t kLongestAgent = 200;

std::string new_secret(std::string_view prefix) {
  return std::string(prefix) + crypto::random_token();
}

std::unexpected<Refusal> refuse(Denial denial, std::string what, std::string field = {}) {
  return std::unexpected(Refusal{denial, std::move(field), std::move(what)});
}

std::unexpected<Refusal> wrong() {
  return refuse(Denial::Wrong, "The e-mail address or the password is wrong.");
}

std::unexpected<Refusal> bad_link() {
  return refuse(Denial::NotFound, "This link is not valid: it has been used, it is too old, or it was cut off.");
}

std::unexpected<Refusal> too_many(std::int64_t wait_ms) {
  return std::unexpected(Refusal{Denial::TooMany, "", "Too many attempts; try again later.", wait_ms});
}

std::unexpected<Refusal> refusal_of(const Error& error) {
  switch (error.code) {
    case Errc::Conflict:
    case Errc::Forbidden:
      return refuse(Denial::Conflict, error.what);
    case Errc::NotFound:
      return bad_link();
    default:
      return refuse(Denial::Unavailable, "The store cannot take changes now; try again.");
  }
}

/// Of what a browser says it is, the part that can be shown.
std::string shown_agent(std::string_view agent) {
  agent = agent.substr(0, kLongestAgent);
  std::string shown;
  for (const char c : agent) shown += c >= ' ' && c < '\x7f' ? c : '?';
  return shown;
}

}  // namespace

NewLink make_link(const Uuid& user, std::int64_t now) {
  std::string text = new_secret(kLinkPrefix);
  Link link{.id = Uuid::random(),
            .user = user,
            .digest = crypto::sha256_hex(text),
            .created_ms = now,
            .expires_ms = now + kLinkLifetimeMs};
  return {std::move(link), std::move(text)};
}

NewAccessToken make_access_token(const Uuid& user, std::string name, std::int64_t now, std::int64_t expires) {
  std::string text = new_secret(kTokenPrefix);
  AccessToken token{.id = Uuid::random(),
                    .user = user,
                    .name = std::move(name),
                    .digest = crypto::sha256_hex(text),
                    .created_ms = now,
                    .updated_ms = now,
                    .expires_ms = expires,
                    .revoked_by = {}};
  return {std::move(token), std::move(text)};
}

Entered FrontDoor::new_session(const Uuid& user, const Visitor& visitor) const {
  Entered made;
  made.text = new_secret(kSessionPrefix);
  const std::int64_t now = accounts_.now();
  made.session = {.id = Uuid::random(),
                  .user = user,
                  .digest = crypto::sha256_hex(made.text),
                  .epoch = accounts_.state().version().epoch,
                  .created_ms = now,
                  .used_ms = now,
                  .address = visitor.address,
                  .agent = shown_agent(visitor.agent)};
  return made;
}

Task<FrontDoor::Outcome<Entered>> FrontDoor::sign_in(std::string email, Secret<std::string> password, Visitor visitor) {
  const std::int64_t wait = throttle_.admit(email, visitor.address, reactor_.clock().mono_ms());
  const User* found = accounts_.state().find_user(email);
  const std::string known = found != nullptr ? found->email : "";
  if (wait > 0) co_return turn_away(wait, "log-in", known, visitor);
  const std::string hash = found != nullptr && found->active ? found->password : "";
  if (password.reveal().size() > kLongestPassword) password = Secret<std::string>("");
  using From = PasswordHasher::From;
  const From from = throttle_.knows(email, visitor.address) ? From::Known : From::Stranger;
  const auto same = co_await hasher_.verify(hash, std::move(password), from);
  if (!same) co_return refuse(Denial::Unavailable, "Too many people sign in just now; try again.");
  found = accounts_.state().find_user(email);  // as it is by now
  if (!*same || found == nullptr || !found->active || found->password != hash) {
    accounts_.note({.what = "log-in refused", .account = known, .address = visitor.address});
    co_return wrong();
  }
  throttle_.succeeded(email, visitor.address);
  Entered entered = new_session(found->id, visitor);
  const auto begin = [&](const AccountState& state) { return add_session(state, entered.session, {.password = hash}); };
  const auto begun = co_await accounts_.change(begin, found->email);
  if (!begun && begun.error().code == Errc::Forbidden) co_return wrong();  // it is not the password any more
  if (!begun) co_return refusal_of(begun.error());
  co_return entered;
}

/// Whoever goes on regardless is not written down every time: that would be for them to decide how much is.
std::unexpected<Refusal> FrontDoor::turn_away(std::int64_t wait_ms, std::string_view what, const std::string& account,
                                              const Visitor& visitor) {
  if (throttle_.is_news(visitor.address, reactor_.clock().mono_ms())) {
    accounts_.note(
        {.what = std::string(what) + " refused: too many attempts", .account = account, .address = visitor.address});
  }
  return too_many(wait_ms);
}

std::optional<LinkPurpose> FrontDoor::look(std::string_view text) const {
  const Link* link = accounts_.state().find_link(text);
  if (link == nullptr || link->expires_ms <= accounts_.now()) return std::nullopt;
  if (link->epoch != accounts_.state().version().epoch) return std::nullopt;
  if (link->user.is_nil()) {
    if (accounts_.state().closed()) return std::nullopt;
    return LinkPurpose{.first_account = true, .email = {}};
  }
  const User* user = accounts_.state().find_user(link->user);
  if (user == nullptr || !user->active) return std::nullopt;
  return LinkPurpose{.first_account = false, .email = user->email};
}

Task<FrontDoor::Outcome<Entered>> FrontDoor::set_up(SetUp wanted, NeedsLink needs_link, Visitor visitor) {
  const auto purpose = look(wanted.link);
  if (!purpose && (needs_link == NeedsLink::Yes || !wanted.link.empty())) co_return bad_link();
  const std::string email = purpose && !purpose->first_account ? purpose->email : wanted.email;
  const std::string problem = password_problem(wanted.password.reveal(), email);
  if (!problem.empty()) co_return refuse(Denial::Invalid, problem, "password");
  if (purpose && !purpose->first_account) {
    const Uuid user = accounts_.state().find_link(wanted.link)->user;
    co_return co_await choose_password(std::move(wanted), user, std::move(visitor));
  }
  co_return co_await make_first(std::move(wanted), std::move(visitor));
}

Task<FrontDoor::Outcome<Entered>> FrontDoor::choose_password(SetUp wanted, Uuid user, Visitor visitor) {
  const auto hash = co_await hasher_.hash(std::move(wanted.password));
  if (!hash) co_return refusal_of(hash.error());
  Entered entered = new_session(user, visitor);
  const auto use = [&](const AccountState& state) -> Result<store::Commit> {
    if (!look(wanted.link)) return fail(Errc::NotFound, "the link is gone", Blame::Client);
    return set_password(state, user, *hash, accounts_.now(), entered.session);
  };
  const User* owner = accounts_.state().find_user(user);
  const auto done = co_await accounts_.change(use, owner != nullptr ? owner->email : "");
  if (!done) co_return refusal_of(done.error());
  co_return entered;
}

Task<FrontDoor::Outcome<Entered>> FrontDoor::make_first(SetUp wanted, Visitor visitor) {
  if (const std::string problem = email_problem(wanted.email); !problem.empty()) {
    co_return refuse(Denial::Invalid, problem, "email");
  }
  if (accounts_.state().closed()) co_return refuse(Denial::Conflict, "There is an account already; sign in.");
  auto hash = co_await hasher_.hash(std::move(wanted.password));
  if (!hash) co_return refusal_of(hash.error());
  User user{.id = Uuid::random(),
            .email = wanted.email,
            .full_name = wanted.full_name,
            .preferred_name = {},
            .password = *std::move(hash),
            .created_ms = accounts_.now(),
            .updated_ms = accounts_.now()};
  const Entered entered = new_session(user.id, visitor);
  const auto make = [&](const AccountState& state) -> Result<store::Commit> {
    if (!wanted.link.empty() && !look(wanted.link)) return fail(Errc::NotFound, "the link is gone", Blame::Client);
    TRY(store::Commit commit, add_first_user(state, user, wanted.organization));
    commit.upserts.push_back(entered.session.row());
    return commit;
  };
  const auto made = co_await accounts_.change(make, user.email);
  if (!made) co_return refusal_of(made.error());
  co_return entered;
}

Task<FrontDoor::Outcome<std::optional<Entered>>> FrontDoor::change_password(Principal who, Secret<std::string> current,
                                                                            Secret<std::string> wanted,
                                                                            Visitor visitor) {
  const User* user = accounts_.state().find_user(who.user);
  if (user == nullptr) co_return refuse(Denial::NotFound, "There is no account behind these credentials.");
  const std::string email = user->email;
  const std::int64_t wait = throttle_.admit(email, visitor.address, reactor_.clock().mono_ms());
  if (wait > 0) co_return turn_away(wait, "password change", email, visitor);
  const Shown shown{.password = user->password, .session = who.session};
  if (current.reveal().size() > kLongestPassword) current = Secret<std::string>("");
  const auto same = co_await hasher_.verify(user->password, std::move(current), PasswordHasher::From::Known);
  if (!same) co_return refusal_of(same.error());
  if (!*same) {
    accounts_.note({.what = "password change refused", .account = email, .address = visitor.address});
    co_return refuse(Denial::Invalid, "is not the present password", "current_password");
  }
  throttle_.succeeded(email, visitor.address);
  const std::string problem = password_problem(wanted.reveal(), email);
  if (!problem.empty()) co_return refuse(Denial::Invalid, problem, "new_password");
  const auto hash = co_await hasher_.hash(std::move(wanted));
  if (!hash) co_return refusal_of(hash.error());
  std::optional<Entered> entered;
  if (!who.session.is_nil()) entered = new_session(who.user, visitor);
  const auto change = [&](const AccountState& state) {
    const auto fresh = entered ? std::optional(entered->session) : std::nullopt;
    return iam::change_password(state, who.user, shown, *hash, accounts_.now(), fresh);
  };
  const auto done = co_await accounts_.change(change, who.name);
  if (!done) co_return refusal_of(done.error());
  co_return entered;
}

}  // namespace sluice::control::iam
