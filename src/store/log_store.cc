// SPDX-License-Identifier: Apache-2.0
#include "store/log_store.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <unordered_map>

#include "base/strings.h"
#include "crypto/hash.h"
#include "store/format.h"
#include "store/row_octets.h"

namespace sluice::store {
namespace {

std::int64_t signed_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

/// Tells keyrings apart without telling anything of their keys.
std::string fingerprint(const Keyring& keyring) {
  constexpr std::size_t kLength = 16;
  return to_hex(crypto::hmac_sha256(keyring.index_key().reveal(), "sluice keyring")).substr(0, kLength);
}

}  // namespace

// Opening -------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<DurableStore>> LogStore::open(std::unique_ptr<sql::Database> database,
                                                     const std::string& control_plane, const entity::Catalog& catalog,
                                                     Keyring& keyring) {
  auto shared = std::make_shared<Shared>(std::move(database), catalog, keyring);
  std::unique_ptr<LogStore> store(new LogStore(std::move(shared), control_plane));
  TRY(store->prepare());
  return store;
}

Result<std::unique_ptr<DurableStore>> LogStore::another(const std::string& control_plane) {
  std::unique_ptr<LogStore> store(new LogStore(shared_, control_plane));
  TRY(in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<> {
    TRY(db.lock_for_upgrade(kLockPatience));
    return store->find_control_plane(db);
  }));
  return store;
}

Result<> LogStore::prepare() {
  {
    const std::lock_guard lock(shared_->mutex);
    TRY(sql::Connection* const db, connection(shared_->connection));
    TRY(upgrade_format(*db, shared_->database->name(), "store"));
  }
  TRY(in_transaction(sql::Access::Write, [this](sql::Connection& db) -> Result<> {
    TRY(db.lock_for_upgrade(kStartPatience));
    TRY(check_keyring(db));
    return find_control_plane(db);
  }));
  share_keys();
  return {};
}

Result<> LogStore::check_keyring(sql::Connection& db) {
  TRY(const auto known, read_info(db, kInfoKeyring));
  if (!known) {
    if (shared_->keyring.empty()) TRY(shared_->keyring.create());
    return write_info(db, kInfoKeyring, fingerprint(shared_->keyring));
  }
  // Another process may have made both since the file was looked for.
  if (shared_->keyring.empty()) {
    TRY(shared_->keyring, Keyring::open(shared_->keyring.file()));
  }
  if (!shared_->keyring.empty() && fingerprint(shared_->keyring) == *known) return {};
  return fail(Errc::Forbidden,
              shared_->database->name() + ": its secrets are sealed under another keyring than " +
                  shared_->keyring.file() + (shared_->keyring.empty() ? ", which does not exist" : "") +
                  "; put back the keyring that was made with this store (from its copy, or from another control plane "
                  "of the same store), or set keyring_path to it; nothing was changed");
}

Result<> LogStore::find_control_plane(sql::Connection& db) {
  const auto look = [&]() -> Result<> {
    control_plane_ = 0;
    const sql::ValueView values[] = {control_plane_name_};
    return db.query("SELECT id FROM control_planes WHERE name = $1", values, [&](const sql::Row& row) -> Result<> {
      control_plane_ = row.integer(0);
      return {};
    });
  };
  TRY(look());
  if (control_plane_ != 0) return {};
  const sql::ValueView values[] = {control_plane_name_};
  TRY(
      db.run("INSERT INTO control_planes (id, name, epoch, number, horizon) "
             "SELECT COALESCE(MAX(id), 0) + 1, CAST($1 AS TEXT), 1, 0, 0 FROM control_planes",
             values));
  TRY(look());
  const sql::ValueView id[] = {control_plane_};
  TRY(db.run("INSERT INTO epochs (control_plane, epoch, begins_after) VALUES ($1, 1, 0)", id));
  return {};
}

