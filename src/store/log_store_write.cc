// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <limits>
#include <thread>

#include "base/log.h"
#include "store/log_store.h"
#include "store/row_octets.h"

namespace sluice::store {
namespace {

/// Of types that begin so, nobody did anything: their rows follow from what is kept elsewhere, and there is a new one
/// every moment. However young, only so many versions of them are kept.
constexpr std::string_view kPassing = "__";
constexpr std::int64_t kMostPassing = 4'096;

std::int64_t now_ms() {
  return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()).time_since_epoch().count();
}

sql::ValueView note_of(std::string_view note) {
  if (note.empty()) return std::monostate();
  return note;
}

std::unexpected<CommitError> failed(Error error) {
  CommitFailure failure = CommitFailure::Broken;
  switch (error.code) {
    case Errc::Conflict:
      failure = CommitFailure::Constraint;
      break;
    case Errc::TooLarge:
      failure = CommitFailure::Full;
      break;
    case Errc::Unavailable:
    case Errc::Timeout:
    case Errc::Closed:
      failure = CommitFailure::Unavailable;
      break;
    default:
      break;
  }
  return std::unexpected(CommitError{failure, std::move(error)});
}

/// The number of a log's newest version, and whether it has only rows whose types begin so.
struct Extent {
  std::int64_t number = 0;
  bool only_those = true;
};

Result<Extent> extent_of(sql::Connection& db, std::int64_t control_plane, std::string_view prefix) {
  Extent extent;
  const sql::ValueView values[] = {control_plane, prefix};
  TRY(db.query("SELECT number FROM control_planes WHERE id = $1", sql::Values(values).first(1),
               [&](const sql::Row& row) -> Result<> {
                 extent.number = row.integer(0);
                 return {};
               }));
  TRY(
      db.query("SELECT 1 FROM changes WHERE control_plane = $1 "
               "AND substr(type, 1, length(CAST($2 AS TEXT))) <> CAST($2 AS TEXT) LIMIT 1",
               values, [&](const sql::Row&) -> Result<> {
                 extent.only_those = false;
                 return {};
               }));
  return extent;
}

/// The number behind which there are `keep` versions of a log of entities. Of bookkeeping no old version is of use to
/// anybody: its own is the newest.
Result<std::int64_t> behind_newest(sql::Connection& db, std::int64_t control_plane, std::uint64_t keep) {
  const auto kept = static_cast<std::int64_t>(std::min<std::uint64_t>(keep, std::numeric_limits<std::int32_t>::max()));
  TRY(const Extent log, extent_of(db, control_plane, "_"));
  return log.only_those ? log.number : std::max<std::int64_t>(log.number - kept, 0);
}

/// The number behind which there are kMostPassing versions of a log of passing rows; of other logs 0.
Result<std::int64_t> behind_passing(sql::Connection& db, std::int64_t control_plane) {
  TRY(const Extent log, extent_of(db, control_plane, kPassing));
  return log.only_those ? std::max<std::int64_t>(log.number - kMostPassing, 0) : 0;
}

}  // namespace

std::expected<Version, CommitError> LogStore::commit(Version expected, std::span<const Commit> group) {
  if (group.empty()) return expected;
  const std::lock_guard lock(shared_->mutex);
  std::optional<sql::Transaction> transaction;
  if (auto begun = begin(shared_->connection, transaction, sql::Access::Write); !begun)
    return failed(std::move(begun).error());
  sql::Connection& db = *shared_->connection;
  auto claimed = claim(db, expected, group.size());
  if (!claimed) return failed(std::move(claimed).error());
  if (!*claimed) {
    return std::unexpected(CommitError{
        CommitFailure::Conflict,
        {Errc::Conflict, Blame::Client, Retry::Safe,
         "the configuration is no longer at version " + to_string(expected) + ": somebody else has changed it"}});
  }
  auto name = db.transaction_name();
  if (!name) return failed(std::move(name).error());
  follow_keyring();
  if (auto written = write_group(db, expected, group); !written) return failed(std::move(written).error());
  const Version reached{expected.epoch, expected.number + group.size()};
  auto committed = transaction->commit();
  if (committed) return reached;
  transaction.reset();
  return resolve(*name, reached, std::move(committed).error());
}

/// Takes the numbers. The row stays locked until the end of the transaction, so the order of versions is the order of
/// commits.
Result<bool> LogStore::claim(sql::Connection& db, Version expected, std::size_t versions) {
  const sql::ValueView values[] = {control_plane_, static_cast<std::int64_t>(expected.epoch),
                                   static_cast<std::int64_t>(expected.number), static_cast<std::int64_t>(versions),
                                   control_plane_name_};
  TRY(const auto changed, db.run("UPDATE control_planes SET number = number + $4 "
                                 "WHERE id = $1 AND epoch = $2 AND number = $3 AND name = $5",
                                 values));
  return changed == 1;
}

