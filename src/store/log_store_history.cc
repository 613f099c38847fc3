// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "store/log_store.h"
#include "store/row_octets.h"

// One control plane's log, version by version. Nothing is kept for it: what a row was before a version is the row that
// ended with that version. That it is no row of the same version is said with `<>`: SQLite would take a `<` for a range
// worth an index, and walk over the whole log.
namespace sluice::store {
namespace {

constexpr std::int64_t kRowsAtOnce = 500;
// A call ends soon, so that those who wait for theirs have their turn and the log of an SQLite file can be cut.
constexpr std::size_t kMostRows = 20'000;     // looked at by one
constexpr std::size_t kMostVersions = 5'000;  // the same, where only their authors are looked at

/// A version without its rows.
struct Head {
  std::int64_t number = 0;
  VersionEntry entry;
};

std::int64_t signed_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

sync::Document masked(const sql::Row& row, int column) {
  if (row.is_null(column)) return nullptr;
  return std::make_shared<const std::string>(Sealer::mask(row.text(column)));
}

ChangedRow read_changed(const sql::Row& row) {
  ChangedRow changed;
  changed.type = row.text(1);
  changed.id = from_octets(row.text(2));
  changed.workspace = from_octets(row.text(3));
  const bool gone = row.is_null(4);
  const bool fresh = row.is_null(5);
  if (gone) changed.action = RowAction::Delete;
  if (!gone && fresh) changed.action = RowAction::Create;
  changed.document = masked(row, gone ? 5 : 4);
  return changed;
}

/// The newest version below a number, and not below the horizon.
Result<std::optional<Head>> newest_below(sql::Connection& db, std::int64_t plane, std::int64_t below,
                                         std::int64_t horizon) {
  std::optional<Head> found;
  const sql::ValueView values[] = {plane, below, horizon};
  TRY(
      db.query("SELECT number, author, made_at, note FROM changes WHERE control_plane = $1 AND number < $2 "
               "AND number > $3 ORDER BY number DESC, ordinal DESC LIMIT 1",
               values, [&](const sql::Row& row) -> Result<> {
                 Head& head = found.emplace();
                 head.number = row.integer(0);
                 head.entry.author = row.text(1);
                 head.entry.when = SysTime(Millis(row.integer(2)));
                 if (!row.is_null(3)) head.entry.note = row.text(3);
                 return {};
               }));
  return found;
}

/// Up to `limit` rows that a version changed, behind an ordinal, which is moved on. A row that went and came again with
/// the same version is its last state only.
Result<std::vector<ChangedRow>> changed_rows(sql::Connection& db, std::int64_t plane, std::int64_t number,
                                             std::int64_t& behind, std::int64_t limit) {
  std::vector<ChangedRow> rows;
  const sql::ValueView values[] = {plane, number, behind, limit};
  TRY(
      db.query("SELECT c.ordinal, c.type, c.id, c.workspace, c.document, b.document FROM changes c "
               "LEFT JOIN changes b ON b.control_plane = c.control_plane AND b.ended = c.number "
               "AND b.ended IS NOT NULL AND b.type = c.type AND b.id = c.id AND b.number <> c.number "
               "WHERE c.control_plane = $1 AND c.number = $2 AND c.ordinal > $3 "
               "AND (c.ended IS NULL OR c.ended > c.number) ORDER BY c.ordinal LIMIT $4",
               values, [&](const sql::Row& row) -> Result<> {
                 behind = row.integer(0);
                 rows.push_back(read_changed(row));
                 return {};
               }));
  return rows;
}

Result<std::size_t> count_rows(sql::Connection& db, std::int64_t plane, std::int64_t number) {
  std::size_t count = 0;
  const sql::ValueView values[] = {plane, number};
  TRY(db.query("SELECT COUNT(*) FROM changes WHERE control_plane = $1 AND number = $2", values,
               [&](const sql::Row& row) -> Result<> {
                 count = static_cast<std::size_t>(row.integer(0));
                 return {};
               }));
  return count;
}

/// The version that made what a row was when `ended` ended it; nothing: it is what the row is now.
Result<std::int64_t> number_of_row(sql::Connection& db, std::int64_t plane, const HistoryQuery& query,
                                   std::optional<std::int64_t> ended) {
  std::int64_t number = 0;
  const auto take = [&](const sql::Row& row) -> Result<> {
    number = row.integer(0);
    return {};
  };
  const sql::ValueView values[] = {plane, query.type, to_octets(query.id), ended.value_or(0)};
  const sql::Values all(values);
  if (!ended) {
    TRY(db.query("SELECT number FROM changes WHERE control_plane = $1 AND type = $2 AND id = $3 AND ended IS NULL",
                 all.first(3), take));
    return number;
  }
  TRY(
      db.query("SELECT number FROM changes WHERE control_plane = $1 AND ended = $4 AND ended IS NOT NULL "
               "AND type = $2 AND id = $3 AND number <> $4",
               all, take));
  return number;
}

/// Walks from version to version, newest first: all of them, or those that changed one row.
class Walk {
 public:
  Walk(sql::Connection& db, std::int64_t plane, const HistoryQuery& query, std::int64_t horizon)
      : db_(db), plane_(plane), query_(query), horizon_(horizon) {
    if (query.below != 0) below_ = signed_of(query.below);
  }