Result<sql::Connection*> LogStore::connection(Kept& kept) {
  if (kept != nullptr && !kept->usable()) kept.reset();
  if (kept == nullptr) {
    constexpr Millis kLookingPatience{60'000};
    TRY(kept, shared_->database->connect());
    if (&kept == &shared_->looker) kept->take_time(kLookingPatience, shared_->looks_no_more);
  }
  return kept.get();
}

Result<> LogStore::begin(Kept& kept, std::optional<sql::Transaction>& transaction, sql::Access access) {
  for (bool again = false;; again = true) {
    TRY(sql::Connection* const db, connection(kept));
    auto begun = transaction.emplace(*db).begin(access);
    // One that does not answer is not asked twice: somebody waits.
    if (begun || db->usable() || again || begun.error().code != Errc::Closed) return begun;
    transaction.reset();
  }
}

void LogStore::share_keys() {
  const std::lock_guard lock(shared_->keys_mutex);
  shared_->keys = shared_->keyring;
}

Keyring LogStore::copy_of_keys() {
  const std::lock_guard lock(shared_->keys_mutex);
  return shared_->keys;
}

Result<std::int64_t> LogStore::plane_in(sql::Connection& db) {
  std::int64_t plane = 0;
  const sql::ValueView name[] = {control_plane_name_};
  TRY(db.query("SELECT id FROM control_planes WHERE name = $1", name, [&](const sql::Row& row) -> Result<> {
    plane = row.integer(0);
    return {};
  }));
  return plane;
}

void LogStore::close_idle_looker() {
  constexpr std::chrono::seconds kIdle{60};
  const std::unique_lock lock(shared_->looking_mutex, std::try_to_lock);
  if (lock && std::chrono::steady_clock::now() - shared_->looked_at > kIdle) shared_->looker.reset();
}

// Versions ------------------------------------------------------------------------------------------------------------

Version LogStore::State::version_of(std::uint64_t number) const {
  Version version{epochs.empty() ? head.epoch : epochs.front().epoch, number};
  for (const auto& epoch : epochs) {
    if (epoch.begins_after < number) version.epoch = epoch.epoch;
  }
  return version;
}

bool LogStore::State::knows(const Version& version) const {
  if (version.number < horizon) return false;
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    if (epochs[i].epoch != version.epoch) continue;
    const std::uint64_t last = i + 1 < epochs.size() ? epochs[i + 1].begins_after : head.number;
    return version.number >= epochs[i].begins_after && version.number <= last;
  }
  return false;
}

std::unexpected<Error> LogStore::gone(const State& state, const Version& version) const {
  return fail(Errc::NotFound,
              "version " + to_string(version) + " is gone: the log of " + shared_->database->name() + " reaches from " +
                  to_string(state.version_of(state.horizon)) + " to " + to_string(state.head) +
                  "; start from the newest version",
              Blame::Client);
}

Result<LogStore::State> LogStore::read_state(sql::Connection& db, std::int64_t control_plane) {
  State state;
  // The name too: an id may be another's by now, if the control plane was dropped.
  const sql::ValueView values[] = {control_plane, control_plane_name_};
  TRY(db.query("SELECT epoch, number, horizon FROM control_planes WHERE id = $1 AND name = $2", values,
               [&](const sql::Row& row) -> Result<> {
                 state.head = {static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))};
                 state.horizon = static_cast<std::uint64_t>(row.integer(2));
                 return {};
               }));
  TRY(db.query("SELECT epoch, begins_after FROM epochs WHERE control_plane = $1 ORDER BY epoch",
               sql::Values(values).first(1), [&](const sql::Row& row) -> Result<> {
                 state.epochs.push_back(
                     {static_cast<std::uint64_t>(row.integer(0)), static_cast<std::uint64_t>(row.integer(1))});
                 return {};
               }));
  if (state.head.epoch == 0)
    return fail(Errc::NotFound, shared_->database->name() + ": the control plane is gone from it");
  return state;
}

