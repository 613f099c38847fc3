// SPDX-License-Identifier: Apache-2.0
#include "store/sql/sqlite.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace sluice::store::sql {
namespace {

/// Beyond it the log is copied back and cut at the next chance. Automatic checkpoints begin at 4 MB, but cannot cut
/// what a long reader still needs.
constexpr int kLongLogPages = 64 * 1024 * 1024 / 4096;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  [[nodiscard]] bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::int64_t integer(int column) const override { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string_view text(int column) const override {
    const void* data = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {static_cast<const char*>(data), data != nullptr ? size : 0};
  }

 private:
  sqlite3_stmt* statement_;
};

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(sqlite3* db, std::string name) : name_(std::move(name)), db_(db) {}
  ~SqliteConnection() override { statements_.clear(); }

  Result<> script(std::string_view statements) override {
    if (sqlite3_exec(db_.get(), std::string(statements).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      return failure();
    }
    return {};
  }

  Result<std::uint64_t> run(std::string_view statement, Values values) override {
    TRY(query(statement, values, [](const Row&) -> Result<> { return {}; }));
    return static_cast<std::uint64_t>(sqlite3_changes64(db_.get()));
  }

  Result<> query(std::string_view statement, Values values, const EachRow& each) override {
    TRY(sqlite3_stmt* const prepared, prepare(statement));
    bind(prepared, values);
    const SqliteRow row(prepared);
    Result<> result;
    int status = SQLITE_ROW;
    while (result && (status = sqlite3_step(prepared)) == SQLITE_ROW) result = each(row);
    if (result && status != SQLITE_DONE) result = failure();
    sqlite3_reset(prepared);
    sqlite3_clear_bindings(prepared);
    return result;
  }

  Result<> queue(std::string_view statement, Values values) override {
    TRY(run(statement, values));
    return {};
  }

  Result<> begin(Access access) override { return script(access == Access::Write ? "BEGIN IMMEDIATE" : "BEGIN"); }

  Result<> commit() override {
    TRY(script("COMMIT"));
    if (log_pages_ > kLongLogPages) {
      // Without waiting: if a reader is in the way, it is tried again after the next commit.
      sqlite3_busy_timeout(db_.get(), 0);
      sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, &log_pages_, nullptr);
      sqlite3_busy_timeout(db_.get(), busy_timeout_ms_);
    }
    return {};
  }

