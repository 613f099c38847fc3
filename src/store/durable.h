// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "store/history.h"
#include "store/version.h"
#include "sync/delta.h"

namespace sluice::entity {
class Catalog;
}

namespace sluice::store {

class Keyring;

/// Types that begin with an underscore are bookkeeping of whoever writes them: no catalog describes them. Of their
/// documents the text of the member kInternalSecret is sealed, and nothing else.
[[nodiscard]] inline bool is_internal(std::string_view type) {
  return type.starts_with('_');
}

inline constexpr std::string_view kInternalSecret = "secret";

/// One atomic change: it makes one version.
struct Commit {
  std::vector<sync::EntityRow> upserts;
  std::vector<sync::EntityKey> removals;  // a row that is not there is no error
  std::string author;                     // who asked for it, as the audit shows it
  std::vector<std::string> dropped = {};  // other control planes that go with it, and all they have
  std::string note = {};                  // what kind of change it is, for the history; mostly empty
};

/// What a version did to one entity.
struct LogEntry {
  Version version;
  std::string type;
  Uuid id;
  Uuid workspace;
  sync::Document document;  // null: deleted
  std::string author;
  SysTime when;
};

/// What happened after some version.
struct LogPart {
  std::vector<LogEntry> entries = {};  // oldest first, whole versions
  Version reached = {};                // where they lead to: the versions up to it that have no entries changed nothing
};

/// When rows of one type were last changed or deleted in one workspace. Deletions that were compacted away are
/// forgotten.
struct Touched {
  std::string type;
  Uuid workspace;
  Version version;
};

struct Contents {
  Version version = {};
  std::vector<sync::EntityRow> rows = {};  // in the order in which they were last written
  std::vector<Touched> touched = {};       // only load() says it
};

/// The newest version of each control plane in a database, by its name there.
using Heads = std::map<std::string, Version, std::less<>>;

/// A change of one entity, of whichever control plane, as an audit shows it. Secrets are masked in it.
struct TrailEntry {
  std::string control_plane;  // by its name in the database
  LogEntry what;
  sync::Document before;  // null: there was none, or it has been compacted away

  // Where it stands in the trail, together with what.when.
  std::int64_t plane = 0;
  std::int64_t number = 0;
  std::int64_t ordinal = 0;
};

/// Which part of the trail is wanted, newest first.
struct TrailQuery {
  /// An entry that has been read; the trail goes on behind it. Only its place matters.
  std::optional<TrailEntry> behind = {};
  std::size_t limit = 100;
  std::string without_author = {};  // whose changes are left out; empty: nobody's
  // Only those; empty or nothing: all.
  std::string author = {};
  std::string type = {};
  std::string control_plane = {};
  std::optional<SysTime> since = {};
  std::optional<SysTime> until = {};
};

struct Trail {
  std::vector<TrailEntry> entries = {};
  bool more = false;      // behind `place`
  TrailEntry place = {};  // how far it was looked
};

enum class CommitFailure : std::uint8_t {
  Conflict,     // another writer was first: follow the log, validate again, try again
  Constraint,   // two entities would share what must be unique: validation let it pass
  Full,         // no space left; nothing was written
  Unavailable,  // locked, stopped or unreachable; nothing was written
  Unknown,      // the connection broke while it was committing: follow the log to see what happened
  Broken,       // the storage failed; nothing was written
};

struct CommitError {
  CommitFailure failure = CommitFailure::Broken;
  Error error;
};

enum class WithKey : std::uint8_t { No, Yes };

/// The entities of one control plane on stable storage, as a log of changes. Secrets are sealed on the way in and
/// opened on the way out (sealing.h). Every call may block; any thread may call, and calls wait for each other, but
/// for wait_for_change() and backup(), and for those that look back: trail(), history() and differences() wait for each
/// other only, and see one state of the database. After a failure of the storage or the connection the next call starts
/// afresh.
class DurableStore {
 public:
  virtual ~DurableStore() = default;