/// The key may have been changed by `sluice keys rotate`. Called once the numbers are claimed: who seals the old rows
/// anew claims too, so that none is sealed under the old key behind their back. Where the new file cannot be read,
/// changes that seal nothing go on; for others see Keyring::may_seal().
void LogStore::follow_keyring() {
  if (auto followed = shared_->keyring.follow(); !followed) {
    static log::Counted unread(log::Level::Warn, "keyring.not_read");
    unread.hit({{"error", followed.error()}});
  }
  const std::lock_guard lock(shared_->keys_mutex);
  if (shared_->keys.active() != shared_->keyring.active()) shared_->keys = shared_->keyring;
}

Result<> LogStore::write_group(sql::Connection& db, Version expected, std::span<const Commit> group) {
  Place place;
  place.number = expected.number;
  place.made_at = now_ms();
  for (const auto& change : group) {
    ++place.number;
    place.ordinal = 0;
    place.author = change.author;
    place.note = change.note;
    for (const auto& key : change.removals) {
      TRY(remove_row(db, key, place));
      ++place.ordinal;
    }
    // All old values go before the new ones come: two rows may swap theirs.
    for (const auto& row : change.upserts) {
      const sql::ValueView values[] = {control_plane_, row.type, to_octets(row.id)};
      TRY(db.queue("DELETE FROM lookups WHERE control_plane = $1 AND type = $2 AND id = $3", values));
    }
    for (const auto& row : change.upserts) {
      TRY(write_row(db, row, place));
      ++place.ordinal;
    }
    for (const std::string& name : change.dropped) TRY(drop(db, name));
  }
  return db.notify();
}

/// Locks the control plane first: a writer that is under way is waited for, and a later one finds it gone.
Result<> LogStore::drop(sql::Connection& db, std::string_view control_plane) {
  const sql::ValueView values[] = {control_plane};
  TRY(db.queue("UPDATE control_planes SET number = number WHERE name = $1", values));
  for (const std::string table : {"lookups", "changes", "meta", "epochs"}) {
    TRY(db.queue("DELETE FROM " + table + " WHERE control_plane IN (SELECT id FROM control_planes WHERE name = $1)",
                 values));
  }
  return db.queue("DELETE FROM control_planes WHERE name = $1", values);
}