Result<Version> LogStore::head() {
  return in_transaction(sql::Access::Read, [this](sql::Connection& db) -> Result<Version> {
    TRY(const State state, read_state(db));
    return state.head;
  });
}

Result<Version> LogStore::horizon() {
  return in_transaction(sql::Access::Read, [this](sql::Connection& db) -> Result<Version> {
    TRY(const State state, read_state(db));
    return state.version_of(state.horizon);
  });
}

Result<bool> LogStore::wait_for_change(Version known, Millis timeout) {
  const std::lock_guard lock(shared_->waiting_mutex);
  TRY(listen());
  // Whoever commits after this look wakes us: listening began before it.
  TRY(const Version now, head());
  if (now != known) return true;
  TRY(const bool woken, shared_->listener->wait(timeout));
  if (!woken) return false;
  TRY(const Version then, head());
  return then != known;
}

Result<> LogStore::listen() {
  close_idle_looker();  // whoever follows the log comes here all the time
  if (shared_->listener != nullptr && !shared_->listener->usable()) shared_->listener.reset();
  if (shared_->listener != nullptr) return {};
  TRY(auto made, shared_->database->connect());
  TRY(made->listen());
  shared_->listener = std::move(made);
  return {};
}

Result<Heads> LogStore::read_heads(sql::Connection& db) {
  Heads heads;
  TRY(db.query("SELECT name, epoch, number FROM control_planes", {}, [&](const sql::Row& row) -> Result<> {
    heads[std::string(row.text(0))] = {static_cast<std::uint64_t>(row.integer(1)),
                                       static_cast<std::uint64_t>(row.integer(2))};
    return {};
  }));
  return heads;
}

Result<Heads> LogStore::heads() {
  return in_transaction(sql::Access::Read, [this](sql::Connection& db) { return read_heads(db); });
}

Result<Heads> LogStore::wait_for_changes(const Heads& known, Millis timeout) {
  const std::lock_guard lock(shared_->waiting_mutex);
  TRY(listen());
  TRY(Heads now, heads());
  if (now != known) return now;
  TRY(const bool woken, shared_->listener->wait(timeout));
  if (!woken) return now;
  return heads();
}

// Reading -------------------------------------------------------------------------------------------------------------

Result<std::vector<sync::EntityRow>> LogStore::read_rows(sql::Connection& db, std::string_view condition,
                                                         std::uint64_t number) {
  std::vector<sync::EntityRow> rows;
  const std::string statement =
      "SELECT type, id, workspace, document FROM changes WHERE control_plane = $1 AND document IS NOT NULL AND " +
      std::string(condition) + " ORDER BY number, ordinal";
  const sql::ValueView values[] = {control_plane_, signed_of(number)};
  const bool numbered = condition.find("$2") != condition.npos;
  TRY(db.query(statement, sql::Values(values).first(numbered ? 2 : 1), [&](const sql::Row& row) -> Result<> {
    TRY(auto entity, opened(row));
    rows.push_back(std::move(entity));
    return {};
  }));
  return rows;
}

/// Of the columns type, id, workspace, document.
Result<sync::EntityRow> LogStore::opened(const sql::Row& row) {
  sync::EntityRow entity{std::string(row.text(0)), from_octets(row.text(1)), nullptr, from_octets(row.text(2))};
  TRY(auto document, shared_->sealer.open(entity.type, entity.id, row.text(3)));
  entity.document = std::make_shared<const std::string>(std::move(document));
  return entity;
}

