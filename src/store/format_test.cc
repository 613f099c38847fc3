// SPDX-License-Identifier: Apache-2.0
#include "store/format.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "store/postgres_fixture.h"
#include "store/sql/postgres.h"
#include "store/sql/sqlite.h"
#include "store/store_fixture.h"

// Stores that the release before has left, and perhaps still uses.
namespace sluice::store {
namespace {

using Clock = std::chrono::steady_clock;

/// The last step taken back.
void take_back(sql::Connection& db) {
  expect(
      db.script("ALTER TABLE changes DROP COLUMN note; DROP INDEX changes_before; "
                "CREATE INDEX changes_ended ON changes (control_plane, ended) WHERE ended IS NOT NULL; "
                "UPDATE store_info SET value = '2' WHERE name = 'format'"));
}

std::string ask(sql::Connection& db, std::string_view question) {
  std::string answer;
  expect(db.query(question, {}, [&](const sql::Row& row) -> Result<> {
    answer = row.text(0);
    return {};
  }));
  return answer;
}

class FormatTest : public testing::Test {
 protected:
  static void check_use(DurableStore& store, const entity::Catalog& catalog) {
    const Commit change{{consumer_row(catalog, 7)}, {}, "tester", {}, "restored from 1.1"};
    const Version made = expect(store.commit(expect(store.head()), {&change, 1}));
    const HistoryPart part = expect(store.history({.below = made.number + 1, .limit = 1}));
    EXPECT_EQ(part.versions.at(0).note, "restored from 1.1");
  }

  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "keyring");
};

TEST_F(FormatTest, AFileOfTheReleaseBeforeIsBroughtUpToDate) {
  SqliteOptions options;
  options.file = folder / "store.db";
  expect(open_sqlite(options, catalog, keyring));
  const auto database = sql::sqlite_database({.file = options.file, .vfs = {}});
  const auto db = expect(database->connect());
  take_back(*db);
  check_use(*expect(open_sqlite(options, catalog, keyring)), catalog);
  EXPECT_EQ(ask(*db, "SELECT value FROM store_info WHERE name = 'format'"), "3");
  EXPECT_EQ(ask(*db, "SELECT name FROM sqlite_master WHERE name = 'changes_before'"), "changes_before");
}

class PostgresFormatTest : public WithPostgres<FormatTest> {
 protected:
  void SetUp() override {
    WithPostgres::SetUp();
    if (IsSkipped()) return;
    const auto store = expect(open_it());
    for (std::uint64_t n = 1; n <= 50; ++n) {
      const Commit change{{consumer_row(catalog, n)}, {}, "tester"};
      expect(store->commit(expect(store->head()), {&change, 1}));
    }
    database = sql::postgres_database(server->options(schema));
    db = expect(database->connect());
    take_back(*db);
  }

