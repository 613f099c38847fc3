// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/time.h"
#include "control/iam/session_cookie.h"
#include "control/platform/body_reader.h"
#include "control/platform/endpoints.h"
#include "control/platform/user_view.h"

// Where people sign in. The contract has nothing for it: Konnect's is a service of its own.
namespace sluice::control::platform {
namespace {

using iam::FrontDoor;

constexpr std::size_t kMaxText = 250;

iam::Transport transport_of(const Request& request) {
  return request.over_tls ? iam::Transport::Tls : iam::Transport::Plain;
}

iam::Visitor visitor_of(const Request& request) {
  return {request.peer, request.agent};
}

/// Only what pages cannot send to others' servers unasked.
std::expected<Json, Reply> strict_body(const Request& request) {
  if (request.media_type != "application/json") {
    return std::unexpected(problem(415, "Only application/json is understood here."));
  }
  auto body = json_body(request);
  if (body && !body->is_object()) return std::unexpected(invalid(no_object()));
  return body;
}

Json session_body(const iam::Accounts& accounts, const iam::Session& session, std::string_view text) {
  const iam::User* user = accounts.state().find_user(session.user);
  const std::int64_t ends = session.created_ms + accounts.settings().admin_session_lifetime.count();
  return Json::Object{{"state", "signed_in"},
                      {"csrf_token", iam::csrf_token(text)},
                      {"expires_at", format_rfc3339(ends)},
                      {"user", user != nullptr ? show(*user) : Json()}};
}

/// Who has just come in.
Reply welcome(const FrontDoor& door, const Request& request, const iam::Entered& entered) {
  Reply reply = Reply::json(201, session_body(door.accounts(), entered.session, entered.text));
  constexpr std::int64_t kSecond = 1000;
  const std::int64_t lifetime = door.accounts().settings().admin_session_lifetime.count() / kSecond;
  reply.headers.emplace_back("Set-Cookie", iam::set_cookie(entered.text, transport_of(request), lifetime));
  return reply;
}

/// What the browser had before is not to be used any more, whoever put it there.
Task<void> end_former(iam::Accounts& accounts, const Request& request) {
  const iam::Session* former = request.session.empty() ? nullptr : accounts.state().find_session(request.session);
  if (former == nullptr) co_return;
  const Uuid id = former->id;
  const Uuid user = former->user;
  const iam::User* owner = accounts.state().find_user(user);
  const auto end = [=](const iam::AccountState& state) {
    return iam::end_sessions(state, user, [=](const iam::Session& session) { return session.id == id; });
  };
  static_cast<void>(co_await accounts.change(end, owner != nullptr ? owner->email : ""));
}

Reply look(const FrontDoor& door, const Request& request) {
  const iam::AccountState& state = door.accounts().state();
  const iam::Session* session = state.find_session(request.session);
  if (session != nullptr && session->id == request.who.session) {
    return Reply::json(200, session_body(door.accounts(), *session, request.session));
  }
  const bool can_set_up = !state.closed();
  if (request.who.kind == iam::Kind::Visitor) {
    return Reply::json(200, Json::Object{{"state", "signed_out"}, {"can_set_up", can_set_up}});
  }
  const iam::User* user = state.find_user(request.who.user);
  return Reply::json(200, Json::Object{{"state", request.who.kind == iam::Kind::Local ? "local" : "token"},
                                       {"can_set_up", can_set_up},
                                       {"name", request.who.name},
                                       {"role", request.who.kind == iam::Kind::Reader ? "read-only" : "admin"},
                                       {"user", user != nullptr ? show(*user) : Json()}});
}

Task<Reply> sign_in(FrontDoor& door, const Request& request) {
  const auto body = strict_body(request);
  if (!body) co_return body.error();
  BodyReader reader(*body);
  reader.require("email");
  reader.require("password");
  auto email = reader.text("email", 0, kMaxText);
  auto password = reader.text("password", 0, iam::kLongestPassword);
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto entered =
      co_await door.sign_in(*std::move(email), Secret<std::string>(*std::move(password)), visitor_of(request));
  if (!entered) co_return reply_of(entered.error());
  co_await end_former(door.accounts(), request);
  co_return welcome(door, request, *entered);
}

Task<Reply> sign_out(FrontDoor& door, const Request& request) {
  // Without the header that proves that it is meant, who asks is a visitor, and nothing ends.
  if (!request.who.session.is_nil()) co_await end_former(door.accounts(), request);
  Reply reply = Reply::empty(204);
  if (request.who.session.is_nil()) co_return reply;
  reply.headers.emplace_back("Set-Cookie", iam::forget_cookie(transport_of(request)));
  co_return reply;
}

/// A question: what a link is good for. In a body, since addresses are written into logs.
Reply look_at_link(const FrontDoor& door, const Request& request) {
  const auto body = strict_body(request);
  if (!body) return body.error();
  BodyReader reader(*body);
  reader.require("link");
  const auto link = reader.text("link", 0, kMaxText);
  if (auto wrong = reader.finish(); !wrong.empty()) return invalid(wrong);
  const auto purpose = door.look(*link);
  if (!purpose) return problem(404, "This link is not valid: it has been used, it is too old, or it was cut off.");
  return Reply::json(
      200, Json::Object{{"purpose", purpose->first_account ? "first_account" : "password"}, {"email", purpose->email}});
}

Task<Reply> set_up(FrontDoor& door, const Request& request) {
  const auto body = strict_body(request);
  if (!body) co_return body.error();
  BodyReader reader(*body);
  reader.require("password");
  iam::SetUp wanted;
  wanted.link = reader.text("link", 0, kMaxText).value_or("");
  wanted.email = reader.text("email", 0, kMaxText).value_or("");
  wanted.full_name = reader.text("full_name", 0, kMaxText).value_or("");
  wanted.organization = reader.text("organization", 0, kMaxText).value_or("");
  wanted.password = Secret<std::string>(reader.text("password", 0, iam::kLongestPassword).value_or(""));
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const bool trusted = iam::allow(request.who, iam::Action::Write, "/v3/users");
  const auto needs = trusted ? FrontDoor::NeedsLink::No : FrontDoor::NeedsLink::Yes;
  const auto entered = co_await door.set_up(std::move(wanted), needs, visitor_of(request));
  if (!entered) co_return reply_of(entered.error());
  co_await end_former(door.accounts(), request);
  co_return welcome(door, request, *entered);
}

}  // namespace

void add_sessions(admin::RouteTree& tree, const Parts& /*parts*/, FrontDoor& door) {
  tree.add("GET", "/v3/session", [&door](const Request& request) { return look(door, request); });
  tree.add("POST", "/v3/session", [&door](const Request& request) { return sign_in(door, request); });
  tree.add("DELETE", "/v3/session", [&door](const Request& request) { return sign_out(door, request); });
  tree.add_question("/v3/set-up/look", [&door](const Request& request) { return look_at_link(door, request); });
  tree.add("POST", "/v3/set-up", [&door](const Request& request) { return set_up(door, request); });
}

}  // namespace sluice::control::platform
