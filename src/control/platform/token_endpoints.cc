// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <ranges>
#include <utility>
#include <vector>

#include "control/platform/body_reader.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"
#include "control/platform/timestamp.h"
#include "control/platform/user_view.h"

namespace sluice::control::platform {
namespace {

using iam::AccessToken;
using iam::AccountState;

constexpr std::size_t kMaxName = 250;
constexpr std::int64_t kSecond = 1000;
constexpr std::int64_t kShortestS = 86'400;
constexpr std::int64_t kLongestS = 31'536'000;  // a year: the contract's bounds

/// Whose tokens a path means, and which one.
struct Place {
  Uuid user;
  std::optional<Uuid> token;
};

enum class Whose : std::uint8_t { Own, Named };

std::expected<Place, Reply> place_of(const Parts& parts, const Request& request, Whose whose) {
  const auto no_user = [] { return std::unexpected(problem(404, "There is no such user.")); };
  auto params = std::span(request.params);
  Place place{request.who.user, std::nullopt};
  if (whose == Whose::Named) {
    const auto id = Uuid::parse(params.front());
    if (!id) return no_user();
    place.user = *id;
    params = params.subspan(1);
  }
  // What others call theirs is for those who may take them away.
  const bool own = place.user == request.who.user;
  if (!own && !iam::allow(request.who, iam::Action::Write, "/v3/users/{user}/access-tokens")) {
    return std::unexpected(problem(403, "Only an administrator sees access tokens of others."));
  }
  if (parts.accounts->state().find_user(place.user) == nullptr) return no_user();
  if (params.empty()) return place;
  const auto id = Uuid::parse(params.front());
  if (!id || parts.accounts->state().find_token(place.user, *id) == nullptr) {
    return std::unexpected(problem(404, "There is no such access token."));
  }
  place.token = *id;
  return place;
}

Reply shown(const Parts& parts, const Place& place) {
  const AccessToken* token = parts.accounts->state().find_token(place.user, *place.token);
  if (token == nullptr) return problem(404, "There is no such access token.");  // gone again
  return Reply::json(200, show(*parts.accounts, *token));
}

Reply list(const Parts& parts, const Request& request, const Place& place) {
  const auto page = PageNumber::parse(request.query);
  if (!page) return page.error();
  std::vector<const AccessToken*> found;
  for (const auto& [id, token] : parts.accounts->state().tokens()) {
    if (token.user == place.user) found.push_back(&token);
  }
  std::ranges::sort(found, {}, [](const AccessToken* one) { return std::pair(one->created_ms, one->id); });
  Json::Array data;
  for (const AccessToken* token :
       found | std::views::drop((page->number - 1) * page->size) | std::views::take(page->size)) {
    data.push_back(show(*parts.accounts, *token));
  }
  // The contract's examples have the numbers in `meta` itself, those of other lists in `meta.page`: both are there.
  Json::Object numbers{{"number", page->number}, {"size", page->size}, {"total", found.size()}};
  Json::Object meta = numbers;
  meta.append("page", std::move(numbers));
  return Reply::json(200, Json::Object{{"meta", std::move(meta)}, {"data", std::move(data)}});
}

/// When a new token is to end: a duration, or the older form, a moment.
std::optional<std::int64_t> read_end(BodyReader& reader, std::int64_t now) {
  const auto ttl = reader.integer("ttl_seconds", kShortestS, kLongestS);
  const auto text = reader.text("expires_at", 1, kMaxName);
  if (ttl) return now + *ttl * kSecond;
  if (!text) return std::nullopt;
  const auto end = parse_timestamp(*text);
  if (end && *end > now && *end <= now + kLongestS * kSecond) return end;
  reader.add({.field = "expires_at", .rule = "invalid", .reason = "must be a moment within the next 12 months"});
  return std::nullopt;
}

/// Nobody makes tokens in the name of others; and one that leaked makes no others that outlive it.
Task<Reply> create(const Parts& parts, const Request& request, Place place) {
  if (place.user != request.who.user) co_return problem(403, "Access tokens are made by their owners only.");
  if (request.who.session.is_nil())
    co_return problem(403, "An access token makes no others; sign in with the password.");
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  const std::int64_t now = parts.accounts->now();
  BodyReader reader(*body);
  reader.require("name");
  const auto name = reader.text("name", 1, kMaxName);
  const auto end = read_end(reader, now);
  const bool has_end = body->find("ttl_seconds") != nullptr || body->find("expires_at") != nullptr;
  if (!has_end) reader.require("ttl_seconds");
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const iam::NewAccessToken made = iam::make_access_token(place.user, *name, now, *end);
  const iam::Shown shown{.password = {}, .session = request.who.session};
  const auto add = [&](const AccountState& state) { return iam::add_token(state, made.token, shown); };
  const auto added = co_await parts.accounts->change(add, request.who.name);
  if (!added) co_return account_problem(added.error());
  Json body_with_text = show(*parts.accounts, made.token);
  body_with_text.as_object().append("konnect_token", made.text);
  co_return Reply::json(201, body_with_text);
}

Task<Reply> rename(const Parts& parts, const Request& request, Place place) {
  const auto body = json_body(request);
  if (!body) co_return body.error();
  if (!body->is_object()) co_return invalid(no_object());
  BodyReader reader(*body);
  reader.require("name");
  const auto name = reader.text("name", 1, kMaxName);
  if (auto wrong = reader.finish(); !wrong.empty()) co_return invalid(wrong);
  const auto change = [&](const AccountState& state) {
    return iam::rename_token(state, place.user, *place.token, *name, parts.accounts->now());
  };
  const auto done = co_await parts.accounts->change(change, request.who.name);
  co_return done ? shown(parts, place) : account_problem(done.error());
}

Task<Reply> revoke(const Parts& parts, const Request& request, Place place) {
  const auto change = [&](const AccountState& state) {
    return iam::revoke_token(state, place.user, *place.token, request.who.user, parts.accounts->now());
  };
  const auto done = co_await parts.accounts->change(change, request.who.name);
  co_return done ? shown(parts, place) : account_problem(done.error());
}

Task<Reply> remove(const Parts& parts, const Request& request, Place place) {
  const auto strike = [&](const AccountState& state) { return iam::remove_token(state, place.user, *place.token); };
  const auto done = co_await parts.accounts->change(strike, request.who.name);
  co_return done ? Reply::empty(204) : account_problem(done.error());
}

/// The endpoints below a user's path.
void add_below(admin::RouteTree& tree, const Parts& parts, const std::string& user, Whose whose) {
  const auto add = [&](std::string_view method, const std::string& path, auto handler) {
    tree.add(method, path, [&parts, whose, handler](const Request& request) -> Task<Reply> {
      auto place = place_of(parts, request, whose);
      if (!place) return std::move(place).error();
      return handler(parts, request, *place);
    });
  };
  const std::string all = user + "/access-tokens";
  const std::string one = all + "/{token}";
  add("GET", all, list);
  add("POST", all, create);
  add("GET", one, [](const Parts& p, const Request&, const Place& place) -> Task<Reply> { return shown(p, place); });
  add("PATCH", one, rename);
  add("DELETE", one, remove);
  add("PATCH", one + "/revoke", revoke);
}

}  // namespace

void add_access_tokens(admin::RouteTree& tree, const Parts& parts) {
  add_below(tree, parts, "/v3/users/me", Whose::Own);
  add_below(tree, parts, "/v3/users/{user}", Whose::Named);
}

}  // namespace sluice::control::platform
