// SPDX-License-Identifier: Apache-2.0
#include "store/format.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::store {
namespace {

/// A change of the format. Steps are only ever added, and only add (tables, columns that may be null, indexes), so that
/// the release before still works on the result, and beside it; one that cannot be so raises `needs`. Statements must
/// take no longer than a moment, however long the log is.
struct Step {
  std::int64_t needs;  // the least format that a program must know to use the result
  std::string_view statements = {};
  sql::Index index = {};  // made before them, unless they make its table
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
    Step{1, {}, {"changes_by_time", "changes (made_at, control_plane, number, ordinal)"}},
    // An index that finds also which row ended takes the place of one that found only where some did: nothing names
    // either, so the release before works as well with this one.
    Step{1,
         R"(
ALTER TABLE changes ADD COLUMN note TEXT;
DROP INDEX changes_ended;
)",
         {"changes_before", "changes (control_plane, ended, type, id) WHERE ended IS NOT NULL"}},
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

const Step& step_to(std::int64_t format) {
  return kSteps[static_cast<std::size_t>(format - 1)];
}

/// What steps from `format` on need, beside those who use it.
Result<> build_indexes(sql::Connection& db, std::int64_t format) {
  for (auto next = format + 1; next <= kFormat; ++next) {
    if (const sql::Index& index = step_to(next).index; !index.name.empty()) TRY(db.build_index(index));
  }
  return {};
}

/// Nobody else uses what is empty: all of it at once.
Result<> create_index(sql::Connection& db, const sql::Index& index) {
  if (index.name.empty()) return {};
  return db.script("CREATE INDEX " + std::string(index.name) + " ON " + std::string(index.on));
}

/// Takes all steps that are left, alone: 0. Or says at which format others left the tables, where `prepared` is not
/// that one: then the indexes of what follows it come first.
Result<std::int64_t> take_steps(sql::Connection& db, std::int64_t prepared, std::string_view name,
                                std::string_view kind) {
  sql::Transaction transaction(db);
  TRY(transaction.begin(sql::Access::Write));
  constexpr Millis kPatience{600'000};  // with others who prepare it, or restore a large backup into it
  TRY(db.lock_for_upgrade(kPatience));
  TRY(db.script("CREATE TABLE IF NOT EXISTS store_info (name TEXT PRIMARY KEY, value TEXT NOT NULL)"));
  TRY(check_kind(db, name, kind));
  TRY(check_needs(db, name));
  TRY(const auto format, read_number(db, kInfoFormat));
  const bool fresh = format == 0;
  if (!fresh && format < kFormat && format != prepared) return format;
  if (!fresh && format < kFormat) TRY(db.be_brief());
  for (auto next = format + 1; next <= kFormat; ++next) {
    const Step& step = step_to(next);
    if (!step.statements.empty()) TRY(db.script(step.statements));
    if (fresh) TRY(create_index(db, step.index));
    TRY(write_info(db, kInfoFormat, std::to_string(next)));
    TRY(write_info(db, kInfoNeeds, std::to_string(step.needs)));
  }
  if (fresh) TRY(write_info(db, kInfoKind, kind));
  TRY(transaction.commit());
  return 0;
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
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::seconds kPatience{60};  // with others who use the tables for long, such as a backup
  constexpr std::chrono::seconds kPause{1};
  std::int64_t prepared = 0;
  auto end = Clock::time_point::max();
  for (;;) {
    const auto left = take_steps(db, prepared, name, kind);
    if (left && *left == 0) return {};
    if (left) {
      prepared = *left;
      log::info("store.upgrading", {{"store", name}, {"from", prepared}, {"to", kFormat}});
      TRY(build_indexes(db, prepared));
      end = Clock::now() + kPatience;
      continue;
    }
    const bool passing = prepared != 0 && left.error().code == Errc::Unavailable && db.usable();
    if (!passing) return std::unexpected(left.error());
    if (Clock::now() > end) return fail("its format cannot be raised while others use it all the time: ", left.error());
    std::this_thread::sleep_for(kPause);
  }
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
