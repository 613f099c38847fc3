// SPDX-License-Identifier: Apache-2.0
#include "store/sql/postgres.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <libpq-fe.h>
#include <poll.h>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::store::sql {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBinary = 1;
/// A server that takes longer to let somebody in is as good as away: those who wait for a write are told in time.
constexpr Millis kConnectPatience{1'500};
/// After how long without an answer we look whether the server still lets anybody in, and how long that may take.
constexpr Millis kDoubt{1'000};
constexpr Millis kProbePatience{700};
/// Statements that travel together before we look at their results.
constexpr std::size_t kPipeline = 256;
/// Names of locks: arbitrary numbers of ours.
constexpr std::int64_t kUpgradeLock = 0x736C'7569'6365;
constexpr std::int64_t kIndexLock = kUpgradeLock + 1;
/// How often is asked for a lock that another process has, and is told that it has it still.
constexpr Millis kLockPause{200};
constexpr Millis kTellEvery{10'000};
constexpr std::string_view kTooManyConnections = "53300";  // too_many_connections

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultOf = std::unique_ptr<PGresult, Clear>;
struct FreeCancel {
  void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
};

template <class T>
T from_network(const char* octets) {
  T value;
  std::memcpy(&value, octets, sizeof value);
  return std::byteswap(value);
}

class PostgresRow final : public Row {
 public:
  explicit PostgresRow(const PGresult* result) : result_(result) {}
  [[nodiscard]] bool is_null(int column) const override { return PQgetisnull(result_, 0, column) != 0; }
  [[nodiscard]] std::int64_t integer(int column) const override {
    const char* octets = PQgetvalue(result_, 0, column);
    switch (PQgetlength(result_, 0, column)) {
      case 8:
        return from_network<std::int64_t>(octets);
      case 4:
        return from_network<std::int32_t>(octets);
      default:
        return 0;
    }
  }
  [[nodiscard]] std::string_view text(int column) const override {
    return {PQgetvalue(result_, 0, column), static_cast<std::size_t>(PQgetlength(result_, 0, column))};
  }

 private:
  const PGresult* result_;
};

/// Parameters in the binary form that libpq takes.
class Parameters {
 public:
  explicit Parameters(Values values) : numbers_(values.size()) {
    data_.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (const auto* number = std::get_if<std::int64_t>(&values[i])) {
        numbers_[i] = std::byteswap(*number);
        add(reinterpret_cast<const char*>(&numbers_[i]), sizeof(std::int64_t));
      } else if (const auto* text = std::get_if<std::string_view>(&values[i])) {
        add(text->data() != nullptr ? text->data() : "", text->size());
      } else if (const auto* octets = std::get_if<OctetsView>(&values[i])) {
        add(octets->data.data() != nullptr ? octets->data.data() : "", octets->data.size());
      } else {
        add(nullptr, 0);
      }
    }
  }
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  bool send(PGconn* connection, const std::string& statement) const {
    return PQsendQueryPrepared(connection, statement.c_str(), static_cast<int>(data_.size()), data_.data(),
                               sizes_.data(), formats_.data(), kBinary) == 1;
  }

 private:
  void add(const char* data, std::size_t size) {
    data_.push_back(data);
    sizes_.push_back(static_cast<int>(size));
    formats_.push_back(kBinary);
  }
  std::vector<std::int64_t> numbers_;
  std::vector<const char*> data_;
  std::vector<int> sizes_;
  std::vector<int> formats_;
};

Errc code_of(std::string_view sqlstate) {
  if (sqlstate.starts_with("23")) return Errc::Conflict;
  if (sqlstate == "53100") return Errc::TooLarge;  // disk_full
  if (sqlstate.starts_with("08")) return Errc::Closed;
  // Out of connections or memory, shutting down, cancelled, locked, serialisation: later it may do.
  for (const char* passing : {"53", "57", "55", "40"}) {
    if (sqlstate.starts_with(passing)) return Errc::Unavailable;
  }
  if (sqlstate == "42501" || sqlstate.starts_with("28") || sqlstate.starts_with("3D")) return Errc::Forbidden;
  return Errc::Io;
}

std::string_view remedy(Errc code) {
  switch (code) {
    case Errc::TooLarge:
      return "; free space on the database server, then it goes on by itself";
    case Errc::Closed:
    case Errc::Timeout:
    case Errc::Unavailable:
      return "; check that the database server runs and can be reached, then it goes on by itself";
    case Errc::Forbidden:
      return "; check pg_user, pg_password, pg_database and the rights of that user";
    default:
      return "";
  }
}

class PostgresConnection final : public Connection {
 public:
  PostgresConnection(const PostgresOptions& options, const std::string& name) : options_(options), name_(name) {}

  Result<> open() {
    TRY(start());
    TRY(establish(std::min(options_.timeout, kConnectPatience)));
    PQsetnonblocking(connection_.get(), 1);
    PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
    // Durability is not left to the server's defaults; whatever is stronger than "on" stays.
    return script("SET search_path TO " + quoted_schema() +
                  "; SELECT set_config('synchronous_commit', 'on', false) "
                  "WHERE current_setting('synchronous_commit') = 'off'");
  }

  /// Whether the server is alive: lets somebody in at this moment, or says that it is full.
  bool answers() {
    if (!start()) return false;
    PQsetErrorVerbosity(connection_.get(), PQERRORS_SQLSTATE);
    const auto let_in = establish(kProbePatience);
    return let_in || let_in.error().what.contains(kTooManyConnections);
  }
  Result<> script(std::string_view statements) override {
    TRY(flush());
    if (PQsendQuery(connection_.get(), std::string(statements).c_str()) != 1) return lost();
    TRY(finish_query([](const Row&) -> Result<> { return {}; }));
    return {};
  }

  Result<std::uint64_t> run(std::string_view statement, Values values) override {
    return execute(statement, values, [](const Row&) -> Result<> { return {}; });
  }

  Result<> query(std::string_view statement, Values values, const EachRow& each) override {
    TRY(execute(statement, values, each));
    return {};
  }

  Result<> queue(std::string_view statement, Values values) override {
    const auto known = statements_.find(statement);
    if (known == statements_.end()) TRY(prepare(statement));
    if (queued_ == 0 && PQenterPipelineMode(connection_.get()) != 1) return lost();
    ++queued_;
    if (!Parameters(values).send(connection_.get(), statements_.find(statement)->second)) return lost();
    return queued_ < kPipeline ? Result<>() : flush();
  }

  Result<> begin(Access access) override {
    TRY(run(access == Access::Write ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}));
    return {};
  }

  Result<> commit() override {
    TRY(queue("COMMIT", {}));
    return flush();
  }

  void rollback() override {
    if (!usable()) return;
    static_cast<void>(flush());
    if (usable() && PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) static_cast<void>(script("ROLLBACK"));
  }

  [[nodiscard]] bool usable() const override {
    return usable_ && connection_ != nullptr && PQstatus(connection_.get()) == CONNECTION_OK;
  }

  Result<std::string> transaction_name() override { return read_text("SELECT CAST(pg_current_xact_id() AS TEXT)", {}); }

  Result<Outcome> outcome(std::string_view transaction_name) override {
    const ValueView values[] = {transaction_name};
    TRY(const auto status, read_text("SELECT pg_xact_status(CAST(CAST($1 AS TEXT) AS xid8))", values));
    if (status == "committed") return Outcome::Committed;
    return status == "aborted" ? Outcome::Aborted : Outcome::Unknown;
  }

  Result<> lock_for_upgrade(Millis patience) override {
    TRY(acquire("SELECT CAST(pg_try_advisory_xact_lock($1) AS TEXT)", kUpgradeLock, patience));
    // Not IF NOT EXISTS: that takes a right which the user needs only once.
    const ValueView schema[] = {options_.schema};
    TRY(const auto found,
        read_text("SELECT CAST(nspname AS TEXT) FROM pg_namespace WHERE nspname = CAST($1 AS TEXT)", schema));
    return found.empty() ? script("CREATE SCHEMA " + quoted_schema()) : Result<>();
  }

  Result<> be_brief() override { return script("SET LOCAL lock_timeout = '1s'"); }

  void take_time(Millis patience, const std::atomic<bool>& give_up) override {
    patience_ = patience;
    give_up_ = &give_up;
  }

  /// In the way that keeps no writer waiting, and whatever limits the user's role has: a start that is cut short at it
  /// begins anew each time.
  Result<> build_index(const Index& index) override {
    TRY(acquire("SELECT CAST(pg_try_advisory_lock($1) AS TEXT)", kIndexLock, Millis::max()));
    TRY(script("SET statement_timeout = 0; SET lock_timeout = 0"));
    long_since_ = told_ = Clock::now();
    auto built = build_index_alone(index);
    long_since_.reset();
    if (usable()) TRY(script("RESET statement_timeout; RESET lock_timeout"));
    // A lock of the session's, not of a transaction's. On a lost connection it is gone already.
    const ValueView lock[] = {kIndexLock};
    auto unlocked = usable() ? read_text("SELECT CAST(pg_advisory_unlock($1) AS TEXT)", lock) : std::string();
    if (built && !unlocked) return std::unexpected(std::move(unlocked).error());
    return built;
  }

  Result<> notify() override {
    const ValueView values[] = {options_.schema};
    return queue("SELECT pg_notify(CAST($1 AS TEXT), '')", values);
  }

  Result<> listen() override { return script("LISTEN " + quoted_schema()); }

  Result<bool> wait(Millis timeout) override {
    const auto end = Clock::now() + timeout;
    for (;;) {
      bool notified = false;
      while (PGnotify* one = PQnotifies(connection_.get())) {
        PQfreemem(one);
        notified = true;
      }
      if (notified) return true;
      const auto left = std::chrono::ceil<Millis>(end - Clock::now());
      if (left <= Millis::zero()) return false;
      TRY(const bool ready, poll_socket(POLLIN, left));
      if (!ready) return false;
      if (PQconsumeInput(connection_.get()) != 1) return lost();
    }
  }

 private:
  [[nodiscard]] const char* ssl_mode() const {
    if (!options_.ssl) return "disable";
    return options_.ssl_verify ? "verify-full" : "require";
  }

  [[nodiscard]] std::string quoted_schema() const {
    std::string quoted = "\"";
    for (const char c : options_.schema) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
  }

  /// Begins to connect; only the resolution of the host's name may block.
  Result<> start() {
    const std::string port = std::to_string(options_.port);
    const std::string patience = std::to_string(options_.timeout.count());
    std::vector<std::pair<const char*, const char*>> wanted = {
        {"host", options_.host.c_str()},        {"port", port.c_str()},      {"user", options_.user.c_str()},
        {"dbname", options_.database.c_str()},  {"client_encoding", "UTF8"}, {"application_name", "sluice"},
        {"tcp_user_timeout", patience.c_str()}, {"sslmode", ssl_mode()}};
    if (!options_.password.empty()) wanted.emplace_back("password", options_.password.reveal().c_str());
    if (options_.ssl) {
      const bool own = !options_.ssl_root_certificate.empty();
      if (own) wanted.emplace_back("sslrootcert", options_.ssl_root_certificate.c_str());
    }
    std::vector<const char*> names;
    std::vector<const char*> values;
    for (const auto& [key, value] : wanted) {
      names.push_back(key);
      values.push_back(value);
    }
    names.push_back(nullptr);
    values.push_back(nullptr);
    connection_.reset(PQconnectStartParams(names.data(), values.data(), 0));
    if (connection_ == nullptr) return lost(Errc::Unavailable, "out of memory");
    return {};
  }

  Result<> establish(Millis patience) {
    const auto end = Clock::now() + patience;
    for (auto state = PGRES_POLLING_WRITING; state != PGRES_POLLING_OK;) {
      if (PQstatus(connection_.get()) == CONNECTION_BAD || state == PGRES_POLLING_FAILED) return refused();
      const auto left = std::chrono::ceil<Millis>(end - Clock::now());
      const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
      if (left <= Millis::zero()) return lost(Errc::Unavailable, "does not accept a connection in time");
      TRY(const bool ready, poll_socket(events, left));
      if (!ready) return lost(Errc::Unavailable, "does not accept a connection in time");
      state = PQconnectPoll(connection_.get());
    }
    return {};
  }

  [[nodiscard]] std::unexpected<Error> refused() {
    const std::string_view text = trim(PQerrorMessage(connection_.get()));
    // libpq gives no code for a failed connection.
    const bool rights = text.contains("authentication") || text.contains("does not exist") || text.contains("pg_hba");
    return lost(rights ? Errc::Forbidden : Errc::Unavailable, text);
  }

  /// False after `timeout` without an event.
  Result<bool> poll_socket(short events, Millis timeout) {
    pollfd one{PQsocket(connection_.get()), events, 0};
    for (;;) {
      const int status = ::poll(&one, 1, static_cast<int>(timeout.count()));
      if (status >= 0) return status > 0;
      if (errno != EINTR) return lost(Errc::Closed, std::strerror(errno));
    }
  }

  /// Sends what is left to send, and waits until a result can be taken without waiting. A slow server is given its
  /// time; one that is stopped is not, which another connection shows.
  Result<> await_result() {
    Millis silent{0};
    while (PQisBusy(connection_.get()) != 0) {
      const int unsent = PQflush(connection_.get());
      if (unsent < 0) return lost();
      const auto events = static_cast<short>(unsent == 1 ? POLLIN | POLLOUT : POLLIN);
      const Millis step = std::min(kDoubt, patience_ - silent);
      TRY(const bool ready, poll_socket(events, step));
      silent = ready || long_since_ ? Millis(0) : silent + step;
      if (ready && PQconsumeInput(connection_.get()) != 1) return lost();
      if (give_up_ != nullptr && *give_up_) return give_up("the store is being closed");
      if (ready) continue;
      if (!PostgresConnection(options_, name_).answers()) return lost(Errc::Timeout, silence(silent));
      if (silent >= patience_) return give_up(silence(silent));
      if (long_since_) tell_of_index();
    }
    return {};
  }

  static std::string silence(Millis silent) { return "no sign of life for " + std::to_string(silent.count()) + " ms"; }

  /// The server hears of it where it has only read: a COMMIT that waits for a standby must not be told to do without.
  std::unexpected<Error> give_up(std::string_view why) {
    if (give_up_ == nullptr) return lost(Errc::Timeout, why);
    const std::unique_ptr<PGcancel, FreeCancel> cancel(PQgetCancel(connection_.get()));
    std::array<char, 256> error{};
    const bool heard = cancel != nullptr && PostgresConnection(options_, name_).answers();  // PQcancel() knows no limit
    if (heard) PQcancel(cancel.get(), error.data(), static_cast<int>(error.size()));
    return lost(Errc::Unavailable, why);
  }

  /// Asks for a lock with a statement that says "true" when it is ours: again and again, since who waits in a statement
  /// is given up after a while, and is one of those that the server waits for before it takes an index into use.
  Result<> acquire(std::string_view statement, std::int64_t lock, Millis patience) {
    const ValueView values[] = {lock};
    const auto start = Clock::now();
    told_ = start;
    for (;;) {
      TRY(const auto taken, read_text(statement, values));
      if (taken == "true") return {};
      if (std::chrono::floor<Millis>(Clock::now() - start) >= patience) {
        return fail(Errc::Unavailable,
                    name_ + ": another process prepares or restores the store, " + holders_of(lock) + "; try again",
                    Blame::System, Retry::Safe);
      }
      if (is_time_to_tell()) {
        log::info("store.waiting", {{"store", name_},
                                    {"for", lock == kIndexLock ? "an index that another process makes"
                                                               : "another process that prepares or restores the store"},
                                    {"seconds", seconds_since(start)},
                                    {"blocked_by", holders_of(lock)}});
      }
      std::this_thread::sleep_for(kLockPause);
    }
  }

  /// That an index is being made still, and who is waited for, as another connection sees it.
  void tell_of_index() {
    if (!is_time_to_tell()) return;
    PostgresConnection other(options_, name_);
    std::string blockers = "not known";
    if (other.open()) {
      const ValueView self[] = {PQbackendPID(connection_.get())};
      blockers = other.sessions("a.pid = ANY(pg_blocking_pids(CAST(CAST($1 AS BIGINT) AS INTEGER)))", self);
    }
    log::info("store.making_index",
              {{"store", name_}, {"seconds", seconds_since(*long_since_)}, {"blocked_by", blockers}});
  }

  bool is_time_to_tell() {
    if (Clock::now() - told_ < kTellEvery) return false;
    told_ = Clock::now();
    return true;
  }
  static std::int64_t seconds_since(Clock::time_point start) {
    return std::chrono::floor<std::chrono::seconds>(Clock::now() - start).count();
  }

  std::string holders_of(std::int64_t lock) {
    constexpr int kHalf = 32;
    const ValueView halves[] = {lock >> kHalf, lock & 0xFFFF'FFFF};
    return sessions(
        "a.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
        "AND CAST(classid AS BIGINT) = $1 AND CAST(objid AS BIGINT) = $2)",
        halves);
  }

  /// Sessions that meet a condition, for people: "812 (sluice of kong at 10.0.0.7, idle in transaction)".
  std::string sessions(std::string_view condition, Values values) {
    const std::string statement =
        "SELECT string_agg(a.pid || ' (' || COALESCE(NULLIF(a.application_name, ''), '?') || ' of ' || "
        "COALESCE(CAST(a.usename AS TEXT), '?') || COALESCE(' at ' || host(a.client_addr), '') || "
        "COALESCE(', ' || a.state, '') || ')', ', ') FROM pg_stat_activity a WHERE ";
    return read_text(statement + std::string(condition), values).value_or("not known");
  }

  Result<std::uint64_t> execute(std::string_view statement, Values values, const EachRow& each) {
    TRY(flush());
    if (!statements_.contains(statement)) TRY(prepare(statement));
    if (!Parameters(values).send(connection_.get(), statements_.find(statement)->second)) return lost();
    PQsetSingleRowMode(connection_.get());
    return finish_query(each);
  }

  /// Takes all results of a query; what follows a failure of `each` is read and dropped.
  Result<std::uint64_t> finish_query(const EachRow& each) {
    std::uint64_t changed = 0;
    std::optional<Error> error;
    for (;;) {
      TRY(await_result());
      const ResultOf result(PQgetResult(connection_.get()));
      if (result == nullptr) break;
      switch (PQresultStatus(result.get())) {
        case PGRES_SINGLE_TUPLE:
          if (!error) {
            if (auto taken = each(PostgresRow(result.get())); !taken) error = std::move(taken).error();
          }
          break;
        case PGRES_TUPLES_OK:
        case PGRES_COMMAND_OK:
        case PGRES_EMPTY_QUERY:
          changed = parse_int<std::uint64_t>(PQcmdTuples(result.get())).value_or(0);
          break;
        default:
          if (!error) error = failure(result.get()).error();
      }
    }
    if (error) return std::unexpected(*std::move(error));
    return changed;
  }

  Result<> prepare(std::string_view statement) {
    TRY(flush());
    std::string name = "s" + std::to_string(statements_.size());
    if (PQsendPrepare(connection_.get(), name.c_str(), std::string(statement).c_str(), 0, nullptr) != 1) return lost();
    TRY(finish_query([](const Row&) -> Result<> { return {}; }));
    statements_.emplace(statement, std::move(name));
    return {};
  }

  /// Waits for the results of what is queued; the first failure counts, the server has skipped all behind it.
  Result<> flush() {
    if (!usable()) return lost();
    if (std::exchange(queued_, 0) == 0) return {};
    if (PQpipelineSync(connection_.get()) != 1) return lost();
    std::optional<Error> error;
    for (bool synced = false; !synced;) {
      TRY(await_result());
      const ResultOf result(PQgetResult(connection_.get()));
      if (PQstatus(connection_.get()) != CONNECTION_OK) return lost();
      if (result == nullptr) continue;
      const auto status = PQresultStatus(result.get());
      synced = status == PGRES_PIPELINE_SYNC;
      if (status == PGRES_FATAL_ERROR && !error) error = failure(result.get()).error();
      // COMMIT says so, without an error, where a transaction had failed before.
      if (!error && std::string_view(PQcmdStatus(result.get())) == "ROLLBACK") {
        error = Error{Errc::Io, Blame::Us, Retry::Never, name_ + ": the transaction had failed"};
      }
    }
    if (PQexitPipelineMode(connection_.get()) != 1) return lost();
    if (error) return std::unexpected(*std::move(error));
    return {};
  }

  /// Whoever makes one and dies on the way leaves one behind that is kept up to date and never used.
  Result<> build_index_alone(const Index& index) {
    const ValueView place[] = {index.name, options_.schema};
    TRY(const auto valid,
        read_text("SELECT CAST(i.indisvalid AS TEXT) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                  "JOIN pg_namespace n ON n.oid = c.relnamespace "
                  "WHERE c.relname = CAST($1 AS TEXT) AND n.nspname = CAST($2 AS TEXT)",
                  place));
    if (valid == "true") return {};
    const std::string name(index.name);
    if (!valid.empty()) TRY(script("DROP INDEX CONCURRENTLY " + name));
    return script("CREATE INDEX CONCURRENTLY " + name + " ON " + std::string(index.on));
  }

  Result<std::string> read_text(std::string_view statement, Values values) {
    std::string text;
    TRY(query(statement, values, [&](const Row& row) -> Result<> {
      text = row.text(0);
      return {};
    }));
    return text;
  }

  [[nodiscard]] std::unexpected<Error> failure(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const std::string_view text = trim(PQresultErrorMessage(result));
    // Without a state it is libpq that speaks: the connection broke.
    if (state == nullptr || PQstatus(connection_.get()) != CONNECTION_OK) return lost(Errc::Closed, text);
    const Errc code = code_of(state);
    const bool passing = code == Errc::Unavailable || code == Errc::TooLarge;
    return fail(code, name_ + ": " + std::string(text) + std::string(remedy(code)),
                code == Errc::Conflict ? Blame::Us : Blame::System, passing ? Retry::Safe : Retry::Never);
  }

  [[nodiscard]] std::unexpected<Error> lost() {
    const std::string_view text = connection_ != nullptr ? trim(PQerrorMessage(connection_.get())) : "";
    return lost(Errc::Closed, text.empty() ? "the connection was lost" : text);
  }
  [[nodiscard]] std::unexpected<Error> lost(Errc code, std::string_view text) {
    usable_ = false;
    return fail(code, name_ + ": " + std::string(text) + std::string(remedy(code)), Blame::System, Retry::Safe);
  }

  const PostgresOptions& options_;  // of the database, which outlives its connections
  const std::string& name_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::map<std::string, std::string, std::less<>> statements_;  // names of prepared ones
  std::size_t queued_ = 0;                                      // in the open pipeline; 0: there is none
  Millis patience_ = options_.timeout;
  const std::atomic<bool>* give_up_ = nullptr;
  std::optional<Clock::time_point> long_since_;  // while a statement may take as long as it likes
  Clock::time_point told_;                       // that somebody is waited for
  bool usable_ = true;
};

class PostgresDatabase final : public Database {
 public:
  explicit PostgresDatabase(PostgresOptions options)
      : options_(std::move(options)),
        name_("PostgreSQL " + options_.host + ':' + std::to_string(options_.port) + '/' + options_.database) {}

  Result<std::unique_ptr<Connection>> connect() override {
    auto connection = std::make_unique<PostgresConnection>(options_, name_);
    TRY(connection->open());
    return connection;
  }
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] bool shared() const override { return true; }

 private:
  const PostgresOptions options_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<Database> postgres_database(PostgresOptions options) {
  return std::make_unique<PostgresDatabase>(std::move(options));
}

}  // namespace sluice::store::sql