  void rollback() override {
    if (sqlite3_get_autocommit(db_.get()) == 0) sqlite3_exec(db_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  [[nodiscard]] bool usable() const override { return true; }
  Result<std::string> transaction_name() override { return std::string(); }
  Result<Outcome> outcome(std::string_view) override { return Outcome::Aborted; }
  Result<> lock_for_upgrade(Millis) override { return {}; }  // BEGIN IMMEDIATE has done it
  Result<> be_brief() override { return {}; }                // nothing of ours waits in the middle of a transaction
  void take_time(Millis, const std::atomic<bool>& give_up) override {
    constexpr int kLookEvery = 10'000;  // of its virtual machine's instructions
    const auto over = [](void* flag) { return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0; };
    sqlite3_progress_handler(db_.get(), kLookEvery, over, const_cast<std::atomic<bool>*>(&give_up));
  }
  Result<> build_index(const Index& index) override {
    return script("CREATE INDEX IF NOT EXISTS " + std::string(index.name) + " ON " + std::string(index.on));
  }

  Result<> notify() override { return {}; }
  Result<> listen() override {
    TRY(seen_, data_version());
    return {};
  }
  /// Other connections' commits show in a counter of the shared memory, so looking costs no system call worth counting.
  Result<bool> wait(Millis timeout) override {
    constexpr Millis kStep{50};
    for (Millis left = timeout;; left -= kStep) {
      TRY(const auto now, data_version());
      if (std::exchange(seen_, now) != now) return true;
      if (left <= Millis::zero()) return false;
      std::this_thread::sleep_for(std::min(left, kStep));
    }
  }

  /// Settings of the connection, and what it calls back.
  Result<> prepare_for(SqliteFile::Use use, Millis busy_timeout) {
    busy_timeout_ms_ = static_cast<int>(busy_timeout.count());
    sqlite3_busy_timeout(db_.get(), busy_timeout_ms_);
    TRY(script("PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16000;"));
    if (use == SqliteFile::Use::NewBackup) return script("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;");
    if (use == SqliteFile::Use::Backup) return script("PRAGMA query_only=ON;");
    TRY(script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;"));
    sqlite3_wal_hook(
        db_.get(),
        [](void* self, sqlite3* db, const char* schema, int pages) {
          static_cast<SqliteConnection*>(self)->log_pages_ = pages;
          constexpr int kCheckpointAt = 1000;
          if (pages >= kCheckpointAt) sqlite3_wal_checkpoint(db, schema);
          return SQLITE_OK;
        },
        this);
    return {};
  }

  /// What SQLite reported last, in our terms.
  [[nodiscard]] std::unexpected<Error> failure() const {
    const int code = sqlite3_extended_errcode(db_.get());
    const std::string what = name_ + ": " + sqlite3_errmsg(db_.get());
    const bool no_space = sqlite3_system_errno(db_.get()) == ENOSPC && (code & 0xFF) == SQLITE_IOERR;
    switch (no_space ? SQLITE_FULL : code & 0xFF) {
      case SQLITE_CONSTRAINT:
        return fail(Errc::Conflict, what, Blame::Us);
      case SQLITE_FULL:
        return fail(Errc::TooLarge, what + "; free some space, then it goes on by itself", Blame::System, Retry::Safe);
      case SQLITE_BUSY:
      case SQLITE_LOCKED:
        return fail(Errc::Unavailable, what + ": another process holds it; end that process, or try again",
                    Blame::System, Retry::Safe);
      case SQLITE_INTERRUPT:
        return fail(Errc::Unavailable, what + ": the store is being closed", Blame::System, Retry::Safe);
      case SQLITE_PERM:
      case SQLITE_READONLY:
      case SQLITE_CANTOPEN:
      case SQLITE_AUTH:
        return fail(Errc::Forbidden, what + "; check owner and permissions of the file and its folder", Blame::System);
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        return fail(Errc::Io, what + "; put it aside and restore a backup", Blame::System);
      default:
        return fail(Errc::Io, what + " (" + std::to_string(code) + "); check the disk", Blame::System);
    }
  }

 private:
  Result<sqlite3_stmt*> prepare(std::string_view statement) {
    if (const auto known = statements_.find(statement); known != statements_.end()) return known->second.get();
    std::string text(statement);
    std::ranges::replace(text, '$', '?');
    sqlite3_stmt* made = nullptr;
    const int size = static_cast<int>(text.size());
    if (sqlite3_prepare_v3(db_.get(), text.data(), size, SQLITE_PREPARE_PERSISTENT, &made, nullptr) != SQLITE_OK) {
      return failure();
    }
    return statements_.emplace(statement, Statement(made)).first->second.get();
  }

  /// Borrows the values: the statement is reset before query() returns.
  static void bind(sqlite3_stmt* statement, Values values) {
    int at = 0;
    for (const auto& value : values) {
      ++at;
      if (const auto* number = std::get_if<std::int64_t>(&value)) {
        sqlite3_bind_int64(statement, at, *number);
      } else if (const auto* text = std::get_if<std::string_view>(&value)) {
        const char* data = text->data() != nullptr ? text->data() : "";
        sqlite3_bind_text64(statement, at, data, text->size(), SQLITE_STATIC, SQLITE_UTF8);
      } else if (const auto* octets = std::get_if<OctetsView>(&value)) {
        const char* data = octets->data.data() != nullptr ? octets->data.data() : "";
        sqlite3_bind_blob64(statement, at, data, octets->data.size(), SQLITE_STATIC);
      }
    }
  }

  Result<std::int64_t> data_version() {
    std::int64_t version = 0;
    TRY(query("PRAGMA data_version", {}, [&](const Row& row) -> Result<> {
      version = row.integer(0);
      return {};
    }));
    return version;
  }

  const std::string name_;
  std::unique_ptr<sqlite3, CloseDatabase> db_;
  std::map<std::string, Statement, std::less<>> statements_;
  int busy_timeout_ms_ = 0;
  int log_pages_ = 0;
  std::int64_t seen_ = 0;
};

class SqliteDatabase final : public Database {
 public:
  explicit SqliteDatabase(SqliteFile options) : options_(std::move(options)), name_("store " + options_.file) {}

  Result<std::unique_ptr<Connection>> connect() override {
    using Use = SqliteFile::Use;
    if (options_.use != Use::Backup) TRY(make_file());
    const int mode = options_.use == Use::Backup ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    sqlite3* opened = nullptr;
    const int status = sqlite3_open_v2(options_.file.c_str(), &opened, mode | SQLITE_OPEN_NOMUTEX,
                                       options_.vfs.empty() ? nullptr : options_.vfs.c_str());
    auto connection = std::make_unique<SqliteConnection>(opened, name_);
    if (status != SQLITE_OK) return connection->failure();
    TRY(connection->prepare_for(options_.use, options_.busy_timeout));
    return connection;
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool shared() const override { return false; }

 private:
  [[nodiscard]] std::unexpected<Error> system_error(std::string_view doing) const {
    const int number = errno;
    return fail(number == ENOSPC ? Errc::TooLarge : Errc::Forbidden,
                name_ + ": cannot " + std::string(doing) + ": " + std::strerror(number) +
                    "; check owner, permissions and free space of its folder",
                Blame::System);
  }

  /// Made by us rather than by SQLite, for its permissions: secrets are sealed in it, names and addresses are not.
  Result<> make_file() {
    const auto folder = std::filesystem::path(options_.file).parent_path();
    std::error_code error;
    if (!folder.empty() && std::filesystem::create_directories(folder, error)) ::chmod(folder.c_str(), 0700);
    // Never opened when it is there: closing a descriptor of it would drop the locks of this process's connections.
    const int file = ::open(options_.file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST && options_.use == SqliteFile::Use::Store) return {};
    if (file < 0) return system_error("make it");
    ::close(file);
    return {};
  }

  const SqliteFile options_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<Database> sqlite_database(SqliteFile file) {
  return std::make_unique<SqliteDatabase>(std::move(file));
}

}  // namespace sluice::store::sql
