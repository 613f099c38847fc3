// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>
#include <vector>

#include "control/iam/session_cookie.h"
#include "control/platform/body_reader.h"
#include "control/platform/endpoints.h"
#include "control/platform/user_view.h"

// What everybody may do about their own account. What becomes of sessions beyond signing in and out is ours.
namespace sluice::control::platform {
namespace {

using iam::AccountState;
using iam::FrontDoor;

constexpr std::size_t kMaxText = 250;
constexpr std::string_view kNoAccount = "These credentials belong to no user.";

Reply read(const Parts& parts, const Request& request) {
  const iam::User* user = parts.accounts->state().find_user(request.who.user);
  return user != nullptr ? Reply::json(200, show(*user)) : problem(404, kNoAccount);
}

Task<Reply> update(const Parts& parts, const Request& request) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  BodyReader reader(*body);
  const auto full_name = reader.text("full_name", 0, kMaxText);
  const auto preferred_name = reader.text("preferred_name", 0, kMaxText);
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto edit = [&](const AccountState& state) {
    return iam::change_user(state, request.who.user, parts.accounts->now(), [&](iam::User& user) {
      if (full_name) user.full_name = *full_name;
      if (preferred_name) user.preferred_name = *preferred_name;
    });
  };
  const auto done = co_await parts.accounts->change(edit, request.who.name);
  co_return done ? read(parts, request) : account_problem(done.error());
}

Task<Reply> change_password(FrontDoor& door, const Request& request) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  BodyReader reader(*body);
  reader.require("current_password");
  reader.require("new_password");
  auto current = reader.text("current_password", 0, iam::kLongestPassword);
  auto wanted = reader.text("new_password", 0, iam::kLongestPassword);
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto entered =
      co_await door.change_password(request.who, Secret<std::string>(*std::move(current)),
                                    Secret<std::string>(*std::move(wanted)), {request.peer, request.agent});
  if (!entered) co_return reply_of(entered.error());
  if (!*entered) co_return Reply::empty(204);
  // The session goes on under another text.
  constexpr std::int64_t kSecond = 1000;
  const auto transport = request.over_tls ? iam::Transport::Tls : iam::Transport::Plain;
  const std::int64_t lifetime = door.accounts().settings().admin_session_lifetime.count() / kSecond;
  Reply reply = Reply::json(200, Json::Object{{"csrf_token", iam::csrf_token((*entered)->text)}});
  reply.headers.emplace_back("Set-Cookie", iam::set_cookie((*entered)->text, transport, lifetime));
  co_return reply;
}

Reply list_sessions(const Parts& parts, const Request& request) {
  std::vector<const iam::Session*> own;
  for (const auto& [id, session] : parts.accounts->state().sessions()) {
    if (session.user == request.who.user && parts.accounts->is_live(session)) own.push_back(&session);
  }
  std::ranges::sort(own, std::ranges::greater{}, [](const iam::Session* one) { return one->created_ms; });
  Json::Array data;
  for (const iam::Session* session : own) data.push_back(show(*parts.accounts, *session, request.who.session));
  return Reply::json(200, Json::Object{{"data", std::move(data)}});
}

Task<Reply> end_sessions(const Parts& parts, const Request& request) {
  const auto all = [&](const AccountState& state) {
    return iam::end_sessions(state, request.who.user, [](const iam::Session&) { return true; });
  };
  const auto done = co_await parts.accounts->change(all, request.who.name);
  if (!done) co_return account_problem(done.error());
  Reply reply = Reply::empty(204);
  const auto transport = request.over_tls ? iam::Transport::Tls : iam::Transport::Plain;
  if (!request.who.session.is_nil()) reply.headers.emplace_back("Set-Cookie", iam::forget_cookie(transport));
  co_return reply;
}

Task<Reply> end_session(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  const auto& sessions = parts.accounts->state().sessions();
  const auto at = id ? sessions.find(*id) : sessions.end();
  if (at == sessions.end() || at->second.user != request.who.user) co_return problem(404, "There is no such session.");
  const auto one = [&](const AccountState& state) {
    return iam::end_sessions(state, request.who.user, [&](const iam::Session& session) { return session.id == *id; });
  };
  const auto done = co_await parts.accounts->change(one, request.who.name);
  co_return done ? Reply::empty(204) : account_problem(done.error());
}

Task<Reply> rename_organization(const Parts& parts, const Request& request) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  BodyReader reader(*body);
  reader.require("name");
  const auto name = reader.text("name", 1, kMaxText);
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto rename = [&](const AccountState& state) {
    return iam::rename_organization(state, *name, parts.accounts->now());
  };
  const auto done = co_await parts.accounts->change(rename, request.who.name);
  co_return done ? Reply::json(200, show(*parts.accounts->state().organization())) : account_problem(done.error());
}

}  // namespace

void add_own_account(admin::RouteTree& tree, const Parts& parts, FrontDoor& door) {
  const std::string me = "/v3/users/me";
  tree.add("GET", me, [&parts](const Request& request) { return read(parts, request); });
  tree.add("PATCH", me, [&parts](const Request& request) { return update(parts, request); });
  tree.add("PUT", me + "/password", [&door](const Request& request) { return change_password(door, request); });
  tree.add("GET", me + "/sessions", [&parts](const Request& request) { return list_sessions(parts, request); });
  tree.add("DELETE", me + "/sessions", [&parts](const Request& request) { return end_sessions(parts, request); });
  tree.add("DELETE", me + "/sessions/{session}",
           [&parts](const Request& request) { return end_session(parts, request); });
  tree.add("PATCH", "/v3/organizations/me",
           [&parts](const Request& request) { return rename_organization(parts, request); });
}

}  // namespace sluice::control::platform
