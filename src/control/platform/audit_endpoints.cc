// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include "base/base64.h"
#include "base/strings.h"
#include "base/time.h"
#include "control/platform/endpoints.h"
#include "control/platform/plane_view.h"
#include "control/platform/timestamp.h"
#include "control/platform/user_view.h"

// Who changed what: the logs of all control planes, of the book of them and of the accounts, read backwards. They reach
// as far back as `change_log_retention` says. Secrets were masked where they are read.
namespace sluice::control::platform {
namespace {

using iam::AccountState;
using store::TrailEntry;

constexpr std::size_t kMostEntries = 1000;

/// Members of our own rows that mean nothing to people, or are nobody's business.
constexpr std::array<std::string_view, 4> kHidden = {"format", "sha256", "epoch", "secret"};

/// `user` of the row's type `_user`; what entities are called stays.
std::string shown_type(std::string_view type) {
  return std::string(store::is_internal(type) ? type.substr(1) : type);
}

/// One of our rows as people read it: `created_ms: 1795312319992` becomes `created_at: 2026-11-22T..`.
Json readable(const Json::Object& row) {
  constexpr std::string_view kMillis = "_ms";
  Json::Object shown;
  for (const auto& [name, value] : row) {
    if (std::ranges::find(kHidden, name) != kHidden.end()) continue;
    const bool is_time = name.ends_with(kMillis) && value.is_int();
    const std::string called = is_time ? name.substr(0, name.size() - kMillis.size()) + "_at" : name;
    shown.set(called, is_time ? time_or_null(value.as_int()) : value);
  }
  return shown;
}

Json shown_document(const TrailEntry& entry, const sync::Document& document) {
  auto json = document != nullptr ? parse_json(*document) : Result<Json>(Json());
  if (!json || !json->is_object()) return nullptr;
  if (store::is_internal(entry.what.type)) return readable(json->as_object());
  return *std::move(json);
}

std::string_view action_of(const TrailEntry& entry) {
  const bool is_session = entry.what.type == iam::Session::kType;
  if (entry.what.type == iam::Event::kType) return "refuse";
  if (entry.what.document == nullptr) return is_session ? "sign-out" : "delete";
  if (entry.before == nullptr) return is_session ? "sign-in" : "create";
  return "update";
}

/// What people know the entity by; of what belongs to a user, such as a session, the user.
std::string name_of(const Parts& parts, const Json& document) {
  for (const std::string_view member : {"name", "email", "username", "what", "title", "prefix", "key"}) {
    const Json* value = document.find(member);
    if (value != nullptr && value->is_string() && !value->as_string().empty()) return value->as_string();
  }
  const Json* owner = document.find("user");
  const auto id = owner != nullptr && owner->is_string() ? Uuid::parse(owner->as_string()) : Result<Uuid>(Uuid{});
  const iam::User* user = id && parts.accounts != nullptr ? parts.accounts->state().find_user(*id) : nullptr;
  return user != nullptr ? user->email : std::string();
}

/// Null for what concerns the whole installation.
Json control_plane_of(const Parts& parts, const TrailEntry& entry) {
  for (const auto& [id, profile] : parts.planes.book().planes()) {
    if (profile.store == entry.control_plane) return Json::Object{{"id", id.to_string()}, {"name", profile.name}};
  }
  return nullptr;
}

std::int64_t millis_of(store::SysTime when) {
  return when.time_since_epoch().count();
}

/// How and from where people sign in, and what they call their tokens, is for administrators and for themselves.
bool may_see(const iam::Principal& who, const TrailEntry& entry) {
  constexpr std::array kPersonal = {iam::Session::kType, iam::AccessToken::kType, iam::Link::kType, iam::Event::kType};
  if (std::ranges::find(kPersonal, entry.what.type) == kPersonal.end()) return true;
  if (iam::allow(who, iam::Action::Write, "/v3/audit-logs")) return true;
  const sync::Document& document = entry.what.document != nullptr ? entry.what.document : entry.before;
  const auto json = document != nullptr ? parse_json(*document) : Result<Json>(Json());
  const Json* owner = json ? json->find("user") : nullptr;
  return owner != nullptr && owner->is_string() && owner->as_string() == who.user.to_string();
}

Json show(const Parts& parts, const TrailEntry& entry) {
  Json before = shown_document(entry, entry.before);
  Json after = shown_document(entry, entry.what.document);
  const std::string id =
      join(std::array{std::to_string(entry.plane), std::to_string(entry.number), std::to_string(entry.ordinal)}, ".");
  std::string name = name_of(parts, after.is_null() ? before : after);
  Json::Object object{
      {"type", shown_type(entry.what.type)}, {"id", entry.what.id.to_string()}, {"name", std::move(name)}};
  return Json::Object{{"id", id},
                      {"at", format_rfc3339(millis_of(entry.what.when))},
                      {"actor", entry.what.author},
                      {"action", action_of(entry)},
                      {"object", std::move(object)},
                      {"control_plane", control_plane_of(parts, entry)},
                      {"version", to_string(entry.what.version)},
                      {"before", std::move(before)},
                      {"after", std::move(after)}};
}

std::string mark_of(const TrailEntry& place) {
  return base64url_encode(std::to_string(millis_of(place.what.when)) + "." + std::to_string(place.plane) + "." +
                          std::to_string(place.number) + "." + std::to_string(place.ordinal));
}

std::optional<TrailEntry> read_mark(const std::string& mark) {
  const auto text = base64url_decode(mark);
  if (!text) return std::nullopt;
  std::vector<std::int64_t> numbers;
  for (const std::string_view piece : split(*text, '.')) {
    const auto number = parse_int<std::int64_t>(piece);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  if (numbers.size() != 4) return std::nullopt;
  TrailEntry place;
  place.what.when = store::SysTime(Millis(numbers[0]));
  place.plane = numbers[1];
  place.number = numbers[2];
  place.ordinal = numbers[3];
  return place;
}

/// The store's name of a control plane's rows; a name that is none finds nothing.
std::string store_of(const Parts& parts, const std::string& id) {
  const auto parsed = Uuid::parse(id);
  const auto* profile = parsed ? parts.planes.book().find(*parsed) : nullptr;
  return profile != nullptr && !profile->store.empty() ? profile->store : "no such control plane";
}

Reply bad_argument(const std::string& name, std::string_view reason) {
  return invalid({.field = name, .rule = "invalid", .reason = std::string(reason), .source = "query"});
}

std::expected<store::TrailQuery, Reply> read_query(const Parts& parts, const admin::Query& query) {
  const auto page = PageAfter::parse(query);
  if (!page) return std::unexpected(page.error());
  store::TrailQuery wanted;
  wanted.limit = std::min(page->size, kMostEntries);
  wanted.without_author = iam::Accounts::kUse;
  if (!page->after.empty()) {
    wanted.behind = read_mark(page->after);
    if (!wanted.behind) return std::unexpected(bad_argument("page[after]", "is not a mark of ours"));
  }
  constexpr std::array kOwnTypes = {iam::User::kType,
                                    iam::Session::kType,
                                    iam::AccessToken::kType,
                                    iam::Link::kType,
                                    iam::Event::kType,
                                    iam::Organization::kType,
                                    std::string_view("_control_plane"),
                                    std::string_view("_dp_client_certificate")};
  for (const auto& [name, text] : query.all()) {
    if (name == "filter[actor]") wanted.author = text;
    if (name == "filter[control_plane]") wanted.control_plane = store_of(parts, text);
    if (name == "filter[type]") {
      const bool own = std::ranges::find(kOwnTypes, "_" + text) != kOwnTypes.end();
      wanted.type = own ? "_" + text : text;
    }
    if (!name.starts_with("filter[ts]")) continue;
    const auto moment = parse_timestamp(text);
    if (!moment) return std::unexpected(bad_argument(name, "must be a moment such as 2026-02-03T04:05:06Z"));
    const store::SysTime at{Millis(*moment)};
    (name.ends_with("[gte]") || name.ends_with("[gt]") ? wanted.since : wanted.until) = at;
  }
  return wanted;
}

Task<Reply> list(const Parts& parts, const Request& request) {
  auto wanted = read_query(parts, request.query);
  if (!wanted) co_return wanted.error();
  const std::size_t size = wanted->limit;
  auto trail = co_await parts.durable->trail(*std::move(wanted));
  if (!trail) co_return problem_of(trail.error());
  Json::Array data;
  for (const TrailEntry& entry : trail->entries) {
    if (may_see(request.who, entry)) data.push_back(show(parts, entry));
  }
  const Json next = trail->more ? Json(mark_of(trail->place)) : Json();
  co_return Reply::json(200,
                        Json::Object{{"data", std::move(data)},
                                     {"meta", Json::Object{{"page", Json::Object{{"size", size}, {"next", next}}}}}});
}

}  // namespace

void add_audit(admin::RouteTree& tree, const Parts& parts) {
  if (parts.durable == nullptr) return;
  tree.add("GET", "/v3/audit-logs", [&parts](const Request& request) { return list(parts, request); });
}

}  // namespace sluice::control::platform
