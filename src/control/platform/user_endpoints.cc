// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <ranges>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "control/platform/body_reader.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"
#include "control/platform/user_view.h"

namespace sluice::control::platform {
namespace {

using iam::AccountState;
using iam::FrontDoor;
using iam::User;

constexpr std::size_t kMaxText = 250;
constexpr std::array<std::string_view, 2> kRoles = {"admin", "read-only"};

/// `filter[email][contains]=x`, `filter[active]=true`; nothing else is filtered by.
std::expected<bool, Reply> admits(const admin::Query& query, const User& user) {
  for (const auto& [name, wanted] : query.all()) {
    if (!name.starts_with("filter[")) continue;
    const bool part = name.ends_with("[contains]");
    const bool is_email = name.starts_with("filter[email]");
    if (name == "filter[active]" || name == "filter[active][eq]") {
      if ((wanted == "true") != user.active) return false;
    } else if (name == "filter[id][eq]" || name == "filter[id]") {
      if (wanted != user.id.to_string()) return false;
    } else if (is_email || name.starts_with("filter[full_name]")) {
      const std::string text = to_lower(is_email ? user.email : user.full_name);
      if (part ? !text.contains(to_lower(wanted)) : text != to_lower(wanted)) return false;
    } else {
      return std::unexpected(invalid({.field = name,
                                      .rule = "unknown_property",
                                      .reason = "users cannot be filtered by this",
                                      .source = "query"}));
    }
  }
  return true;
}

Reply list(const Parts& parts, const Request& request) {
  const auto page = PageNumber::parse(request.query);
  if (!page) return page.error();
  std::vector<const User*> found;
  for (const auto& [id, user] : parts.accounts->state().users()) {
    const auto wanted = admits(request.query, user);
    if (!wanted) return wanted.error();
    if (*wanted) found.push_back(&user);
  }
  std::ranges::sort(found, {}, [](const User* one) { return std::pair(one->created_ms, one->id); });
  Json::Array data;
  for (const User* user : found | std::views::drop((page->number - 1) * page->size) | std::views::take(page->size)) {
    data.push_back(show(*user));
  }
  Json::Object numbers{{"number", page->number}, {"size", page->size}, {"total", found.size()}};
  return Reply::json(200,
                     Json::Object{{"meta", Json::Object{{"page", std::move(numbers)}}}, {"data", std::move(data)}});
}

std::expected<const User*, Reply> user_of(const Parts& parts, const Request& request) {
  const auto id = Uuid::parse(request.params.front());
  if (!id) {
    return std::unexpected(
        invalid({.field = "userId", .rule = "is_uuid", .reason = "invalid ID format", .source = "path"}));
  }
  const User* user = parts.accounts->state().find_user(*id);
  if (user == nullptr) return std::unexpected(problem(404, "There is no such user."));
  return user;
}

Reply read(const Parts& parts, const Request& request) {
  const auto user = user_of(parts, request);
  return user ? Reply::json(200, show(**user)) : user.error();
}

/// Where a link leads: behind '#', which browsers keep to themselves. The page that shows it knows its own address.
std::string link_path(const std::string& text) {
  return "/set-up#" + text;
}

/// One that lets the user choose a password, shown to who asked for it.
Task<std::expected<std::string, Error>> give_link(const Parts& parts, Uuid user, std::string author) {
  const iam::NewLink made = iam::make_link(user, parts.accounts->now());
  const auto add = [&](const AccountState& state) { return iam::add_link(state, made.link); };
  CO_TRY(co_await parts.accounts->change(add, std::move(author)));
  co_return link_path(made.text);
}

struct NewUser {
  User user;
  std::string password;
};

std::expected<NewUser, Reply> read_user(const Json& body, std::int64_t now) {
  if (!body.is_object()) return std::unexpected(invalid(no_object()));
  BodyReader reader(body);
  NewUser wanted;
  reader.require("email");
  const auto email = reader.text("email", 0, kMaxText);
  wanted.user.email = email.value_or("");
  wanted.user.full_name = reader.text("full_name", 0, kMaxText).value_or("");
  wanted.user.preferred_name = reader.text("preferred_name", 0, kMaxText).value_or("");
  if (const auto role = reader.choice("role", kRoles)) wanted.user.role = *iam::parse_role(*role);
  const auto password = reader.text("password", 0, iam::kLongestPassword);
  wanted.password = password.value_or("");
  const std::string bad_email = email ? iam::email_problem(*email) : "";
  if (!bad_email.empty()) reader.add({.field = "email", .rule = "is_email", .reason = bad_email});
  const std::string bad_password = password ? iam::password_problem(*password, wanted.user.email) : "";
  if (!bad_password.empty()) reader.add({.field = "password", .rule = "invalid", .reason = bad_password});
  if (auto wrong = reader.finish(); !wrong.empty()) return std::unexpected(invalid(wrong));
  wanted.user.id = Uuid::random();
  wanted.user.created_ms = now;
  wanted.user.updated_ms = now;
  return wanted;
}

/// With a password of the administrator's choosing, or with a link that lets the user choose one: we send no mail.
Task<Reply> create(const Parts& parts, FrontDoor& door, const Request& request) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  auto wanted = read_user(*body, parts.accounts->now());
  if (!wanted) co_return wanted.error();
  if (!wanted->password.empty()) {
    auto hash = co_await door.hash(Secret<std::string>(std::move(wanted->password)));
    if (!hash) co_return account_problem(hash.error());
    wanted->user.password = *std::move(hash);
  }
  const auto add = [&](const AccountState& state) { return iam::add_user(state, wanted->user); };
  const auto added = co_await parts.accounts->change(add, request.who.name);
  if (!added) co_return account_problem(added.error());
  Json shown = show(wanted->user);
  if (wanted->user.password.empty()) {
    const auto link = co_await give_link(parts, wanted->user.id, request.who.name);
    if (!link) co_return account_problem(link.error());
    shown.as_object().append("link", *link);
  }
  co_return Reply::json(201, shown);
}

Task<Reply> update(const Parts& parts, const Request& request) {
  const auto user = user_of(parts, request);
  if (!user) co_return user.error();
  const Uuid id = (*user)->id;
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  BodyReader reader(*body);
  const auto email = reader.text("email", 0, kMaxText);
  const auto full_name = reader.text("full_name", 0, kMaxText);
  const auto preferred_name = reader.text("preferred_name", 0, kMaxText);
  const auto role = reader.choice("role", kRoles);
  const auto active = reader.boolean("active");
  const std::string bad_email = email ? iam::email_problem(*email) : "";
  if (!bad_email.empty()) reader.add({.field = "email", .rule = "is_email", .reason = bad_email});
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto edit = [&](User& after) {
    if (email) after.email = *email;
    if (full_name) after.full_name = *full_name;
    if (preferred_name) after.preferred_name = *preferred_name;
    if (role) after.role = *iam::parse_role(*role);
    if (active) after.active = *active;
  };
  const auto change = [&](const AccountState& state) {
    return iam::change_user(state, id, parts.accounts->now(), edit);
  };
  const auto done = co_await parts.accounts->change(change, request.who.name);
  co_return done ? read(parts, request) : account_problem(done.error());
}

Task<Reply> remove(const Parts& parts, const Request& request) {
  const auto user = user_of(parts, request);
  if (!user) co_return user.error();
  const auto strike = [&parts, id = (*user)->id](const AccountState& state) {
    return iam::remove_user(state, id, parts.accounts->now());
  };
  const auto done = co_await parts.accounts->change(strike, request.who.name);
  co_return done ? Reply::empty(204) : account_problem(done.error());
}

Task<Reply> end_sessions(const Parts& parts, const Request& request) {
  const auto user = user_of(parts, request);
  if (!user) co_return user.error();
  const auto end = [id = (*user)->id](const AccountState& state) {
    return iam::end_sessions(state, id, [](const iam::Session&) { return true; });
  };
  const auto done = co_await parts.accounts->change(end, request.who.name);
  co_return done ? Reply::empty(204) : account_problem(done.error());
}

Task<Reply> make_link(const Parts& parts, const Request& request) {
  const auto user = user_of(parts, request);
  if (!user) co_return user.error();
  const auto link = co_await give_link(parts, (*user)->id, request.who.name);
  co_return link ? Reply::json(201, Json::Object{{"link", *link}}) : account_problem(link.error());
}

}  // namespace

void add_users(admin::RouteTree& tree, const Parts& parts, FrontDoor& door) {
  const std::string one = "/v3/users/{user}";
  const auto creates = [&parts, &door](const Request& request) { return create(parts, door, request); };
  tree.add("GET", "/v3/users", [&parts](const Request& request) { return list(parts, request); });
  tree.add("POST", "/v3/users", creates);
  tree.add("POST", "/v3/invites", creates);
  tree.add("GET", one, [&parts](const Request& request) { return read(parts, request); });
  tree.add("PATCH", one, [&parts](const Request& request) { return update(parts, request); });
  tree.add("DELETE", one, [&parts](const Request& request) { return remove(parts, request); });
  tree.add("DELETE", one + "/sessions", [&parts](const Request& request) { return end_sessions(parts, request); });
  tree.add("POST", one + "/password-link", [&parts](const Request& request) { return make_link(parts, request); });
}

}  // namespace sluice::control::platform