Result<Contents> LogStore::read_current(sql::Connection& db, const State& state) {
  Contents contents{.version = state.head};
  std::unordered_map<Uuid, std::vector<Touched>> touched;  // a handful of types in each of perhaps many workspaces
  const sql::ValueView values[] = {control_plane_};
  TRY(
      db.query("SELECT type, id, workspace, document, number FROM changes WHERE control_plane = $1 AND ended IS NULL "
               "ORDER BY number, ordinal",
               values, [&](const sql::Row& row) -> Result<> {
                 const Uuid workspace = from_octets(row.text(2));
                 auto& types = touched[workspace];
                 auto at = std::ranges::find(types, row.text(0), &Touched::type);
                 if (at == types.end()) at = types.insert(at, Touched{std::string(row.text(0)), workspace, {}});
                 at->version = state.version_of(static_cast<std::uint64_t>(row.integer(4)));
                 if (row.is_null(3)) return {};  // a deletion
                 TRY(auto entity, opened(row));
                 contents.rows.push_back(std::move(entity));
                 return {};
               }));
  for (auto& [workspace, types] : touched) std::ranges::move(types, std::back_inserter(contents.touched));
  return contents;
}

Result<Contents> LogStore::load() {
  return in_transaction(sql::Access::Read, [this](sql::Connection& db) -> Result<Contents> {
    // A restored backup may have given the control plane another id in the tables.
    const sql::ValueView name[] = {control_plane_name_};
    TRY(db.query("SELECT id FROM control_planes WHERE name = $1", name, [&](const sql::Row& row) -> Result<> {
      control_plane_ = row.integer(0);
      return {};
    }));
    TRY(const State state, read_state(db));
    return read_current(db, state);
  });
}

Result<Contents> LogStore::at(Version version) {
  return in_transaction(sql::Access::Read, [&](sql::Connection& db) -> Result<Contents> {
    TRY(const State state, read_state(db));
    if (!state.knows(version)) return gone(state, version);
    TRY(auto rows, read_rows(db, "number <= $2 AND (ended IS NULL OR ended > $2)", version.number));
    return Contents{.version = version, .rows = std::move(rows)};
  });
}

Result<LogPart> LogStore::read_log(Version after, std::size_t limit) {
  return in_transaction(sql::Access::Read, [&](sql::Connection& db) -> Result<LogPart> {
    TRY(const State state, read_state(db));
    if (after.epoch != state.head.epoch || !state.knows(after)) return gone(state, after);
    LogPart part{.reached = state.head};
    std::vector<LogEntry>& entries = part.entries;
    const auto take = [&](const sql::Row& row) -> Result<> {
      LogEntry entry;
      entry.version = state.version_of(static_cast<std::uint64_t>(row.integer(0)));
      entry.type = row.text(1);
      entry.id = from_octets(row.text(2));
      entry.workspace = from_octets(row.text(3));
      entry.author = row.text(5);
      entry.when = SysTime(Millis(row.integer(6)));
      if (!row.is_null(4)) {
        TRY(auto document, shared_->sealer.open(entry.type, entry.id, row.text(4)));
        entry.document = std::make_shared<const std::string>(std::move(document));
      }
      entries.push_back(std::move(entry));
      return {};
    };
    constexpr std::string_view kColumns = "number, type, id, workspace, document, author, made_at";
    const std::size_t wanted = std::max<std::size_t>(limit, 1);
    const sql::ValueView values[] = {control_plane_, signed_of(after.number), static_cast<std::int64_t>(wanted + 1)};
    TRY(db.query("SELECT " + std::string(kColumns) +
                     " FROM changes WHERE control_plane = $1 AND number > $2 ORDER BY number, ordinal LIMIT $3",
                 values, take));
    if (entries.size() <= wanted) return part;
    // The last version may be cut off: leave it for the next call, or read the whole of it when it is the only one.
    const Version last = entries.back().version;
    std::erase_if(entries, [&](const LogEntry& entry) { return entry.version == last; });
    part.reached = entries.empty() ? last : entries.back().version;
    if (!entries.empty()) return part;
    const sql::ValueView one[] = {control_plane_, signed_of(last.number)};
    TRY(db.query(
        "SELECT " + std::string(kColumns) + " FROM changes WHERE control_plane = $1 AND number = $2 ORDER BY ordinal",
        one, take));
    return part;
  });
}