Result<> LogStore::write_row(sql::Connection& db, const sync::EntityRow& row, const Place& place) {
  const auto number = static_cast<std::int64_t>(place.number);
  const sql::ValueView key[] = {control_plane_, row.type, to_octets(row.id), number};
  TRY(db.queue("UPDATE changes SET ended = $4 WHERE control_plane = $1 AND type = $2 AND id = $3 AND ended IS NULL",
               key));
  TRY(const auto stored, shared_->sealer.seal(row.type, row.id, *row.document));
  const sql::ValueView values[] = {control_plane_,           number, place.ordinal, row.type,      to_octets(row.id),
                                   to_octets(row.workspace), stored, place.author,  place.made_at, note_of(place.note)};
  TRY(db.queue(
      "INSERT INTO changes (control_plane, number, ordinal, type, id, workspace, document, author, made_at, note) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      values));
  return write_lookups(db, control_plane_, row.type, row.id, row.workspace, *row.document);
}

Result<> LogStore::write_lookups(sql::Connection& db, std::int64_t control_plane, std::string_view type, const Uuid& id,
                                 const Uuid& workspace, std::string_view document) {
  const auto* described = shared_->catalog.find(type);
  if (described == nullptr) return {};
  for (const auto& lookup : lookups(*described, document, workspace, shared_->sealer)) {
    const sql::ValueView values[] = {control_plane,
                                     type,
                                     to_octets(id),
                                     static_cast<std::int64_t>(lookup.kind),
                                     lookup.field,
                                     to_octets(lookup.scope),
                                     sql::OctetsView{lookup.value}};
    TRY(
        db.queue("INSERT INTO lookups (control_plane, type, id, kind, field, scope, value) "
                 "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                 values));
  }
  return {};
}

/// Leaves a row without a document behind, if there was one with; so removing what is not there leaves no trace.
Result<> LogStore::remove_row(sql::Connection& db, const sync::EntityKey& key, const Place& place) {
  const auto number = static_cast<std::int64_t>(place.number);
  const sql::ValueView values[] = {control_plane_, key.type,     to_octets(key.id), number,
                                   place.ordinal,  place.author, place.made_at,     note_of(place.note)};
  const sql::Values all(values);
  TRY(db.queue("DELETE FROM lookups WHERE control_plane = $1 AND type = $2 AND id = $3", all.first(3)));
  TRY(
      db.queue("UPDATE changes SET ended = $4 WHERE control_plane = $1 AND type = $2 AND id = $3 AND ended IS NULL "
               "AND document IS NOT NULL",
               all.first(4)));
  return db.queue(
      "INSERT INTO changes (control_plane, number, ordinal, type, id, workspace, author, made_at, note) "
      "SELECT control_plane, ended, CAST($5 AS BIGINT), type, id, workspace, CAST($6 AS TEXT), "
      "CAST($7 AS BIGINT), CAST($8 AS TEXT) FROM changes AS old "
      "WHERE control_plane = $1 AND type = $2 AND id = $3 AND ended = $4 AND document IS NOT NULL "
      "AND NOT EXISTS (SELECT 1 FROM changes WHERE control_plane = $1 AND type = $2 AND id = $3 "
      "AND ended IS NULL)",
      all);
}

std::expected<Version, CommitError> LogStore::resolve(std::string_view transaction, Version reached, Error error) {
  const bool sent = error.code == Errc::Timeout || error.code == Errc::Closed;
  if (!sent || transaction.empty()) return failed(std::move(error));
  // The server may take a moment to notice that we left.
  constexpr int kTries = 10;
  constexpr Millis kPause{100};
  const bool answers = error.code == Errc::Closed;
  for (int i = 0; answers && i < kTries; ++i) {
    auto db = connection(shared_->connection);
    if (!db) break;
    const auto outcome = (*db)->outcome(transaction);
    if (outcome && *outcome == sql::Outcome::Committed) return reached;
    if (outcome && *outcome == sql::Outcome::Aborted) return failed(std::move(error));
    std::this_thread::sleep_for(kPause);
  }
  error.what += "; whether the change was written will show when the database is back";
  error.retry = Retry::Never;
  return std::unexpected(CommitError{CommitFailure::Unknown, std::move(error)});
}

Result<std::vector<std::int64_t>> LogStore::all_ids() {
  return in_transaction(sql::Access::Read, [](sql::Connection& db) -> Result<std::vector<std::int64_t>> {
    std::vector<std::int64_t> ids;
    TRY(db.query("SELECT id FROM control_planes ORDER BY id", {}, [&](const sql::Row& row) -> Result<> {
      ids.push_back(row.integer(0));
      return {};
    }));
    return ids;
  });
}

Result<> LogStore::compact(SysTime older_than, std::uint64_t keep) {
  TRY(const auto ids, all_ids());
  for (const std::int64_t id : ids) TRY(compact_one(id, older_than, keep));
  return {};
}

Result<> LogStore::compact_one(std::int64_t control_plane, SysTime older_than, std::uint64_t keep) {
  std::int64_t horizon = 0;
  TRY(in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<> {
    const sql::ValueView values[] = {control_plane, older_than.time_since_epoch().count()};
    TRY(db.query("SELECT number FROM changes WHERE control_plane = $1 AND made_at < $2 ORDER BY number DESC LIMIT 1",
                 values, [&](const sql::Row& row) -> Result<> {
                   horizon = row.integer(0);
                   return {};
                 }));
    TRY(const std::int64_t before_newest, behind_newest(db, control_plane, keep));
    TRY(const std::int64_t before_passing, behind_passing(db, control_plane));
    horizon = std::max(std::min(horizon, before_newest), before_passing);
    const sql::ValueView limit[] = {control_plane, horizon};
    return db.queue("UPDATE control_planes SET horizon = $2 WHERE id = $1 AND horizon < $2", limit);
  }));
  // In pieces, so that writers need not wait for long.
  for (std::uint64_t deleted = 1; deleted != 0;) {
    TRY(deleted, in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<std::uint64_t> {
          const sql::ValueView values[] = {control_plane, horizon};
          return db.run(
              "DELETE FROM changes WHERE control_plane = $1 AND ended <= $2 AND number IN (SELECT number "
              "FROM changes WHERE control_plane = $1 AND ended <= $2 ORDER BY ended LIMIT 2000)",
              values);
        }));
  }
  return in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<> {
    const sql::ValueView values[] = {control_plane, horizon};
    // What changed a workspace last stays, if only to tell when: versions of workspaces come from it.
    return db.queue(
        "DELETE FROM changes WHERE control_plane = $1 AND ended IS NULL AND document IS NULL AND number <= $2 "
        "AND (number, ordinal) NOT IN (SELECT number, ordinal FROM (SELECT number, ordinal, ROW_NUMBER() OVER "
        "(PARTITION BY type, workspace ORDER BY number DESC, ordinal DESC) AS place FROM changes "
        "WHERE control_plane = $1 AND ended IS NULL) AS latest WHERE place = 1)",
        values);
  });
}

}  // namespace sluice::store
