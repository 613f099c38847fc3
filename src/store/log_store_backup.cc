// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "store/format.h"
#include "store/log_store.h"
#include "store/row_octets.h"
#include "store/sql/sqlite.h"

namespace sluice::store {
namespace {

enum class Kind : std::uint8_t { Integer, Text, Octets };
struct Column {
  std::string_view name;
  Kind kind;
  std::int64_t since = 1;  // the format that brought it
};
struct Table {
  std::string_view name;
  std::span<const Column> columns;
};

constexpr Column kControlPlanes[] = {{"id", Kind::Integer},
                                     {"name", Kind::Text},
                                     {"epoch", Kind::Integer},
                                     {"number", Kind::Integer},
                                     {"horizon", Kind::Integer}};
constexpr Column kEpochs[] = {
    {"control_plane", Kind::Integer}, {"epoch", Kind::Integer}, {"begins_after", Kind::Integer}};
constexpr Column kChanges[] = {{"control_plane", Kind::Integer},
                               {"number", Kind::Integer},
                               {"ordinal", Kind::Integer},
                               {"type", Kind::Text},
                               {"id", Kind::Octets},
                               {"workspace", Kind::Octets},
                               {"document", Kind::Text},
                               {"author", Kind::Text},
                               {"made_at", Kind::Integer},
                               {"ended", Kind::Integer},
                               {"note", Kind::Text, 3}};
constexpr Column kMeta[] = {{"control_plane", Kind::Integer}, {"name", Kind::Text}, {"value", Kind::Text}};

/// What a backup holds, parents first. Look-ups are left out: they are computed from the documents, under the keyring
/// of the store that they are restored into.
constexpr Table kTables[] = {
    {"control_planes", kControlPlanes}, {"epochs", kEpochs}, {"changes", kChanges}, {"meta", kMeta}};

sql::ValueView value_of(const sql::Row& row, int at, Kind kind) {
  if (row.is_null(at)) return std::monostate();
  if (kind == Kind::Integer) return row.integer(at);
  if (kind == Kind::Octets) return sql::OctetsView{row.text(at)};
  return row.text(at);
}

/// `to` has the present format; of `from`, which may be a backup of an earlier release, what it has.
Result<> copy_table(sql::Connection& from, sql::Connection& to, const Table& table) {
  TRY(const std::int64_t format, read_format(from));
  std::string names;
  std::string places;
  std::vector<Kind> kinds;
  for (const Column& column : table.columns) {
    if (column.since > format) continue;
    names += (kinds.empty() ? "" : ", ") + std::string(column.name);
    kinds.push_back(column.kind);
    places += (kinds.size() == 1 ? "$" : ", $") + std::to_string(kinds.size());
  }
  const std::string insert = "INSERT INTO " + std::string(table.name) + " (" + names + ") VALUES (" + places + ")";
  std::vector<sql::ValueView> values(kinds.size());
  return from.query("SELECT " + names + " FROM " + std::string(table.name), {}, [&](const sql::Row& row) -> Result<> {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value_of(row, static_cast<int>(i), kinds[i]);
    return to.queue(insert, values);
  });
}

std::unexpected<Error> file_error(std::string_view doing, const std::string& file, int number) {
  return fail(number == ENOSPC ? Errc::TooLarge : Errc::Io,
              "backup " + file + ": cannot " + std::string(doing) + ": " + std::strerror(number) +
                  "; check owner, permissions and free space of its folder",
              Blame::System);
}

Result<> sync_path(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return file_error("open it", path, errno);
  const int status = ::fsync(descriptor);
  const int number = errno;
  ::close(descriptor);
  if (status != 0) return file_error("sync it", path, number);
  return {};
}

/// Removes an unfinished file.
class Unfinished {
 public:
  explicit Unfinished(std::string file) : file_(std::move(file)) { remove(); }
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() { remove(); }
  [[nodiscard]] const std::string& file() const { return file_; }

