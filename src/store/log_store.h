// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/durable.h"
#include "store/lookup.h"
#include "store/sealing.h"
#include "store/sql/connection.h"

namespace sluice::store {

/// The durable store on any SQL database of ours. format.cc has the tables.
class LogStore final : public DurableStore {
 public:
  /// See open_sqlite(). `catalog` and `keyring` outlive it.
  static Result<std::unique_ptr<DurableStore>> open(std::unique_ptr<sql::Database> database,
                                                    const std::string& control_plane, const entity::Catalog& catalog,
                                                    Keyring& keyring);

  Result<Contents> load() override;
  std::expected<Version, CommitError> commit(Version expected, std::span<const Commit> group) override;
  Result<LogPart> read_log(Version after, std::size_t limit) override;
  Result<LogPart> read_touched(Version after, std::size_t most) override;
  Result<Contents> at(Version version) override;
  Result<Commit> changes_back_to(Version version) override;
  Result<Trail> trail(const TrailQuery& query) override;
  Result<HistoryPart> history(const HistoryQuery& query) override;
  Result<Differences> differences(const DifferenceQuery& query) override;
  Result<> compact(SysTime older_than, std::uint64_t keep) override;
  using DurableStore::compact;
  void stop_looking_back() override { shared_->looks_no_more = true; }
  Result<Version> head() override;
  Result<Version> horizon() override;
  Result<bool> wait_for_change(Version known, Millis timeout) override;
  Result<Heads> heads() override;
  Result<Heads> wait_for_changes(const Heads& known, Millis timeout) override;
  Result<std::unique_ptr<DurableStore>> another(const std::string& control_plane) override;
  [[nodiscard]] bool shared() const override { return shared_->database->shared(); }
  Result<> backup(const std::string& file, WithKey with_key) override;
  Result<Version> restore(const std::string& file) override;
  Result<> rotate_key() override;
  Result<std::size_t> reseal() override;
  Result<std::optional<std::string>> meta(std::string_view name) override;
  Result<std::vector<std::pair<std::string, std::string>>> metas(std::string_view prefix) override;
  Result<> set_meta(std::string_view name, std::string_view value) override;
  Result<> erase_meta(std::string_view name) override;

 private:
  /// Where an epoch begins: behind this number.
  struct Epoch {
    std::uint64_t epoch = 0;
    std::uint64_t begins_after = 0;
  };
  /// The control plane's row, and how its epochs follow each other.
  struct State {
    Version head;
    std::uint64_t horizon = 0;
    std::vector<Epoch> epochs;

    [[nodiscard]] Version version_of(std::uint64_t number) const;
    [[nodiscard]] bool knows(const Version& version) const;
  };
  /// What a row of `changes` is bound to within a commit.
  struct Place {
    std::uint64_t number = 0;
    std::int64_t ordinal = 0;
    std::string_view author;
    std::string_view note;
    std::int64_t made_at = 0;
  };

  /// A database, and what the stores of its control planes have in common. Whichever goes last closes it.
  struct Shared {
    Shared(std::unique_ptr<sql::Database> opened, const entity::Catalog& known, Keyring& of_store)
        : database(std::move(opened)), catalog(known), keyring(of_store), sealer(known, of_store), keys(of_store) {}

    const std::unique_ptr<sql::Database> database;
    const entity::Catalog& catalog;
    Keyring& keyring;

    std::mutex mutex;  // of what follows
    std::unique_ptr<sql::Connection> connection;
    Sealer sealer;

    std::mutex looking_mutex;  // of the connection for looking back; never waited for by who holds the one above
    std::atomic<bool> looks_no_more{false};
    std::unique_ptr<sql::Connection> looker;
    std::chrono::steady_clock::time_point looked_at;  // when it was last used

    std::mutex keys_mutex;  // held for a moment only
    Keyring keys;           // the keyring's copy for looking back; what it lacks is in the file

    std::mutex waiting_mutex;  // of the listener
    std::unique_ptr<sql::Connection> listener;
  };

  LogStore(std::shared_ptr<Shared> shared, std::string control_plane)
      : shared_(std::move(shared)), control_plane_name_(std::move(control_plane)) {}

