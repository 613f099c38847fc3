// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/time.h"

// The little of SQL that the store needs, the same on SQLite and PostgreSQL: types BIGINT, TEXT and BYTEA, parameters
// $1, $2, ... Errors say what went wrong, where, and what to do; their code says which kind it is:
//   Conflict     a unique index or another constraint refused it
//   TooLarge     no space left
//   Unavailable  locked by somebody else, or not reachable; nothing happened
//   Timeout, Closed   the connection was lost while waiting: what was sent may have happened
//   Forbidden    no permission
//   Io           everything else
namespace sluice::store::sql {

/// Binary data, told apart from text.
struct OctetsView {
  std::string_view data;
};

/// A parameter; borrows what it names for the length of the call.
using ValueView = std::variant<std::monostate, std::int64_t, std::string_view, OctetsView>;
using Values = std::span<const ValueView>;

/// The row that a query is at. Views last until the next row.
class Row {
 public:
  virtual ~Row() = default;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  /// Of text and of binary data.
  [[nodiscard]] virtual std::string_view text(int column) const = 0;
};

enum class Access : std::uint8_t { Read, Write };

struct Index {
  std::string_view name;
  std::string_view on;  // "changes (made_at) WHERE ended IS NULL"
};
enum class Outcome : std::uint8_t { Committed, Aborted, Unknown };

/// One connection to a database, used by one thread at a time.
class Connection {
 public:
  virtual ~Connection() = default;

  /// Statements without parameters, separated by semicolons.
  virtual Result<> script(std::string_view statements) = 0;
  /// One statement; returns the number of rows that it changed.
  virtual Result<std::uint64_t> run(std::string_view statement, Values values) = 0;
  using EachRow = std::function<Result<>(const Row& row)>;
  /// Streams the rows; ends early with the error of `each`, which must not use the connection.
  virtual Result<> query(std::string_view statement, Values values, const EachRow& each) = 0;
  /// A statement of whose result nothing but failure matters. It may be sent later, together with others: the failure
  /// is returned here, by another queue(), or by commit() at last.
  virtual Result<> queue(std::string_view statement, Values values) = 0;

  /// A transaction that sees one state of the database, or one that may write.
  virtual Result<> begin(Access access) = 0;
  virtual Result<> commit() = 0;
  /// Does nothing outside a transaction.
  virtual void rollback() = 0;
  /// False after a failure that only a new connection can mend.
  [[nodiscard]] virtual bool usable() const = 0;

  /// A name by which outcome() tells later, on another connection, how this transaction ended; empty where a failed
  /// commit is always known to have changed nothing.
  virtual Result<std::string> transaction_name() = 0;
  virtual Result<Outcome> outcome(std::string_view transaction_name) = 0;
  /// Serialises those that prepare a store at the same time, for the length of the transaction. Errc::Unavailable when
  /// another one takes longer than `patience`.
  virtual Result<> lock_for_upgrade(Millis patience) = 0;
  /// What the rest of the transaction does to tables waits no longer than a moment for those who use them, and fails
  /// with Errc::Unavailable then: whoever came later would wait behind it.
  virtual Result<> be_brief() = 0;
  /// For a connection that only reads, and may take long: a statement is given up after `patience` without an answer
  /// and, whatever it does, soon after `give_up` has become true, which outlives the connection. What is given up ends
  /// at the server as well.
  virtual void take_time(Millis patience, const std::atomic<bool>& give_up) = 0;
  /// Makes an index of a table that others read meanwhile; to be called outside of transactions. On PostgreSQL they
  /// write meanwhile, too; in an SQLite file they wait until it is made, and fail when that takes longer than their
  /// patience. One that is there already is left alone, one that another process is making is waited for, and one that
  /// somebody did not finish is made again. However long it takes, it is not given up.
  virtual Result<> build_index(const Index& index) = 0;

  /// Wakes the listeners when the transaction commits.
  virtual Result<> notify() = 0;
  /// From now on wait() returns true soon after somebody committed what it notified of.
  virtual Result<> listen() = 0;
  virtual Result<bool> wait(Millis timeout) = 0;
};

/// Makes connections to one database.
class Database {
 public:
  virtual ~Database() = default;
  virtual Result<std::unique_ptr<Connection>> connect() = 0;
  /// For messages: "store /var/lib/sluice/store.db".
  [[nodiscard]] virtual const std::string& name() const = 0;
  /// Whether several control planes are expected to use it at the same time.
  [[nodiscard]] virtual bool shared() const = 0;
};

/// Begins with construction's caller; rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Connection& connection) : connection_(connection) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction() {
    if (open_) connection_.rollback();
  }
  Result<> begin(Access access) {
    open_ = true;
    return connection_.begin(access);
  }
  Result<> commit() {
    TRY(connection_.commit());
    open_ = false;
    return {};
  }

 private:
  Connection& connection_;
  bool open_ = false;
};

}  // namespace sluice::store::sql