 private:
  void remove() {
    std::error_code ignored;
    std::filesystem::remove(file_, ignored);
  }
  std::string file_;
};

sql::SqliteFile backup_file(const std::string& file, sql::SqliteFile::Use use) {
  sql::SqliteFile options;
  options.file = file;
  options.use = use;
  return options;
}

}  // namespace

Result<> LogStore::backup(const std::string& file, WithKey with_key) {
  std::error_code error;
  if (std::filesystem::exists(file, error)) {
    return fail(Errc::Conflict, "backup " + file + " exists already; choose another name", Blame::Client);
  }
  const auto folder = std::filesystem::path(file).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
    return fail(Errc::NotFound, "backup " + file + ": there is no folder " + folder.string() + "; make it first",
                Blame::Client);
  }
  const Unfinished part(file + ".part");
  {
    const auto database = sql::sqlite_database(backup_file(part.file(), sql::SqliteFile::Use::NewBackup));
    TRY(const auto made, database->connect());
    TRY(upgrade_format(*made, database->name(), "backup"));
    TRY(copy_into(*made, with_key));
  }
  TRY(sync_path(part.file()));
  std::filesystem::rename(part.file(), file, error);
  if (error) return file_error("put it in place", file, error.value());
  return sync_path(folder.empty() ? "." : folder.string());
}

/// On a connection of its own, in a transaction that sees one state: writers go on meanwhile.
Result<> LogStore::copy_into(sql::Connection& backup, WithKey with_key) {
  TRY(const auto source, shared_->database->connect());
  sql::Transaction reading(*source);
  TRY(reading.begin(sql::Access::Read));
  sql::Transaction writing(backup);
  TRY(writing.begin(sql::Access::Write));
  for (const Table& table : kTables) TRY(copy_table(*source, backup, table));
  TRY(const auto keyring, read_info(*source, kInfoKeyring));
  TRY(write_info(backup, kInfoKeyring, keyring.value_or(std::string())));
  if (with_key == WithKey::Yes) {
    const std::lock_guard lock(shared_->mutex);
    TRY(write_info(backup, kInfoKeyringText, shared_->keyring.text().reveal()));
  }
  return writing.commit();
}

Result<Version> LogStore::restore(const std::string& file) {
  const auto database = sql::sqlite_database(backup_file(file, sql::SqliteFile::Use::Backup));
  TRY(const auto backup, database->connect());
  TRY(check_format(*backup, "backup " + file, "backup"));
  return in_transaction(sql::Access::Write, [&](sql::Connection& db) { return take_over(*backup, db); });
}

Result<Version> LogStore::take_over(sql::Connection& backup, sql::Connection& db) {
  TRY(const auto keys, read_info(backup, kInfoKeyringText));
  if (keys) {
    TRY(shared_->keyring.merge(*keys));
    share_keys();
  }

  TRY(db.lock_for_upgrade(kLockPatience));
  std::map<std::string, std::int64_t> epochs;
  const auto take_epoch = [&](const sql::Row& row) -> Result<> {
    std::int64_t& epoch = epochs[std::string(row.text(0))];
    epoch = std::max(epoch, row.integer(1));
    return {};
  };
  TRY(db.query("SELECT name, epoch FROM control_planes", {}, take_epoch));
  TRY(backup.query("SELECT name, epoch FROM control_planes", {}, take_epoch));

  TRY(db.queue("DELETE FROM lookups", {}));
  for (auto table = std::rbegin(kTables); table != std::rend(kTables); ++table) {
    TRY(db.queue("DELETE FROM " + std::string(table->name), {}));
  }
  for (const Table& table : kTables) TRY(copy_table(backup, db, table));
  // Also those that the backup lacks: should they count from 1 again, their followers would take it for the old log.
  for (const auto& [name, epoch] : epochs) {
    const sql::ValueView values[] = {epoch + 1, name};
    TRY(
        db.queue("INSERT INTO control_planes (id, name, epoch, number, horizon) "
                 "SELECT COALESCE(MAX(id), 0) + 1, CAST($2 AS TEXT), CAST($1 AS BIGINT), 0, 0 FROM control_planes "
                 "WHERE true ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch",
                 values));
  }
  TRY(
      db.queue("INSERT INTO epochs (control_plane, epoch, begins_after) "
               "SELECT id, epoch, number FROM control_planes",
               {}));
  TRY(restore_lookups(backup, db));
  TRY(find_control_plane(db));
  TRY(db.notify());
  TRY(const State state, read_state(db));
  return state.head;
}