  /// With others who prepare or restore the same database: of a start, and of those whom somebody waits for.
  static constexpr Millis kStartPatience{600'000};
  static constexpr Millis kLockPatience{5'000};

  Result<> prepare();
  Result<> check_keyring(sql::Connection& db);
  Result<> find_control_plane(sql::Connection& db);
  using Kept = std::unique_ptr<sql::Connection>;
  /// The connection that is kept there, made anew if the last one was lost.
  Result<sql::Connection*> connection(Kept& kept);
  /// Begins a transaction, on a new connection if the old one turns out to be lost: nothing has happened on it yet.
  Result<> begin(Kept& kept, std::optional<sql::Transaction>& transaction, sql::Access access);
  /// Runs `work` on a connection within a transaction. Its Result is returned.
  template <class Work>
  auto within(Kept& kept, sql::Access access, const Work& work) -> decltype(work(std::declval<sql::Connection&>())) {
    std::optional<sql::Transaction> transaction;
    TRY(begin(kept, transaction, access));
    auto result = work(*kept);
    if (result) TRY(transaction->commit());
    return result;
  }
  /// The same on the connection that commits, alone.
  template <class Work>
  auto in_transaction(sql::Access access, const Work& work) -> decltype(work(std::declval<sql::Connection&>())) {
    const std::lock_guard lock(shared_->mutex);
    return within(shared_->connection, access, work);
  }
  /// The same on a connection beside it, for what reads much of the log: nobody who commits waits for it, and it sees
  /// one state of the database. `work` may not use what commits change, such as `control_plane_` and the sealer.
  template <class Work>
  auto looking_back(const Work& work) -> decltype(work(std::declval<sql::Connection&>())) {
    const std::lock_guard lock(shared_->looking_mutex);
    if (shared_->looks_no_more) return fail(Errc::Unavailable, "the store is being closed");
    auto result = within(shared_->looker, sql::Access::Read, work);
    shared_->looked_at = std::chrono::steady_clock::now();
    return result;
  }
  /// The control plane's id in the state of the database that a transaction sees; 0: it is not there.
  Result<std::int64_t> plane_in(sql::Connection& db);
  /// Gives those who look back the keys that the store has. To be called by who holds the mutex that commits hold, or
  /// before anybody else knows the store.
  void share_keys();
  Keyring copy_of_keys();
  /// Gives up the connection for looking back when nobody has looked for a while.
  void close_idle_looker();

  Result<State> read_state(sql::Connection& db) { return read_state(db, control_plane_); }
  Result<State> read_state(sql::Connection& db, std::int64_t control_plane);
  [[nodiscard]] std::unexpected<Error> gone(const State& state, const Version& version) const;
  /// The rows of `changes` that are no deletions and meet a condition, in which $2 is `number`.
  Result<std::vector<sync::EntityRow>> read_rows(sql::Connection& db, std::string_view condition, std::uint64_t number);
  /// All that is current, and when it became so.
  Result<Contents> read_current(sql::Connection& db, const State& state);
  Result<sync::EntityRow> opened(const sql::Row& row);

  Result<bool> claim(sql::Connection& db, Version expected, std::size_t versions);
  void follow_keyring();
  Result<> write_group(sql::Connection& db, Version expected, std::span<const Commit> group);
  Result<> write_row(sql::Connection& db, const sync::EntityRow& row, const Place& place);
  Result<> write_lookups(sql::Connection& db, std::int64_t control_plane, std::string_view type, const Uuid& id,
                         const Uuid& workspace, std::string_view document);
  Result<> remove_row(sql::Connection& db, const sync::EntityKey& key, const Place& place);
  static Result<> drop(sql::Connection& db, std::string_view control_plane);
  Result<Heads> read_heads(sql::Connection& db);
  /// The ids in the tables of all control planes.
  Result<std::vector<std::int64_t>> all_ids();
  Result<> compact_one(std::int64_t control_plane, SysTime older_than, std::uint64_t keep);
  /// Connects and listens, if that is still to be done.
  Result<> listen();
  /// What became of a commit whose connection was lost; the error it ended with otherwise.
  std::expected<Version, CommitError> resolve(std::string_view transaction, Version reached, Error error);

  /// Into a backup, and out of one.
  Result<> copy_into(sql::Connection& backup, WithKey with_key);
  Result<Version> take_over(sql::Connection& backup, sql::Connection& db);
  Result<> restore_lookups(sql::Connection& backup, sql::Connection& db);
  /// A piece of reseal() of one control plane, behind `place` which it moves on; nothing when there is no more.
  Result<std::optional<std::size_t>> reseal_some(std::int64_t control_plane, Place& place);

  const std::shared_ptr<Shared> shared_;
  const std::string control_plane_name_;
  std::int64_t control_plane_ = 0;  // its id in the tables; under the mutex that commits hold
};

}  // namespace sluice::store