  Result<std::optional<Head>> next() {
    if (!query_.id.is_nil()) {
      TRY(const std::int64_t number, next_of_row());
      if (number <= horizon_) return std::nullopt;
      below_ = number + 1;  // that one and no other
    }
    TRY(auto head, newest_below(db_, plane_, below_, horizon_));
    if (head) below_ = head->number;
    return head;
  }

 private:
  /// 0: there is none.
  Result<std::int64_t> next_of_row() {
    do {
      TRY(row_, number_of_row(db_, plane_, query_, row_));
    } while (*row_ != 0 && *row_ >= below_);
    return *row_;
  }

  sql::Connection& db_;
  const std::int64_t plane_;
  const HistoryQuery& query_;
  const std::int64_t horizon_;
  std::int64_t below_ = std::numeric_limits<std::int64_t>::max();
  std::optional<std::int64_t> row_;
};

/// Whether a version is its author's and has a row that is wanted: all of them are looked at, however many. `looked_at`
/// counts rows.
Result<bool> is_wanted(sql::Connection& db, std::int64_t plane, const Head& head, const HistoryQuery& query,
                       std::size_t& looked_at) {
  if (!query.author.empty() && query.author != head.entry.author) return false;
  if (!query.wanted) return true;
  std::int64_t behind = -1;
  for (;;) {
    TRY(const auto rows, changed_rows(db, plane, head.number, behind, kRowsAtOnce));
    looked_at += rows.size();
    for (const ChangedRow& row : rows) {
      if (query.wanted(head.entry, row)) return true;
    }
    if (rows.size() < static_cast<std::size_t>(kRowsAtOnce)) break;
  }
  return false;
}

}  // namespace

Result<HistoryPart> LogStore::history(const HistoryQuery& query) {
  return looking_back([&](sql::Connection& db) -> Result<HistoryPart> {
    TRY(const std::int64_t plane, plane_in(db));
    TRY(const State state, read_state(db, plane));
    HistoryPart part;
    Walk walk(db, plane, query, signed_of(state.horizon));
    std::size_t looked_at = 0;
    TRY(auto head, walk.next());
    for (std::size_t walked = 0; head && walked < kMostVersions && looked_at < kMostRows; ++walked) {
      if (part.versions.size() == query.limit) break;
      part.place = static_cast<std::uint64_t>(head->number);
      head->entry.version = state.version_of(part.place);
      TRY(const bool matches, is_wanted(db, plane, *head, query, looked_at));
      if (matches) {
        std::int64_t behind = -1;
        TRY(head->entry.rows, changed_rows(db, plane, head->number, behind, static_cast<std::int64_t>(query.rows)));
        TRY(head->entry.changes, count_rows(db, plane, head->number));
        part.versions.push_back(std::move(head->entry));
      }
      TRY(head, walk.next());
    }
    part.more = head.has_value();
    return part;
  });
}

namespace {

/// The numbers between which rows are compared: behind the first, up to the last.
struct Span {
  std::int64_t plane = 0;
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// What rows that were changed within a span are at its end, ordered by type and id, up to a page of them. Their
/// documents are still sealed. Nothing but the page is held in memory, however long the log is.
Result<std::vector<RowDifference>> rows_after(sql::Connection& db, const Span& span, const DifferenceQuery& query) {
  std::vector<RowDifference> rows;
  const auto limit = static_cast<std::int64_t>(query.limit);
  const sql::ValueView values[] = {span.plane, span.first, span.last, query.type, to_octets(query.id), limit};
  // COALESCE: SQLite would take an OR for two indexes worth reading to the end.
  TRY(
      db.query("SELECT t.type, t.id, a.workspace, a.document FROM (SELECT type, id, number, ordinal FROM changes "
               "WHERE control_plane = $1 AND number > $2 AND number <= $3 AND COALESCE(ended, $3 + 1) > $3 "
               "AND (type, id) > ($4, $5) ORDER BY type, id LIMIT $6) AS t JOIN changes a ON a.control_plane = $1 "
               "AND a.number = t.number AND a.ordinal = t.ordinal ORDER BY t.type, t.id",
               values, [&](const sql::Row& row) -> Result<> {
                 RowDifference& one = rows.emplace_back();
                 one.type = row.text(0);
                 one.id = from_octets(row.text(1));
                 one.workspace = from_octets(row.text(2));
                 if (!row.is_null(3)) one.after = std::make_shared<const std::string>(row.text(3));
                 return {};
               }));
  return rows;
}

/// Adds what they were at its beginning: what ended within it, and began before.
Result<> add_before(sql::Connection& db, const Span& span, const DifferenceQuery& query,
                    std::vector<RowDifference>& rows) {
  if (rows.empty()) return {};
  std::map<std::pair<std::string_view, Uuid>, RowDifference*> places;
  for (RowDifference& row : rows) places.emplace(std::pair(std::string_view(row.type), row.id), &row);
  const RowDifference& end = rows.back();
  const sql::ValueView values[] = {span.plane,          span.first, span.last,        query.type,
                                   to_octets(query.id), end.type,   to_octets(end.id)};
  // The plus keeps SQLite from reading all that began before, which is all of the log.
  return db.query(
      "SELECT type, id, document FROM changes WHERE control_plane = $1 AND ended > $2 AND ended <= $3 "
      "AND ended IS NOT NULL AND (type, id) > ($4, $5) AND (type, id) <= ($6, $7) AND +number <= $2 "
      "AND document IS NOT NULL",
      values, [&](const sql::Row& row) -> Result<> {
        const auto at = places.find({row.text(0), from_octets(row.text(1))});
        if (at != places.end()) at->second->before = std::make_shared<const std::string>(row.text(2));
        return {};
      });
}

}  // namespace

Result<Differences> LogStore::differences(const DifferenceQuery& query) {
  const bool forwards = query.from.number <= query.to.number;
  const Version& first = forwards ? query.from : query.to;
  const Version& last = forwards ? query.to : query.from;
  TRY(auto rows, looking_back([&](sql::Connection& db) -> Result<std::vector<RowDifference>> {
        TRY(const std::int64_t plane, plane_in(db));
        const Span span{plane, signed_of(first.number), signed_of(last.number)};
        TRY(const State state, read_state(db, plane));
        for (const Version& version : {query.from, query.to}) {
          if (!state.knows(version)) return gone(state, version);
        }
        TRY(auto found, rows_after(db, span, query));
        TRY(add_before(db, span, query, found));
        return found;
      }));
  Differences found;
  found.more = rows.size() == query.limit;
  if (!rows.empty()) {
    found.type = rows.back().type;
    found.id = rows.back().id;
  }
  Keyring keys = copy_of_keys();
  Sealer sealer(shared_->catalog, keys);
  for (RowDifference& row : rows) {
    for (sync::Document* document : {&row.before, &row.after}) {
      if (*document == nullptr) continue;
      TRY(auto text, sealer.open(row.type, row.id, **document));
      *document = std::make_shared<const std::string>(std::move(text));
    }
    const bool both = row.before != nullptr && row.after != nullptr;
    if (both ? *row.before == *row.after : row.before == row.after) continue;
    if (!forwards) std::swap(row.before, row.after);
    found.rows.push_back(std::move(row));
  }
  return found;
}

}  // namespace sluice::store