Result<LogPart> LogStore::read_touched(Version after, std::size_t most) {
  return in_transaction(sql::Access::Read, [&](sql::Connection& db) -> Result<LogPart> {
    TRY(const State state, read_state(db));
    if (after.epoch != state.head.epoch || !state.knows(after)) return gone(state, after);
    LogPart part{.reached = state.head};
    const sql::ValueView values[] = {control_plane_, signed_of(after.number), static_cast<std::int64_t>(most + 1)};
    TRY(
        db.query("SELECT number, type, id, workspace FROM changes WHERE control_plane = $1 AND number > $2 "
                 "ORDER BY number, ordinal LIMIT $3",
                 values, [&](const sql::Row& row) -> Result<> {
                   LogEntry& entry = part.entries.emplace_back();
                   entry.version = state.version_of(static_cast<std::uint64_t>(row.integer(0)));
                   entry.type = row.text(1);
                   entry.id = from_octets(row.text(2));
                   entry.workspace = from_octets(row.text(3));
                   return {};
                 }));
    if (part.entries.size() <= most) return part;
    const Version cut = part.entries.back().version;
    std::erase_if(part.entries, [&](const LogEntry& entry) { return entry.version == cut; });
    part.reached = part.entries.empty() ? after : part.entries.back().version;
    return part;
  });
}

Result<Commit> LogStore::changes_back_to(Version version) {
  return in_transaction(sql::Access::Read, [&](sql::Connection& db) -> Result<Commit> {
    TRY(const State state, read_state(db));
    if (!state.knows(version)) return gone(state, version);
    Commit change;
    // The plus keeps SQLite from reading all that began before, which is all of the log.
    TRY(change.upserts, read_rows(db, "+number <= $2 AND ended > $2 AND ended IS NOT NULL", version.number));
    std::vector<std::pair<std::string, Uuid>> put_back;
    put_back.reserve(change.upserts.size());
    for (const auto& row : change.upserts) put_back.emplace_back(row.type, row.id);
    std::ranges::sort(put_back);
    TRY(const auto newer, read_rows(db, "ended IS NULL AND number > $2", version.number));
    for (const auto& row : newer) {
      if (!std::ranges::binary_search(put_back, std::pair(row.type, row.id)))
        change.removals.push_back({row.type, row.id});
    }
    return change;
  });
}

// Small things --------------------------------------------------------------------------------------------------------

Result<std::optional<std::string>> LogStore::meta(std::string_view name) {
  TRY(auto found, metas(name));
  if (found.empty() || found.front().first != name) return std::nullopt;
  return std::move(found.front().second);
}

Result<std::vector<std::pair<std::string, std::string>>> LogStore::metas(std::string_view prefix) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  return in_transaction(sql::Access::Read, [&](sql::Connection& db) -> Result<Pairs> {
    Pairs pairs;
    const sql::ValueView values[] = {control_plane_, prefix};
    TRY(
        db.query("SELECT name, value FROM meta WHERE control_plane = $1 "
                 "AND substr(name, 1, length(CAST($2 AS TEXT))) = CAST($2 AS TEXT)",
                 values, [&](const sql::Row& row) -> Result<> {
                   pairs.emplace_back(row.text(0), row.text(1));
                   return {};
                 }));
    std::ranges::sort(pairs);  // databases differ in how they order text
    return pairs;
  });
}

Result<> LogStore::set_meta(std::string_view name, std::string_view value) {
  return in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<> {
    const sql::ValueView values[] = {control_plane_, name, value};
    return db.queue(
        "INSERT INTO meta (control_plane, name, value) VALUES ($1, $2, $3) "
        "ON CONFLICT (control_plane, name) DO UPDATE SET value = excluded.value",
        values);
  });
}

Result<> LogStore::erase_meta(std::string_view name) {
  return in_transaction(sql::Access::Write, [&](sql::Connection& db) -> Result<> {
    const sql::ValueView values[] = {control_plane_, name};
    return db.queue("DELETE FROM meta WHERE control_plane = $1 AND name = $2", values);
  });
}

}  // namespace sluice::store
