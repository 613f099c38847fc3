// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "store/fault_vfs_fixture.h"
#include "store/postgres_fixture.h"
#include "store/sql/postgres.h"
#include "store/store_fixture.h"

// Rows 1, 5, 6, 7, 9, 10 and 38 of the fault list, in their short form; SLUICE_FAULT_ROUNDS makes them longer.
namespace sluice::store {
namespace {

std::uint64_t rounds(std::uint64_t usual) {
  const char* wanted = std::getenv("SLUICE_FAULT_ROUNDS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : usual;
}

class FaultsTest : public testing::Test {
 protected:
  FaultsTest() {
    RecordProperty("seed", std::to_string(seed));
    std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  }

  std::unique_ptr<DurableStore> open(const std::string& file, const std::string& vfs = {},
                                     Millis busy_timeout = Millis(5000)) {
    SqliteOptions options;
    options.file = file;
    options.vfs = vfs;
    options.busy_timeout = busy_timeout;
    return expect(open_sqlite(options, catalog, keyring));
  }
  /// Two rows that belong together: version n has rows 2n-1 and 2n.
  Commit pair(std::uint64_t number) {
    return {{consumer_row(catalog, 2 * number - 1), consumer_row(catalog, 2 * number)}, {}, "tester"};
  }
  std::expected<Version, CommitError> write_next(DurableStore& store) {
    const Version head = expect(store.head());
    const Commit change = pair(head.number + 1);
    return store.commit(head, {&change, 1});
  }
  /// Every version is there as a whole up to the newest, which is returned.
  std::uint64_t check_whole(DurableStore& store) {
    const auto contents = expect(store.load());
    const std::uint64_t rows = 2 * contents.version.number;
    EXPECT_EQ(contents.rows.size(), rows);
    std::map<Uuid, sync::Document> found;
    for (const auto& row : contents.rows) found[row.id] = row.document;
    for (std::uint64_t n = 1; n <= rows; ++n) {
      const auto& document = found[test_id(n)];
      if (document == nullptr || !document->contains("\"user-" + std::to_string(n) + '"')) {
        ADD_FAILURE() << "row " << n << " of " << rows << " is missing";
        break;
      }
    }
    return contents.version.number;
  }
  static void check_integrity(const std::string& file) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    std::string answer;
    sqlite3_exec(
        db, "PRAGMA integrity_check",
        [](void* out, int, char** values, char**) {
          *static_cast<std::string*>(out) += values[0];
          return 0;
        },
        &answer, nullptr);
    EXPECT_EQ(answer, "ok");
    sqlite3_close(db);
  }

  /// Runs `write` over and over in a child, kills it at a random moment; returns the last version that it acknowledged.
  template <class Open>
  std::uint64_t kill_writer(const Open& open_store) {
    int pipe[2];
    EXPECT_EQ(::pipe(pipe), 0);
    const int child = ::fork();
    if (child == 0) {
      auto store = open_store();
      while (auto done = write_next(*store)) {
        if (::write(pipe[1], &done->number, sizeof done->number) < 0) break;
      }
      ::_exit(1);
    }
    ::close(pipe[1]);
    std::uint64_t acknowledged = 0;
    std::uint64_t number = 0;
    if (::read(pipe[0], &number, sizeof number) > 0) acknowledged = number;  // it has begun
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 20'000));
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &number, sizeof number) > 0) acknowledged = number;
    ::close(pipe[0]);
    ::waitpid(child, nullptr, 0);
    return acknowledged;
  }

  const std::uint64_t seed = random_u64();
  std::mt19937_64 random{seed};
  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "keyring");
};

TEST_F(FaultsTest, KillingTheWriterLosesNothingThatWasAcknowledged) {
  const auto file = folder / "store.db";
  open(file);
  for (std::uint64_t round = 0; round < rounds(8); ++round) {
    const std::uint64_t acknowledged = kill_writer([&] { return open(file); });
    EXPECT_GT(acknowledged, 0U);
    const auto start = std::chrono::steady_clock::now();
    const auto store = open(file);
    const auto contents = expect(store->load());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
    EXPECT_GE(check_whole(*store), acknowledged);
  }
  check_integrity(file);
}

TEST_F(FaultsTest, PowerLossLosesNothingThatWasAcknowledged) {
  struct Loss {
    FaultyDisk::Image image;
    std::uint64_t acknowledged;
  };
  FaultyDisk disk;
  std::vector<Loss> losses;
  std::uint64_t acknowledged = 0;
  {
    const auto store = open(folder / "store.db", FaultyDisk::kName);
    disk.before_operation = [&] {
      if (random() % 16 == 0) losses.push_back({disk.power_loss(random), acknowledged});
    };
    while (losses.size() < rounds(60)) acknowledged = expect(write_next(*store)).number;
    disk.before_operation = nullptr;
  }
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const std::filesystem::path copy = folder / ("loss-" + std::to_string(i));
    std::filesystem::create_directory(copy);
    for (const auto& [name, octets] : losses[i].image) {
      std::ofstream(copy / std::filesystem::path(name).filename(), std::ios::binary) << octets;
    }
    EXPECT_GE(check_whole(*open(copy / "store.db")), losses[i].acknowledged) << "image " << i;
    check_integrity(copy / "store.db");
    std::filesystem::remove_all(copy);
  }
}

