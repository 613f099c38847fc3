// SPDX-License-Identifier: Apache-2.0
#include "store/format.h"

#include <array>
#include <cstdint>

#include "base/strings.h"

namespace sluice::store {
namespace {

/// A change of the format. Steps are only ever added, and only add (tables, columns that may be null, indexes), so that
/// the release before still works on the result; one that cannot be so raises `needs`.
struct Step {
  std::int64_t needs;  // the least format that a program must know to use the result
  std::string_view statements;
};

/// `changes` is the log and the contents at once: a row is what an entity was from version `number` until `ended`, the
/// version that replaced it; null: it still is. A null document: deleted. Nothing is written twice, an older version is
/// one condition away, and compaction deletes what ended long ago.
constexpr std::array kSteps = {
    Step{1, R"(
CREATE TABLE control_planes (
  id BIGINT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  epoch BIGINT NOT NULL,
  number BIGINT NOT NULL,
  horizon BIGINT NOT NULL
);
CREATE TABLE epochs (
  control_plane BIGINT NOT NULL REFERENCES control_planes (id),
  epoch BIGINT NOT NULL,
  begins_after BIGINT NOT NULL,
  PRIMARY KEY (control_plane, epoch)
);
CREATE TABLE changes (
  control_plane BIGINT NOT NULL REFERENCES control_planes (id),
  number BIGINT NOT NULL,
  ordinal BIGINT NOT NULL,
  type TEXT NOT NULL,
  id BYTEA NOT NULL,
  workspace BYTEA NOT NULL,
  document TEXT,
  author TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  ended BIGINT,
  PRIMARY KEY (control_plane, number, ordinal)
);
CREATE UNIQUE INDEX changes_current ON changes (control_plane, type, id) WHERE ended IS NULL;
CREATE INDEX changes_ended ON changes (control_plane, ended) WHERE ended IS NOT NULL;
CREATE TABLE lookups (
  control_plane BIGINT NOT NULL REFERENCES control_planes (id),
  type TEXT NOT NULL,
  id BYTEA NOT NULL,
  kind BIGINT NOT NULL,
  field TEXT NOT NULL,
  scope BYTEA NOT NULL,
  value BYTEA NOT NULL
);
CREATE INDEX lookups_of_row ON lookups (control_plane, type, id);
CREATE UNIQUE INDEX lookups_unique ON lookups (control_plane, type, field, scope, value) WHERE kind = 0;
CREATE INDEX lookups_other ON lookups (control_plane, type, field, value) WHERE kind <> 0;
CREATE TABLE meta (
  control_plane BIGINT NOT NULL REFERENCES control_planes (id),
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (control_plane, name)
);
)"},
    Step{1, R"(
CREATE INDEX changes_by_time ON changes (made_at, control_plane, number, ordinal);
)"},
    // An index that finds also which row ended takes the place of one that found only where some did: nothing names
    // either, so the release before works as well with this one.
    Step{1, R"(
ALTER TABLE changes ADD COLUMN note TEXT;
CREATE INDEX changes_before ON changes (control_plane, ended, type, id) WHERE ended IS NOT NULL;
DROP INDEX changes_ended;
)"},
};
constexpr auto kFormat = static_cast<std::int64_t>(kSteps.size());

Result<std::int64_t> read_number(sql::Connection& db, std::string_view name) {
  TRY(const auto text, read_info(db, name));
  if (!text) return 0;
  return parse_int<std::int64_t>(*text);
}

Result<> check_kind(sql::Connection& db, std::string_view name, std::string_view kind) {
  TRY(const auto found, read_info(db, kInfoKind));
  if (!found || *found == kind) return {};
  const bool backup = *found == "backup";
  return fail(Errc::Invalid, std::string(name) + (backup ? " is a backup, not a store: restore it into one"
                                                         : " is a store, not a backup: make a backup of it"));
}

Result<> check_needs(sql::Connection& db, std::string_view name) {
  TRY(const auto needs, read_number(db, kInfoNeeds));
  if (needs <= kFormat) return {};
  return fail(Errc::Unsupported, std::string(name) + " was made by a later release (its format needs " +
                                     std::to_string(needs) + ", this release knows " + std::to_string(kFormat) +
                                     "): start that release, or restore a backup made before; nothing was changed");
}

}  // namespace

Result<std::optional<std::string>> read_info(sql::Connection& db, std::string_view name) {
  std::optional<std::string> value;
  const sql::ValueView values[] = {name};
  TRY(db.query("SELECT value FROM store_info WHERE name = $1", values, [&](const sql::Row& row) -> Result<> {
    value = std::string(row.text(0));
    return {};
  }));
  return value;
}

Result<> write_info(sql::Connection& db, std::string_view name, std::string_view value) {
  const sql::ValueView values[] = {name, value};
  TRY(
      db.run("INSERT INTO store_info (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET "
             "value = excluded.value",
             values));
  return {};
}

Result<> upgrade_format(sql::Connection& db, std::string_view name, std::string_view kind) {
  sql::Transaction transaction(db);
  TRY(transaction.begin(sql::Access::Write));
  TRY(db.lock_for_upgrade());
  TRY(db.script("CREATE TABLE IF NOT EXISTS store_info (name TEXT PRIMARY KEY, value TEXT NOT NULL)"));
  TRY(check_kind(db, name, kind));
  TRY(check_needs(db, name));
  TRY(const auto format, read_number(db, kInfoFormat));
  for (auto next = format; next < kFormat; ++next) {
    const Step& step = kSteps[static_cast<std::size_t>(next)];
    TRY(db.script(step.statements));
    TRY(write_info(db, kInfoFormat, std::to_string(next + 1)));
    TRY(write_info(db, kInfoNeeds, std::to_string(step.needs)));
  }
  if (format == 0) TRY(write_info(db, kInfoKind, kind));
  return transaction.commit();
}

Result<std::int64_t> read_format(sql::Connection& db) {
  return read_number(db, kInfoFormat);
}

Result<> check_format(sql::Connection& db, std::string_view name, std::string_view kind) {
  auto format = read_number(db, kInfoFormat);
  if (!format) return fail(std::string(name) + " is not one of ours: ", std::move(format).error());
  TRY(check_kind(db, name, kind));
  return check_needs(db, name);
}

}  // namespace sluice::store