  /// A change as the release before makes it.
  static void write(sql::Connection& replica, int number) {
    const std::string n = std::to_string(number);
    expect(
        replica.script("INSERT INTO changes (control_plane, number, ordinal, type, id, workspace, author, made_at) "
                       "VALUES (1, " +
                       n + ", 0, 'consumers', decode(md5('" + n + "'), 'hex'), '', 'before', 0)"));
  }
  /// Which connections are making an index.
  std::string builders() {
    return ask(*db,
               "SELECT CAST(string_agg(CAST(pid AS TEXT), ' ') AS TEXT) FROM pg_stat_activity "
               "WHERE state = 'active' AND query LIKE 'CREATE INDEX CONCURRENTLY%'");
  }
  void await_builder() {
    const auto end = Clock::now() + std::chrono::seconds(30);
    while (builders().empty() && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_NE(builders(), "");
  }
  std::string validity() {
    return ask(*db, "SELECT CAST(indisvalid AS TEXT) FROM pg_index WHERE indexrelid = to_regclass('changes_before')");
  }

  std::unique_ptr<sql::Database> database;
  std::unique_ptr<sql::Connection> db;
};

TEST_F(PostgresFormatTest, OlderReplicasGoOnWritingWhileAnIndexIsMade) {
  const auto busy = expect(database->connect());
  expect(busy->begin(sql::Access::Write));
  write(*busy, 1000);  // whoever makes an index waits for it
  auto opened = std::async(std::launch::async, [&] { return open_it(); });
  await_builder();
  const auto replica = expect(database->connect());
  for (int number = 1001; number < 1050; ++number) {
    const auto start = Clock::now();
    write(*replica, number);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(2));
  }
  EXPECT_EQ(opened.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "it was being made all the time";
  expect(busy->commit());
  check_use(*expect(opened.get()), catalog);
  EXPECT_EQ(validity(), "true");
}

TEST_F(PostgresFormatTest, WhoeverIsInterruptedLeavesNothingThatKeepsTheNextFromIt) {
  const auto busy = expect(database->connect());
  expect(busy->begin(sql::Access::Write));
  write(*busy, 1000);
  auto opened = std::async(std::launch::async, [&] { return open_it(); });
  await_builder();
  for (int i = 0; i < 1000 && validity() != "false"; ++i) std::this_thread::sleep_for(Millis(10));
  ask(*db, "SELECT CAST(pg_terminate_backend(" + builders() + ") AS TEXT)");
  EXPECT_FALSE(opened.get().has_value());
  EXPECT_EQ(validity(), "false") << "a part of an index is left";
  busy->rollback();
  check_use(*expect(open_it()), catalog);
  EXPECT_EQ(validity(), "true");
}

TEST_F(PostgresFormatTest, WhatLimitsStatementsDoesNotLimitTheMakingOfAnIndex) {
  const auto busy = expect(database->connect());
  expect(busy->begin(sql::Access::Write));
  write(*busy, 1000);
  expect(db->script("ALTER DATABASE postgres SET statement_timeout = '700ms'"));
  auto opened = std::async(std::launch::async, [&] { return open_it(); });
  await_builder();
  EXPECT_EQ(opened.wait_for(std::chrono::seconds(2)), std::future_status::timeout);
  expect(busy->commit());
  check_use(*expect(opened.get()), catalog);
  expect(db->script("ALTER DATABASE postgres RESET statement_timeout"));
  EXPECT_EQ(validity(), "true");
}

TEST_F(PostgresFormatTest, WhoeverPreparesOrRestoresIsWaitedForPastThePatienceForAnAnswer) {
  expect(db->begin(sql::Access::Write));
  expect(db->lock_for_upgrade(Millis(0)));
  auto options = server->options(schema);
  options.timeout = Millis(1'000);
  auto opened = std::async(std::launch::async, [&] { return open_postgres(options, catalog, keyring); });
  EXPECT_EQ(opened.wait_for(std::chrono::milliseconds(2'500)), std::future_status::timeout);
  const auto late = expect(database->connect());
  expect(late->begin(sql::Access::Write));
  const auto refused = late->lock_for_upgrade(Millis(0));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::Unavailable);
  EXPECT_NE(refused.error().what.find("(sluice of kong"), std::string::npos) << refused.error().what;
  late->rollback();
  db->rollback();
  check_use(*expect(opened.get()), catalog);
}

TEST_F(PostgresFormatTest, SeveralThatStartTogetherTakeEachStepOnce) {
  constexpr int kReplicas = 3;
  std::vector<std::future<bool>> opened;
  opened.reserve(kReplicas);
  for (int i = 0; i < kReplicas; ++i) {
    opened.push_back(std::async(std::launch::async, [&] {
      Keyring own = *Keyring::open(folder / "keyring");
      const auto store = open_postgres(server->options(schema), catalog, own);
      EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().what);
      return store.has_value();
    }));
  }
  for (auto& one : opened) EXPECT_TRUE(one.get());
  EXPECT_EQ(validity(), "true");
  check_use(*expect(open_it()), catalog);
}

TEST_F(PostgresFormatTest, ALongReaderDelaysTheStepAndNobodyElse) {
  const auto reader = expect(database->connect());
  expect(reader->begin(sql::Access::Read));
  ask(*reader, "SELECT CAST(COUNT(*) AS TEXT) FROM changes");
  auto opened = std::async(std::launch::async, [&] { return open_it(); });
  const auto replica = expect(database->connect());
  const auto end = Clock::now() + std::chrono::seconds(4);
  for (int number = 1000; Clock::now() < end; ++number) {
    const auto start = Clock::now();
    write(*replica, number);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(3));
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_EQ(opened.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  expect(reader->commit());
  check_use(*expect(opened.get()), catalog);
}

}  // namespace
}  // namespace sluice::store
