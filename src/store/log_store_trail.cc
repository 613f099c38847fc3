// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>

#include "store/log_store.h"
#include "store/row_octets.h"

// The logs of all control planes, read backwards.
namespace sluice::store {
namespace {

constexpr std::int64_t kWindow = 500;          // looked at together
constexpr std::size_t kMostLookedAt = 20'000;  // by one call, so that it ends soon

struct Bounds {
  TrailEntry behind;
  std::int64_t since = 0;
};

std::int64_t millis_of(SysTime when) {
  return when.time_since_epoch().count();
}

Bounds bounds_of(const TrailQuery& query) {
  Bounds bounds;
  bounds.behind.what.when = SysTime(Millis(std::numeric_limits<std::int64_t>::max()));
  if (query.until) bounds.behind.what.when = *query.until + Millis(1);
  if (query.behind && query.behind->what.when < bounds.behind.what.when) bounds.behind = *query.behind;
  bounds.since = query.since ? millis_of(*query.since) : std::numeric_limits<std::int64_t>::min();
  return bounds;
}

bool wanted(const TrailQuery& query, const TrailEntry& entry) {
  const auto admits = [](const std::string& filter, const std::string& text) {
    return filter.empty() || filter == text;
  };
  if (!query.without_author.empty() && entry.what.author == query.without_author) return false;
  return admits(query.author, entry.what.author) && admits(query.type, entry.what.type) &&
         admits(query.control_plane, entry.control_plane);
}

/// Without the documents: most are passed over where there is a filter.
Result<std::vector<TrailEntry>> read_window(sql::Connection& db, const Bounds& bounds) {
  std::vector<TrailEntry> entries;
  const TrailEntry& place = bounds.behind;
  const sql::ValueView values[] = {
      millis_of(place.what.when), place.plane, place.number, place.ordinal, bounds.since, kWindow};
  TRY(db.query(
      "SELECT c.made_at, c.control_plane, c.number, c.ordinal, p.name, p.epoch, c.type, c.id, c.workspace, "
      "c.author FROM changes c JOIN control_planes p ON p.id = c.control_plane "
      "WHERE (c.made_at, c.control_plane, c.number, c.ordinal) < ($1, $2, $3, $4) AND c.made_at >= $5 "
      "ORDER BY c.made_at DESC, c.control_plane DESC, c.number DESC, c.ordinal DESC LIMIT $6",
      values, [&](const sql::Row& row) -> Result<> {
        TrailEntry entry;
        entry.what.when = SysTime(Millis(row.integer(0)));
        entry.plane = row.integer(1);
        entry.number = row.integer(2);
        entry.ordinal = row.integer(3);
        entry.control_plane = row.text(4);
        entry.what.version = {static_cast<std::uint64_t>(row.integer(5)), static_cast<std::uint64_t>(entry.number)};
        entry.what.type = row.text(6);
        entry.what.id = from_octets(row.text(7));
        entry.what.workspace = from_octets(row.text(8));
        entry.what.author = row.text(9);
        entries.push_back(std::move(entry));
        return {};
      }));
  return entries;
}

sync::Document masked(const sql::Row& row, int column) {
  if (row.is_null(column)) return nullptr;
  return std::make_shared<const std::string>(Sealer::mask(row.text(column)));
}

Result<> read_documents(sql::Connection& db, TrailEntry& entry) {
  const sql::ValueView values[] = {entry.plane, entry.number, entry.ordinal};
  return db.query(
      "SELECT c.document, b.document FROM changes c LEFT JOIN changes b ON b.control_plane = c.control_plane "
      "AND b.ended = c.number AND b.ended IS NOT NULL AND b.type = c.type AND b.id = c.id AND b.number <> c.number "
      "WHERE c.control_plane = $1 AND c.number = $2 AND c.ordinal = $3",
      values, [&](const sql::Row& row) -> Result<> {
        entry.what.document = masked(row, 0);
        entry.before = masked(row, 1);
        return {};
      });
}

}  // namespace

Result<Trail> LogStore::trail(const TrailQuery& query) {
  return looking_back([&](sql::Connection& db) -> Result<Trail> {
    Trail trail;
    Bounds bounds = bounds_of(query);
    std::size_t looked_at = 0;
    for (trail.more = true; trail.more && trail.entries.size() < query.limit && looked_at < kMostLookedAt;) {
      TRY(auto window, read_window(db, bounds));
      trail.more = window.size() == static_cast<std::size_t>(kWindow);
      for (TrailEntry& entry : window) {
        if (trail.entries.size() == query.limit) {
          trail.more = true;
          break;
        }
        ++looked_at;
        bounds.behind = entry;
        if (wanted(query, entry)) trail.entries.push_back(std::move(entry));
      }
    }
    trail.place = bounds.behind;
    for (TrailEntry& entry : trail.entries) TRY(read_documents(db, entry));
    return trail;
  });
}

}  // namespace sluice::store