/// For every n: the n-th operation fails while something is written; then the next write succeeds.
class FailingDiskTest : public FaultsTest, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Codes, FailingDiskTest, testing::Values(SQLITE_IOERR, SQLITE_FULL),
                         [](const auto& info) { return info.param == SQLITE_FULL ? "Full" : "Broken"; });

TEST_P(FailingDiskTest, EveryOperationMayFailOnce) {
  FaultyDisk disk;
  const auto store = open(folder / "store.db", FaultyDisk::kName);
  bool reached = true;
  std::uint64_t n = 1;
  for (; reached && n < 200; ++n) {
    const std::uint64_t before = expect(store->head()).number;
    disk.fail_at(n, GetParam());
    const auto done = write_next(*store);
    reached = disk.failed();
    disk.heal();
    // A failure may hit what the write does not depend on (a checkpoint); otherwise it is told, and nothing has
    // changed.
    if (!done) {
      const auto wanted = GetParam() == SQLITE_FULL ? CommitFailure::Full : CommitFailure::Broken;
      EXPECT_EQ(done.error().failure, wanted) << done.error().error.what;
      EXPECT_NE(done.error().error.what.find("store.db"), std::string::npos);
    }
    EXPECT_EQ(check_whole(*store), done ? before + 1 : before) << "operation " << n;
    expect(write_next(*store));
  }
  EXPECT_GT(n, 3U);
  EXPECT_LT(n, 200U);
  EXPECT_GE(check_whole(*open(folder / "store.db")), n);
}

TEST_F(FaultsTest, AFullDiskRefusesWritesUntilThereIsSpace) {
  FaultyDisk disk;
  const auto store = open(folder / "store.db", FaultyDisk::kName);
  expect(write_next(*store));
  disk.fail_at(1, SQLITE_FULL, true);
  for (int i = 0; i < 5; ++i) {
    const auto refused = write_next(*store);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().failure, CommitFailure::Full);
    EXPECT_EQ(check_whole(*store), 1U);
  }
  disk.heal();
  expect(write_next(*store));
  EXPECT_EQ(check_whole(*store), 2U);
}

TEST_F(FaultsTest, AProcessThatHoldsTheFileDelaysWritesOnly) {
  const auto file = folder / "store.db";
  const auto store = open(file, {}, Millis(100));
  expect(write_next(*store));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto refused = write_next(*store);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().failure, CommitFailure::Unavailable);
  EXPECT_EQ(check_whole(*store), 1U);
  sqlite3_close(other);
  expect(write_next(*store));
}