  /// Everything at the newest version.
  virtual Result<Contents> load() = 0;
  /// Makes `group.size()` versions after `expected` in one transaction, all of them or none; returns the last one.
  /// What it returns is on stable storage.
  virtual std::expected<Version, CommitError> commit(Version expected, std::span<const Commit> group) = 0;
  /// What happened after a version, about `limit` entries, at least one version unless `after` is the newest one. Fails
  /// with Errc::NotFound ("gone") when the log no longer reaches back that far, never had this version, or comes from
  /// a backup that was restored since: load() then. Epochs of different stores are counted alike, so what a version of
  /// another epoch held is no longer certain.
  virtual Result<LogPart> read_log(Version after, std::size_t limit) = 0;
  /// Which rows that was, without documents, authors and times, and so at a small cost: at most `most` entries, then
  /// what is left of a version is left out, and `reached` says how far it goes whole. Fails as read_log() does.
  virtual Result<LogPart> read_touched(Version after, std::size_t most) = 0;
  /// Everything as it was; Errc::NotFound when the log does not reach back that far.
  virtual Result<Contents> at(Version version) = 0;
  /// The change that leads from the newest version back to an older one; commit it to restore that point in time.
  virtual Result<Commit> changes_back_to(Version version) = 0;
  /// What happened in all control planes of the database, as far back as the logs reach. A call looks at a bounded
  /// number of changes: it may find fewer than `limit` though there are more.
  virtual Result<Trail> trail(const TrailQuery& query) = 0;
  /// The versions of this control plane, one by one.
  virtual Result<HistoryPart> history(const HistoryQuery& query) = 0;
  /// What lies between two versions; Errc::NotFound as for at(). Of one version: between the number before and it.
  virtual Result<Differences> differences(const DifferenceQuery& query) = 0;
  /// From now on the calls that look back, of all control planes of the database, end soon with Errc::Unavailable, also
  /// those that are under way: for a process that ends. Does not block.
  virtual void stop_looking_back() = 0;
  /// Forgets how things were before `older_than`, in all control planes, but for the newest `keep` versions of each
  /// that has entities. What is current stays.
  virtual Result<> compact(SysTime older_than, std::uint64_t keep) = 0;
  Result<> compact(SysTime older_than) { return compact(older_than, 0); }
  /// Cheap.
  virtual Result<Version> head() = 0;
  /// The oldest version that read_log() and at() know.
  virtual Result<Version> horizon() = 0;
  /// Waits until there is a version other than `known`; false when there was none in time.
  virtual Result<bool> wait_for_change(Version known, Millis timeout) = 0;
  /// The newest version of every control plane in the database.
  virtual Result<Heads> heads() = 0;
  /// Waits until these are others than `known`, or for `timeout`; returns what they are then.
  virtual Result<Heads> wait_for_changes(const Heads& known, Millis timeout) = 0;
  /// The entities of another control plane in the same database, which is made if there is none of that name. It uses
  /// the same connections; either may go first.
  virtual Result<std::unique_ptr<DurableStore>> another(const std::string& control_plane) = 0;
  /// Whether other control planes write here too, so that somebody must follow the log.
  [[nodiscard]] virtual bool shared() const = 0;

  /// Writes all that the store holds, all control planes of it, into a new file while others read and write. The file
  /// is an SQLite database whatever the engine, and either engine restores it. Secrets in it stay sealed; WithKey::Yes
  /// adds the keyring, and then the file must be kept like a key.
  virtual Result<> backup(const std::string& file, WithKey with_key) = 0;
  /// Replaces everything by what a backup holds, in one transaction, and raises the epochs. To be followed by load().
  virtual Result<Version> restore(const std::string& file) = 0;
  /// Adds a key to the keyring, which from now on seals, here and, from their next write on, in other processes that
  /// have the same file.
  virtual Result<> rotate_key() = 0;
  /// Seals what is still sealed under older keys of the keyring with the active one, in all control planes. Returns the
  /// number of rows.
  virtual Result<std::size_t> reseal() = 0;

  // Small things that belong to no entity (tokens, identities of clusters), by name. Not versioned.
  virtual Result<std::optional<std::string>> meta(std::string_view name) = 0;
  /// All whose names begin so, in order.
  virtual Result<std::vector<std::pair<std::string, std::string>>> metas(std::string_view prefix) = 0;
  virtual Result<> set_meta(std::string_view name, std::string_view value) = 0;
  virtual Result<> erase_meta(std::string_view name) = 0;
};

struct SqliteOptions {
  std::string file;  // its folder is made (0700) if need be
  std::string control_plane = "default";
  Millis busy_timeout{5'000};  // how long to wait for another process that holds the file
  std::string vfs;             // of SQLite, for tests; empty: the usual one
};

struct PostgresOptions {
  std::string host = "127.0.0.1";  // a name, an address, or the folder of a socket
  std::uint16_t port = 5432;
  std::string user = "kong";
  Secret<std::string> password;
  std::string database = "kong";
  std::string schema = "sluice";  // where our tables are; made if need be
  bool ssl = false;
  bool ssl_verify = false;
  std::string ssl_root_certificate;  // PEM file; empty: the system's
  Millis timeout{5'000};             // for connecting, and without a sign of life while waiting for an answer
  std::string control_plane = "default";
};

/// Opens the store, makes it if there is none, and brings its format up to date. `catalog` and `keyring` outlive it;
/// the keyring is made together with a new store. Fails without changing anything when the store was made by a later,
/// incompatible release, or when the keyring is not the one that its secrets are sealed under.
Result<std::unique_ptr<DurableStore>> open_sqlite(const SqliteOptions& options, const entity::Catalog& catalog,
                                                  Keyring& keyring);
Result<std::unique_ptr<DurableStore>> open_postgres(const PostgresOptions& options, const entity::Catalog& catalog,
                                                    Keyring& keyring);

}  // namespace sluice::store
