// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "control/admin/entity_writes.h"
#include "control/platform/endpoints.h"
#include "control/platform/history_view.h"
#include "control/platform/known_by.h"
#include "control/platform/plane_view.h"
#include "control/publish/restoration.h"

// Every version of a control plane's entities: who made it, what it changed, what lies between any two, and the way
// back. All of it is read from the log that makes changes durable; `change_log_retention` says how far back it goes.
namespace sluice::control::platform {
namespace {

using planes::PlaneLease;
using publish::Publisher;
using publish::Refusal;
using store::Version;

constexpr std::string_view kLatest = "latest";
constexpr std::size_t kMostVersions = 100;   // in a page
constexpr std::size_t kMostRows = 1000;      // the same of differences, and of a plan
constexpr std::size_t kRowsAtOnce = 20'000;  // read for a restoration
constexpr unsigned kMostAttempts = 10;       // when others are first

Reply bad_argument(std::string_view name, std::string_view reason) {
  return invalid({.field = std::string(name), .rule = "invalid", .reason = std::string(reason), .source = "query"});
}

Reply no_such_version() {
  return problem(404, "There is no such version, or no longer: see change_log_retention.");
}

/// The control plane that the path names, open and with a log.
std::expected<PlaneLease, Reply> versioned_plane(const Parts& parts, const Request& request) {
  const auto profile = plane_of(parts, request);
  if (!profile) return std::unexpected(profile.error());
  PlaneLease plane = parts.planes.lease((*profile)->id);
  if (!plane) return std::unexpected(problem(503, "The control plane is being opened; try again."));
  if (plane->durable() != nullptr) return plane;
  return std::unexpected(problem(404, "A control plane group has no versions of its own: its members have."));
}

/// `1.42`, or `latest`.
std::optional<Version> read_version(const PlaneLease& plane, const std::string& text) {
  if (text == kLatest) return plane->publisher().version();
  const auto version = sync::parse_version(text);
  return version ? std::optional(*version) : std::nullopt;
}

/// The one before it, as far as differences are concerned.
Version before(const Version& version) {
  return {version.epoch, version.number == 0 ? 0 : version.number - 1};
}

Json::Object page_of(std::size_t size, Json next) {
  return {{"size", size}, {"next", std::move(next)}};
}

// Lists
// -------------------------------------------------------------------------------------------------------------------

/// Rows of one type and those that a word finds; a word may also be who did it.
auto admits(const std::string& type, const std::string& text) {
  return
      [type, word = Word(text), any = text.empty()](const store::VersionEntry& version, const store::ChangedRow& row) {
        if (!type.empty() && row.type != type) return false;
        if (any || word.is_in(version.author) || word.is_in(row.type) || word.is_in(row.id.to_string())) return true;
        return row.document != nullptr && word.find_in(*row.document).has_value();
      };
}

std::expected<store::HistoryQuery, Reply> read_query(const admin::Query& query) {
  const auto page = PageAfter::parse(query);
  if (!page) return std::unexpected(page.error());
  store::HistoryQuery wanted{.limit = std::min(page->size, kMostVersions)};
  if (!page->after.empty()) {
    const auto below = parse_int<std::uint64_t>(page->after);
    if (!below || *below == 0) return std::unexpected(bad_argument("page[after]", "is not a mark of ours"));
    wanted.below = *below;
  }
  std::string text;
  for (const auto& [name, value] : query.all()) {
    if (name == "filter[actor]") wanted.author = value;
    if (name == "filter[type]") wanted.type = value;
    if (name == "filter[text]") text = value;
    if (name != "filter[entity_id]" || value.empty()) continue;
    const auto id = Uuid::parse(value);
    if (!id) return std::unexpected(bad_argument(name, "must be the id of an entity"));
    wanted.id = *id;
  }
  if (!wanted.id.is_nil() && wanted.type.empty()) {
    return std::unexpected(bad_argument("filter[type]", "must be given together with filter[entity_id]"));
  }
  if (!text.empty() || (!wanted.type.empty() && wanted.id.is_nil())) wanted.wanted = admits(wanted.type, text);
  return wanted;
}

Task<Reply> list(const Parts& parts, const Request& request) {
  auto plane = versioned_plane(parts, request);
  if (!plane) co_return plane.error();
  auto wanted = read_query(request.query);
  if (!wanted) co_return wanted.error();
  const std::size_t size = wanted->limit;
  const auto part = co_await (*plane)->durable()->history(*std::move(wanted));
  if (!part) co_return problem_of(part.error());
  const Version current = (*plane)->publisher().version();
  Json::Array data;
  for (const store::VersionEntry& entry : part->versions) data.push_back(show(entry, current));
  Json next = part->more ? Json(std::to_string(part->place)) : Json();
  Reply reply = Reply::json(
      200, Json::Object{{"data", std::move(data)}, {"meta", Json::Object{{"page", page_of(size, std::move(next))}}}});
  reply.headers.emplace_back("ETag", publish::etag_of(current));
  co_return reply;
}

Task<Reply> read(const Parts& parts, const Request& request) {
  auto plane = versioned_plane(parts, request);
  if (!plane) co_return plane.error();
  const auto version = read_version(*plane, request.params[1]);
  if (!version) co_return no_such_version();
  const auto part = co_await (*plane)->durable()->history({.below = version->number + 1, .limit = 1});
  if (!part) co_return problem_of(part.error());
  // The latest may have changed no row: then it is the one before it that is looked at.
  const bool any = request.params[1] == kLatest && !part->versions.empty();
  if (!any && (part->versions.empty() || part->versions.front().version != *version)) co_return no_such_version();
  co_return Reply::json(200, show(part->versions.front(), (*plane)->publisher().version()));
}

// Differences
// -------------------------------------------------------------------------------------------------------------------

/// `page[after]` is where the page before ended: type and id of its last row.
std::expected<store::DifferenceQuery, Reply> read_difference(const PlaneLease& plane, const Request& request) {
  const auto page = PageAfter::parse(request.query);
  if (!page) return std::unexpected(page.error());
  const auto to = read_version(plane, request.params[1]);
  const std::string* since = request.query.find("since");
  const auto from = since == nullptr || since->empty() ? to.transform(before) : read_version(plane, *since);
  if (!to || !from) return std::unexpected(no_such_version());
  store::DifferenceQuery wanted{.from = *from, .to = *to, .limit = std::min(page->size, kMostRows)};
  if (page->after.empty()) return wanted;
  const std::size_t colon = page->after.find(':');
  const auto id = colon != page->after.npos ? Uuid::parse(page->after.substr(colon + 1)) : Result<Uuid>(Uuid{});
  if (!id || id->is_nil()) return std::unexpected(bad_argument("page[after]", "is not a mark of ours"));
  wanted.type = page->after.substr(0, colon);
  wanted.id = *id;
  return wanted;
}

Task<Reply> list_changes(const Parts& parts, const Request& request) {
  auto plane = versioned_plane(parts, request);
  if (!plane) co_return plane.error();
  auto wanted = read_difference(*plane, request);
  if (!wanted) co_return wanted.error();
  const std::size_t size = wanted->limit;
  const Version from = wanted->from;
  const Version to = wanted->to;
  const auto found = co_await (*plane)->durable()->differences(*std::move(wanted));
  if (!found) co_return found.error().code == Errc::NotFound ? no_such_version() : problem_of(found.error());
  Json::Array data;
  for (const store::RowDifference& row : found->rows) data.push_back(show(parts, request.who, row));
  Json next = found->more ? Json(found->type + ":" + found->id.to_string()) : Json();
  co_return Reply::json(200, Json::Object{{"data", std::move(data)},
                                          {"meta", Json::Object{{"from", to_string(from)},
                                                                {"to", to_string(to)},
                                                                {"page", page_of(size, std::move(next))}}}});
}

// Restoring
// -------------------------------------------------------------------------------------------------------------------

/// A wish to go back, and how far it got.
struct Restoration {
  PlaneLease plane;
  Version to;
  bool planned = false;  // it is only asked what would happen
  std::string if_match;
  std::string author;
  std::vector<publish::Operation> operations = {};  // of the latest attempt
};

Task<Result<std::vector<store::RowDifference>>> read_way_back(PlaneLease& plane, Version from, Version to) {
  std::vector<store::RowDifference> rows;
  store::DifferenceQuery query{.from = from, .to = to, .limit = kRowsAtOnce};
  for (bool more = true; more;) {
    CO_TRY(store::Differences part, co_await plane->durable()->differences(query));
    std::ranges::move(part.rows, std::back_inserter(rows));
    query.type = std::move(part.type);
    query.id = part.id;
    more = part.more;
  }
  co_return rows;
}

bool others_were_first(const Publisher::Outcome& outcome) {
  return !outcome && outcome.error().failures.size() == 1 &&
         outcome.error().failures.front().kind == publish::Failure::Kind::Precondition;
}

/// Once, from how things are now. Precondition: somebody else changed them meanwhile.
Task<std::expected<publish::Done, Reply>> attempt(const Parts& parts, Restoration& wish, bool& again) {
  again = false;
  Publisher& publisher = wish.plane->publisher();
  const Version from = publisher.version();
  if (!wish.if_match.empty() && !publish::names_etag(wish.if_match, publish::etag_of(from))) {
    co_return std::unexpected(problem(
        412, "Precondition Failed",
        "The configuration has changed since: it is at version " + to_string(from) + " now. Look at the plan again."));
  }
  const auto rows = co_await read_way_back(wish.plane, from, wish.to);
  if (!rows) {
    co_return std::unexpected(rows.error().code == Errc::NotFound ? no_such_version() : problem_of(rows.error()));
  }
  wish.operations = publish::operations_of(parts.catalog, *rows);
  auto change =
      publish::only_after(from, publish::transaction(parts.catalog, wish.operations), publish::restored_from(wish.to));
  Publisher::Outcome outcome;
  if (wish.planned) {
    outcome = co_await publisher.plan(*change);
  } else {
    outcome = co_await publisher.submit(std::move(change), wish.author);
  }
  again = others_were_first(outcome);
  if (outcome) co_return *std::move(outcome);
  if (again) co_return std::unexpected(problem(409, "Others changed the configuration all the time; try again."));
  if (auto reply = admin::not_kept(outcome.error())) co_return std::unexpected(*std::move(reply));
  co_return std::unexpected(show_failures(outcome.error(), wish.operations));
}

/// What a plan would do, row by row; the first of them, if there are many.
Json::Array steps_of(const Parts& parts, const iam::Principal& who, Restoration& wish, const sync::Delta& delta) {
  Json::Array steps;
  const auto add = [&](const std::string& type, const Uuid& id, const sync::Document& after) {
    if (steps.size() == kMostRows) return;
    const store::Space* space = wish.plane->store().space_of(type, id);
    store::RowDifference row{type, id, {}, nullptr, after};
    if (space != nullptr) row.before = *space->table(type).find(id);
    steps.push_back(show(parts, who, row));
  };
  for (const sync::EntityKey& key : delta.removals) add(key.type, key.id, nullptr);
  for (const sync::EntityRow& row : delta.upserts) add(row.type, row.id, row.document);
  return steps;
}

Reply done(const Parts& parts, const Request& request, Restoration& wish, const publish::Done& made) {
  Json::Object body{{"version", to_string(made.version)},
                    {"restored_from", to_string(wish.to)},
                    {"dry_run", wish.planned},
                    {"change_count", made.delta.upserts.size() + made.delta.removals.size()}};
  if (wish.planned) body.append("changes", steps_of(parts, request.who, wish, made.delta));
  Reply reply = Reply::json(200, std::move(body));
  reply.headers.emplace_back("ETag", publish::etag_of(made.version));
  return reply;
}

/// `{"dry_run": true}`; no body at all restores.
std::expected<bool, Reply> read_dry_run(const Request& request) {
  if (request.body.empty()) return false;
  const auto body = json_body(request);
  if (!body) return std::unexpected(body.error());
  if (!body->is_object()) {
    return std::unexpected(invalid({.field = "body", .rule = "is_object", .reason = "must be an object"}));
  }
  bool dry_run = false;
  for (const auto& [name, value] : body->as_object()) {
    if (name != "dry_run") {
      return std::unexpected(invalid({.field = name, .rule = "unknown_property", .reason = "is not known"}));
    }
    if (!value.is_bool()) {
      return std::unexpected(invalid({.field = name, .rule = "is_boolean", .reason = "must be a boolean"}));
    }
    dry_run = value.as_bool();
  }
  return dry_run;
}

Task<Reply> restore(const Parts& parts, const Request& request) {
  auto plane = versioned_plane(parts, request);
  if (!plane) co_return plane.error();
  const auto version = read_version(*plane, request.params[1]);
  if (!version) co_return no_such_version();
  const auto dry_run = read_dry_run(request);
  if (!dry_run) co_return dry_run.error();
  Restoration wish{.plane = *std::move(plane),
                   .to = *version,
                   .planned = *dry_run,
                   .if_match = request.if_match,
                   .author = request.who.name};
  bool again = false;
  for (unsigned attempts = 1;; ++attempts) {
    const auto outcome = co_await attempt(parts, wish, again);
    if (outcome) co_return done(parts, request, wish, *outcome);
    if (!again || attempts == kMostAttempts) co_return outcome.error();
  }
}

}  // namespace

void add_history(admin::RouteTree& tree, const Parts& parts) {
  const std::string all = "/v2/control-planes/{id}/versions";
  const std::string one = all + "/{version}";
  tree.add("GET", all, [&parts](const Request& request) { return list(parts, request); });
  tree.add("GET", one, [&parts](const Request& request) { return read(parts, request); });
  tree.add("GET", one + "/changes", [&parts](const Request& request) { return list_changes(parts, request); });
  tree.add("POST", one + "/restore", [&parts](const Request& request) { return restore(parts, request); });
}

}  // namespace sluice::control::platform