TEST_F(FaultsTest, ALongReaderDoesNotMakeTheLogGrowForEver) {
  const auto file = folder / "store.db";
  const auto store = open(file);
  sqlite3* reader = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &reader), SQLITE_OK);
  sqlite3_exec(reader, "BEGIN; SELECT COUNT(*) FROM changes", nullptr, nullptr, nullptr);
  const std::string filler(1'000'000, 'x');
  const auto write_big = [&] {
    const Commit change{{test_row(catalog, "consumers", test_id(1), R"("username":")" + filler + '"')}, {}, "x"};
    expect(store->commit(expect(store->head()), {&change, 1}));
  };
  for (int i = 0; i < 70; ++i) write_big();
  const auto log = folder / "store.db-wal";
  EXPECT_GT(std::filesystem::file_size(log), 64U << 20);
  sqlite3_close(reader);
  write_big();
  write_big();
  EXPECT_LE(std::filesystem::file_size(log), 64U << 20);
}

TEST_F(FaultsTest, AStoreOfALaterReleaseIsUsedOrRefusedAsItSays) {
  const auto file = folder / "store.db";
  expect(write_next(*open(file)));
  const auto say = [&](const char* statement) {
    sqlite3* db = nullptr;
    sqlite3_open(file.c_str(), &db);
    EXPECT_EQ(sqlite3_exec(db, statement, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  };
  say("UPDATE store_info SET value = '99' WHERE name = 'format'; ALTER TABLE changes ADD COLUMN later TEXT");
  expect(write_next(*open(file)));
  say("UPDATE store_info SET value = '99' WHERE name = 'needs_format'");
  SqliteOptions options;
  options.file = file;
  const auto refused = open_sqlite(options, catalog, keyring);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::Unsupported);
  EXPECT_NE(refused.error().what.find("later release"), std::string::npos);
}

// PostgreSQL ----------------------------------------------------------------------------------------------------------

class PostgresFaultsTest : public WithPostgres<FaultsTest> {
 protected:
  void SetUp() override {
    WithPostgres::SetUp();
    if (!IsSkipped()) store = expect(open_it());
  }
  /// Whoever needs a table waits until its owner is rolled back.
  std::unique_ptr<sql::Connection> lock(sql::Database& database, const std::string& table) {
    auto owner = std::move(database.connect().value());
    expect(owner->begin(sql::Access::Write));
    expect(owner->script("LOCK TABLE " + table));
    return owner;
  }
  static std::thread release_later(sql::Connection& owner) {
    return std::thread([&owner] {
      std::this_thread::sleep_for(std::chrono::milliseconds(2500));
      owner.rollback();
    });
  }
  /// Like write_next() where asking for the head may fail too.
  std::expected<Version, CommitError> try_write() {
    const Commit change = pair(known.number + 1);
    auto done = store->commit(known, {&change, 1});
    if (done) known = *done;
    return done;
  }

  std::unique_ptr<DurableStore> store;
  Version known{1, 0};
};

TEST_F(PostgresFaultsTest, KillingTheWriterLosesNothingThatWasAcknowledged) {
  for (std::uint64_t round = 0; round < rounds(4); ++round) {
    const std::uint64_t acknowledged = kill_writer([&] { return expect(open_it()); });
    EXPECT_GT(acknowledged, 0U);
    EXPECT_GE(check_whole(*store), acknowledged);
  }
}

TEST_F(PostgresFaultsTest, AStoppedServerIsToldAtOnceAndRecoveredFrom) {
  expect(try_write());
  server->kill();
  for (int i = 0; i < 3; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const auto refused = try_write();
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().failure, CommitFailure::Unavailable) << refused.error().error.what;
    EXPECT_NE(refused.error().error.what.find("check that the database server runs"), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  }
  EXPECT_FALSE(store->load().has_value());
  server->start();
  expect(try_write());
  EXPECT_EQ(check_whole(*store), 2U);
}

TEST_F(PostgresFaultsTest, AFrozenServerIsToldWithinTwoSecondsAndRecoveredFrom) {
  expect(try_write());
  server->freeze(true);
  for (int i = 0; i < 2; ++i) {
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(try_write().has_value());
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(2500));
  }
  server->freeze(false);
  // What was on its way when it froze may have been written after all: look, then go on.
  known = expect(store->head());
  expect(try_write());
  check_whole(*store);
}

TEST_F(PostgresFaultsTest, ASlowServerIsGivenItsTime) {
  expect(try_write());
  const auto database = sql::postgres_database(server->options(schema));
  const auto other = lock(*database, "control_planes");
  std::thread release = release_later(*other);
  const auto start = std::chrono::steady_clock::now();
  expect(try_write());
  EXPECT_GT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  release.join();
  EXPECT_EQ(check_whole(*store), 2U);
}

TEST_F(PostgresFaultsTest, ASlowServerThatIsFullIsGivenItsTime) {
  expect(try_write());
  const auto database = sql::postgres_database(server->options(schema));
  const auto other = lock(*database, "control_planes");
  std::vector<std::unique_ptr<sql::Connection>> all;
  for (auto one = database->connect(); one; one = database->connect()) all.push_back(*std::move(one));
  std::thread release = release_later(*other);
  expect(try_write());
  release.join();
  all.clear();
  EXPECT_EQ(check_whole(*store), 2U);
}

TEST_F(PostgresFaultsTest, WhatIsGivenUpEndsAtTheServerAsWell) {
  expect(try_write());
  const auto database = sql::postgres_database(server->options(schema));
  const auto other = lock(*database, "changes");
  auto history = std::async(std::launch::async, [&] { return store->history({}); });
  const auto waiting = [&] {
    std::int64_t count = 0;
    const auto take = [&](const sql::Row& row) -> Result<> {
      count = row.integer(0);
      return {};
    };
    expect(other->query("SELECT COUNT(*) FROM pg_locks WHERE NOT granted", {}, take));
    return count;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto await = [&](std::int64_t count) {
    while (waiting() != count && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(waiting(), count);
  };
  await(1);
  store->stop_looking_back();
  EXPECT_EQ(history.get().error().code, Errc::Unavailable);
  await(0);
}

TEST_F(PostgresFaultsTest, ACrashOfTheServerLosesNothingThatWasAcknowledged) {
  for (std::uint64_t round = 0; round < rounds(2); ++round) {
    std::thread crash([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 300));
      server->kill();
    });
    std::expected<Version, CommitError> done = known;
    while (done) done = try_write();
    crash.join();
    server->start();
    const std::uint64_t there = check_whole(*store);
    EXPECT_GE(there, known.number);
    EXPECT_LE(there, known.number + 1);
    if (done.error().failure == CommitFailure::Unavailable) EXPECT_EQ(there, known.number);
    known = expect(store->head());
  }
}

TEST_F(PostgresFaultsTest, OtherSchemasAreLeftAlone) {
  for (const auto& row : expect(store->load()).rows) ADD_FAILURE() << *row.document;
  const auto elsewhere = expect(open_postgres(server->options("elsewhere " + schema), catalog, keyring));
  expect(try_write());
  EXPECT_EQ(expect(elsewhere->head()), (Version{1, 0}));
}

}  // namespace
}  // namespace sluice::store