/// Opens every secret on the way, so that a backup whose keys are missing is refused as a whole.
Result<> LogStore::restore_lookups(sql::Connection& backup, sql::Connection& db) {
  return backup.query(
      "SELECT control_plane, type, id, workspace, document FROM changes WHERE ended IS NULL AND document IS NOT NULL",
      {}, [&](const sql::Row& row) -> Result<> {
        const Uuid id = from_octets(row.text(2));
        TRY(const auto document, shared_->sealer.open(row.text(1), id, row.text(4)));
        return write_lookups(db, row.integer(0), row.text(1), id, from_octets(row.text(3)), document);
      });
}

Result<> LogStore::rotate_key() {
  const std::lock_guard lock(shared_->mutex);
  auto rotated = shared_->keyring.rotate();
  share_keys();
  return rotated;
}

Result<std::size_t> LogStore::reseal() {
  TRY(const auto ids, all_ids());
  std::size_t total = 0;
  for (const std::int64_t id : ids) {
    Place place;
    place.ordinal = -1;
    const auto step = [&](sql::Connection&) { return reseal_some(id, place); };
    for (bool more = true; more;) {
      TRY(const auto changed, in_transaction(sql::Access::Write, step));
      total += changed.value_or(0);
      more = changed.has_value();
    }
  }
  return total;
}

Result<std::optional<std::size_t>> LogStore::reseal_some(std::int64_t control_plane, Place& place) {
  struct Stale {
    std::int64_t number;
    std::int64_t ordinal;
    std::string document;
  };
  constexpr std::int64_t kAtOnce = 1000;
  const sql::ValueView self[] = {control_plane};  // see follow_keyring()
  TRY(shared_->connection->run("UPDATE control_planes SET number = number WHERE id = $1", self));
  std::vector<Stale> stale;
  std::int64_t seen = 0;
  const sql::ValueView values[] = {control_plane, static_cast<std::int64_t>(place.number), place.ordinal, kAtOnce};
  TRY(shared_->connection->query(
      "SELECT number, ordinal, type, id, document FROM changes WHERE control_plane = $1 AND document IS NOT NULL "
      "AND (number > $2 OR (number = $2 AND ordinal > $3)) ORDER BY number, ordinal LIMIT $4",
      values, [&](const sql::Row& row) -> Result<> {
        ++seen;
        place.number = static_cast<std::uint64_t>(row.integer(0));
        place.ordinal = row.integer(1);
        if (!shared_->sealer.stale(row.text(4))) return {};
        const Uuid id = from_octets(row.text(3));
        TRY(const auto opened, shared_->sealer.open(row.text(2), id, row.text(4)));
        TRY(auto sealed, shared_->sealer.seal(row.text(2), id, opened));
        stale.push_back({row.integer(0), row.integer(1), std::move(sealed)});
        return {};
      }));
  for (const auto& row : stale) {
    const sql::ValueView changed[] = {control_plane, row.number, row.ordinal, row.document};
    TRY(shared_->connection->queue(
        "UPDATE changes SET document = $4 WHERE control_plane = $1 AND number = $2 AND ordinal = $3", changed));
  }
  if (seen == 0) return std::nullopt;
  return stale.size();
}

}  // namespace sluice::store
