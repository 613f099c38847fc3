// SPDX-License-Identifier: Apache-2.0
#include "control/platform/user_view.h"

#include <algorithm>

#include "base/time.h"

namespace sluice::control::platform {
namespace {

std::string_view state_of(const iam::AccessToken& token, std::int64_t now) {
  if (token.revoked_ms != 0) return "REVOKED";
  return token.expires_ms <= now ? "EXPIRED" : "ACTIVE";
}

Json id_or_null(const Uuid& id) {
  return id.is_nil() ? Json() : Json(id.to_string());
}

}  // namespace

Json time_or_null(std::int64_t milliseconds) {
  return milliseconds == 0 ? Json() : Json(format_rfc3339(milliseconds));
}

Json show(const iam::Organization& organization) {
  return Json::Object{{"id", organization.id.to_string()},
                      {"name", organization.name},
                      {"owner_id", organization.owner.to_string()},
                      {"login_path", ""},
                      {"created_at", format_rfc3339(organization.created_ms)},
                      {"updated_at", format_rfc3339(organization.updated_ms)},
                      {"state", "active"},
                      {"retention_period_days", 0}};
}

Json show(const iam::User& user) {
  return Json::Object{{"id", user.id.to_string()},
                      {"email", user.email},
                      {"full_name", user.full_name},
                      {"preferred_name", user.preferred_name},
                      {"active", user.active},
                      {"inferred_region", ""},
                      {"created_at", format_rfc3339(user.created_ms)},
                      {"updated_at", format_rfc3339(user.updated_ms)},
                      {"role", iam::to_string(user.role)},
                      {"has_password", !user.password.empty()}};
}

Json show(const iam::Accounts& accounts, const iam::Session& session, const Uuid& current) {
  const std::int64_t lifetime = accounts.settings().admin_session_lifetime.count();
  return Json::Object{{"id", session.id.to_string()},
                      {"current", session.id == current},
                      {"address", session.address},
                      {"user_agent", session.agent},
                      {"created_at", format_rfc3339(session.created_ms)},
                      {"last_used_at", format_rfc3339(accounts.last_use(session))},
                      {"expires_at", format_rfc3339(session.created_ms + lifetime)}};
}

Json show(const iam::Accounts& accounts, const iam::AccessToken& token) {
  return Json::Object{{"id", token.id.to_string()},
                      {"user_id", token.user.to_string()},
                      {"name", token.name},
                      {"state", state_of(token, accounts.now())},
                      {"revoked_by", id_or_null(token.revoked_by)},
                      {"created_at", format_rfc3339(token.created_ms)},
                      {"updated_at", format_rfc3339(token.updated_ms)},
                      {"last_used_at", time_or_null(accounts.last_use(token))},
                      {"expires_at", format_rfc3339(token.expires_ms)},
                      {"revoked_at", time_or_null(token.revoked_ms)}};
}

Reply reply_of(const iam::Refusal& refusal) {
  using iam::Denial;
  constexpr std::int64_t kSecond = 1000;
  switch (refusal.denial) {
    case Denial::Wrong:
      return problem(401, refusal.what);
    case Denial::TooMany: {
      Reply reply = problem(429, "Too Many Requests", refusal.what);
      reply.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(1, refusal.wait_ms / kSecond)));
      return reply;
    }
    case Denial::Invalid:
      return invalid({.field = refusal.field, .rule = "invalid", .reason = refusal.what});
    case Denial::NotFound:
      return problem(404, refusal.what);
    case Denial::Conflict:
      return problem(409, refusal.what);
    case Denial::Unavailable:
      break;
  }
  Reply reply = problem(503, refusal.what);
  return reply;
}

Reply account_problem(const Error& error) {
  if (error.code != Errc::TooLarge || error.blame != Blame::Client) return problem_of(error);
  return problem(409, error.what);
}

}  // namespace sluice::control::platform
