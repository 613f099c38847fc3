// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>

#include <sys/stat.h>

#include "store/durable.h"
#include "store/postgres_fixture.h"
#include "store/sql/postgres.h"
#include "store/sql/sqlite.h"
#include "store/store_fixture.h"

namespace sluice::store {
namespace {

enum class Engine : std::uint8_t { Sqlite, Postgres };

/// The same expectations of both engines.
class DurableStoreTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::Postgres && PostgresServer::shared() == nullptr) GTEST_SKIP() << "no PostgreSQL";
    store = open();
    ASSERT_NE(store, nullptr);
  }

  Result<std::unique_ptr<DurableStore>> try_open(const std::string& name, Keyring& keys,
                                                 const std::string& control_plane = "default") {
    if (GetParam() == Engine::Sqlite) {
      SqliteOptions options;
      options.file = folder / (name + ".db");
      options.control_plane = control_plane;
      return open_sqlite(options, catalog, keys);
    }
    static int tests = 0;
    if (schema.empty()) schema = "test" + std::to_string(++tests);
    auto options = PostgresServer::shared()->options(schema + '-' + name);
    options.control_plane = control_plane;
    return open_postgres(options, catalog, keys);
  }
  std::unique_ptr<DurableStore> open(const std::string& name = "store", const std::string& control_plane = "default") {
    return expect(try_open(name, keyring, control_plane));
  }

  Version write(std::vector<sync::EntityRow> upserts, std::vector<sync::EntityKey> removals = {}) {
    const Commit change{std::move(upserts), std::move(removals), "tester"};
    return expect(store->commit(expect(store->head()), {&change, 1}));
  }
  sync::EntityRow consumer(std::uint64_t n) { return consumer_row(catalog, n); }
  sync::EntityRow credential(std::uint64_t n, std::uint64_t owner, const std::string& key) {
    return test_row(catalog, "keyauth_credentials", test_id(n),
                    R"("key":")" + key + R"(","consumer":{"id":")" + test_id(owner).to_string() + R"("})");
  }
  Texts stored() { return texts(expect(store->load()).rows); }

  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "secrets/keyring");
  std::string schema;
  std::unique_ptr<DurableStore> store;
};

INSTANTIATE_TEST_SUITE_P(Engines, DurableStoreTest, testing::Values(Engine::Sqlite, Engine::Postgres),
                         [](const auto& info) { return info.param == Engine::Sqlite ? "Sqlite" : "Postgres"; });

TEST_P(DurableStoreTest, BeginsEmptyAtNumberZero) {
  const auto contents = expect(store->load());
  EXPECT_EQ(contents.version, (Version{1, 0}));
  EXPECT_TRUE(contents.rows.empty());
}

TEST_P(DurableStoreTest, WhatWasCommittedIsThereAfterReopening) {
  const auto rows = std::vector{consumer(1), credential(2, 1, "key-one")};
  EXPECT_EQ(write(rows), (Version{1, 1}));
  store = open();
  const auto contents = expect(store->load());
  EXPECT_EQ(contents.version, (Version{1, 1}));
  EXPECT_EQ(texts(contents.rows), texts(rows));
}

TEST_P(DurableStoreTest, AGroupMakesOneVersionForEachOfItsChanges) {
  const std::vector<Commit> group = {{{consumer(1)}, {}, "ann"}, {{consumer(2)}, {}, "bob"}};
  EXPECT_EQ(expect(store->commit({1, 0}, group)), (Version{1, 2}));
  const auto log = expect(store->read_log({1, 0}, 10)).entries;
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].version, (Version{1, 1}));
  EXPECT_EQ(log[0].author, "ann");
  EXPECT_EQ(log[1].version, (Version{1, 2}));
  EXPECT_EQ(log[1].id, test_id(2));
}

TEST_P(DurableStoreTest, AStaleWriterIsRefusedAndChangesNothing) {
  write({consumer(1)});
  const Commit late{{consumer(2)}, {}, "late"};
  const auto refused = store->commit({1, 0}, {&late, 1});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().failure, CommitFailure::Conflict);
  EXPECT_EQ(stored(), texts({consumer(1)}));
}

TEST_P(DurableStoreTest, SaysWhichVersionTouchedEachWorkspaceLast) {
  auto of_team = consumer(3);
  of_team.workspace = test_id(100);
  write({consumer(1)});
  write({of_team});
  write({consumer(2)});
  write({}, {{"consumers", of_team.id}});
  std::map<Uuid, Version> touched;
  for (const Touched& one : expect(open()->load()).touched) touched[one.workspace] = one.version;
  EXPECT_EQ(touched[Uuid{}], (Version{1, 3}));
  EXPECT_EQ(touched[test_id(100)], (Version{1, 4})) << "a deletion touches too";
}

TEST_P(DurableStoreTest, AChangeMayGiveAValueOnThatItTakesFromAnother) {
  write({consumer(1), credential(2, 1, "key-one")});
  write({credential(3, 1, "key-one")}, {{"keyauth_credentials", test_id(2)}});
  EXPECT_EQ(stored(), texts({consumer(1), credential(3, 1, "key-one")}));
}

TEST_P(DurableStoreTest, TwoStoresOnOneDatabaseSeeEachOther) {
  const auto other = open();
  write({consumer(1)});
  EXPECT_EQ(expect(other->head()), (Version{1, 1}));
  const Commit blind{{consumer(2)}, {}, "other"};
  EXPECT_FALSE(other->commit({1, 0}, {&blind, 1}).has_value());
  EXPECT_EQ(expect(other->read_log({1, 0}, 10)).entries.size(), 1U);
  EXPECT_EQ(expect(other->commit({1, 1}, {&blind, 1})), (Version{1, 2}));
}

TEST_P(DurableStoreTest, TwoWritersLoseNoUpdate) {
  constexpr int kEach = 25;
  const auto other = open();
  const auto work = [&](DurableStore& mine, std::uint64_t base) {
    for (std::uint64_t i = 0; i < kEach;) {
      const Commit change{{consumer(base + i)}, {}, "writer"};
      const auto done = mine.commit(expect(mine.head()), {&change, 1});
      if (done) ++i;
      if (!done) EXPECT_EQ(done.error().failure, CommitFailure::Conflict) << done.error().error.what;
    }
  };
  auto second = std::async(std::launch::async, [&] { work(*other, 1000); });
  work(*store, 2000);
  second.get();
  EXPECT_EQ(stored().size(), 2U * kEach);
  EXPECT_EQ(expect(store->head()), (Version{1, std::uint64_t{2} * kEach}));
  EXPECT_EQ(expect(store->read_log({1, 0}, 1000)).entries.size(), 2U * kEach);
}

TEST_P(DurableStoreTest, ControlPlanesAreApart) {
  const auto other = open("store", "other");
  write({consumer(1)});
  EXPECT_TRUE(expect(other->load()).rows.empty());
  const Commit same{{consumer(1)}, {}, "other"};
  EXPECT_EQ(expect(other->commit({1, 0}, {&same, 1})), (Version{1, 1}));
}

TEST_P(DurableStoreTest, ARemovalIsLoggedOnce) {
  write({consumer(1)});
  write({}, {{"consumers", test_id(1)}, {"consumers", test_id(1)}, {"consumers", test_id(9)}});
  EXPECT_TRUE(stored().empty());
  const auto log = expect(store->read_log({1, 1}, 10)).entries;
  ASSERT_EQ(log.size(), 1U);
  EXPECT_EQ(log[0].document, nullptr);
  write({consumer(1)});
  EXPECT_EQ(stored().size(), 1U);
}

TEST_P(DurableStoreTest, ARemovalAndAnInsertMayShareAChange) {
  write({consumer(1)});
  const auto again = test_row(catalog, "consumers", test_id(1), R"("username":"renamed")");
  write({again}, {{"consumers", test_id(1)}});
  EXPECT_EQ(stored(), texts({again}));
}

TEST_P(DurableStoreTest, OlderVersionsAreAnswered) {
  write({consumer(1)});
  const auto changed = test_row(catalog, "consumers", test_id(1), R"("username":"changed")");
  write({changed, consumer(2)});
  write({}, {{"consumers", test_id(1)}});
  EXPECT_EQ(texts(expect(store->at({1, 1})).rows), texts({consumer(1)}));
  EXPECT_EQ(texts(expect(store->at({1, 2})).rows), texts({changed, consumer(2)}));
  EXPECT_EQ(texts(expect(store->at({1, 3})).rows), texts({consumer(2)}));
  EXPECT_TRUE(expect(store->at({1, 0})).rows.empty());
  EXPECT_EQ(store->at({1, 4}).error().code, Errc::NotFound);
}

TEST_P(DurableStoreTest, APointInTimeIsRestoredByAChange) {
  write({consumer(1), consumer(2)});
  const auto before = stored();
  write({test_row(catalog, "consumers", test_id(1), R"("username":"changed")"), consumer(3)});
  write({}, {{"consumers", test_id(2)}});
  const auto change = expect(store->changes_back_to({1, 1}));
  EXPECT_EQ(change.upserts.size(), 2U);
  EXPECT_EQ(change.removals.size(), 1U);
  write(change.upserts, change.removals);
  EXPECT_EQ(stored(), before);
  EXPECT_EQ(expect(store->head()), (Version{1, 4}));
}

TEST_P(DurableStoreTest, TheLogIsReadInWholeVersions) {
  write({consumer(1), consumer(2), consumer(3)});
  write({consumer(4)});
  EXPECT_EQ(expect(store->read_log({1, 0}, 1)).entries.size(), 3U);
  EXPECT_EQ(expect(store->read_log({1, 0}, 3)).entries.size(), 3U);
  EXPECT_EQ(expect(store->read_log({1, 0}, 4)).entries.size(), 4U);
  EXPECT_TRUE(expect(store->read_log({1, 2}, 4)).entries.empty());
}

TEST_P(DurableStoreTest, WhatWasTouchedIsReadWithoutDocumentsUpToABound) {
  write({consumer(1), consumer(2), consumer(3)});
  write({consumer(4)});
  const auto all = expect(store->read_touched({1, 0}, 4));
  EXPECT_EQ(all.reached, (Version{1, 2}));
  ASSERT_EQ(all.entries.size(), 4U);
  EXPECT_EQ(all.entries.back().id, test_id(4));
  EXPECT_EQ(all.entries.back().document, nullptr);
  const auto some = expect(store->read_touched({1, 0}, 3));
  EXPECT_EQ(some.entries.size(), 3U);
  EXPECT_EQ(some.reached, (Version{1, 1}));
  const auto none = expect(store->read_touched({1, 0}, 2));
  EXPECT_TRUE(none.entries.empty()) << "never a part of a version, however large that is";
  EXPECT_EQ(none.reached, (Version{1, 0}));
  EXPECT_EQ(store->read_touched({1, 7}, 4).error().code, Errc::NotFound);
}

TEST_P(DurableStoreTest, VersionsThatChangedNothingAreReachedAllTheSame) {
  write({consumer(1)});
  write({});
  EXPECT_EQ(expect(store->read_log({1, 0}, 10)).reached, (Version{1, 2}));
  const auto rest = expect(store->read_log({1, 1}, 10));
  EXPECT_TRUE(rest.entries.empty());
  EXPECT_EQ(rest.reached, (Version{1, 2}));
  write({consumer(2)});
  EXPECT_EQ(expect(store->read_log({1, 0}, 1)).reached, (Version{1, 1})) << "of a part, where it ends";
}

TEST_P(DurableStoreTest, AControlPlaneThatABackupLacksIsNewToItsFollowers) {
  const auto other = open("elsewhere", "other");
  expect(other->backup(folder / "without", WithKey::No));
  write({consumer(1)});
  EXPECT_EQ(expect(store->restore(folder / "without")), (Version{2, 0}));
  EXPECT_EQ(store->read_log({1, 1}, 10).error().code, Errc::NotFound);
  EXPECT_TRUE(stored().empty());
}

TEST_P(DurableStoreTest, KeysThatAnotherProcessAddedAreFound) {
  const auto other = open("other");
  const Commit change{{consumer(1), credential(2, 1, "k")}, {}, "x"};
  expect(other->commit({1, 0}, {&change, 1}));
  Keyring tool = *Keyring::open(folder / "secrets/keyring");
  expect(tool.rotate());
  {
    const auto restoring = expect(try_open("other", tool));
    EXPECT_EQ(expect(restoring->reseal()), 1U);
  }
  EXPECT_EQ(texts(expect(other->load()).rows), texts(change.upserts));
}

TEST_P(DurableStoreTest, AKeyThatAnotherProcessMadeActiveSealsWhatIsWrittenNext) {
  write({consumer(1), credential(2, 1, "one")});
  Keyring tool = *Keyring::open(folder / "secrets/keyring");
  expect(tool.rotate());
  const auto turning = expect(try_open("store", tool));
  EXPECT_EQ(expect(turning->reseal()), 1U);
  write({credential(3, 1, "two")});
  EXPECT_EQ(expect(turning->reseal()), 0U);
}

TEST_P(DurableStoreTest, SecretsAreRefusedWhileANewerKeyringCannotBeRead) {
  write({consumer(1)});
  std::filesystem::rename(folder / "secrets/keyring", folder / "secrets/copy");
  std::ofstream(folder / "secrets/keyring") << "half a fi";
  const Commit secret{{credential(2, 1, "one")}, {}, "x"};
  const auto refused = store->commit({1, 1}, {&secret, 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().failure, CommitFailure::Unavailable);
  EXPECT_EQ(write({consumer(3)}), (Version{1, 2})) << "what seals nothing goes on";
  std::filesystem::rename(folder / "secrets/copy", folder / "secrets/keyring");
  EXPECT_EQ(expect(store->commit({1, 2}, {&secret, 1})), (Version{1, 3}));
}

TEST_P(DurableStoreTest, TheTrailIsReadBackwardsAcrossControlPlanes) {
  write({consumer(1)});
  write({credential(2, 1, "hidden-key")});
  auto other = expect(store->another("other"));
  const Commit elsewhere{{consumer(1)}, {}, "somebody else"};
  expect(other->commit(expect(other->head()), {&elsewhere, 1}));
  write({}, {{"keyauth_credentials", test_id(2)}});

  std::vector<std::string> seen;
  TrailQuery query{.limit = 1};
  for (Trail part{.more = true}; part.more; query.behind = part.place) {
    part = expect(store->trail(query));
    for (const TrailEntry& entry : part.entries) {
      seen.push_back(entry.control_plane + " " + entry.what.type + (entry.before != nullptr ? " before" : "") +
                     (entry.what.document != nullptr ? " after" : ""));
      for (const auto& document : {entry.before, entry.what.document}) {
        if (document != nullptr) EXPECT_THAT(*document, testing::Not(testing::HasSubstr("hidden-key")));
      }
    }
  }
  std::ranges::sort(seen);  // what happened within one millisecond has no order between control planes
  EXPECT_THAT(seen, testing::ElementsAre("default consumers after", "default keyauth_credentials after",
                                         "default keyauth_credentials before", "other consumers after"));
  EXPECT_EQ(expect(store->trail({.author = "somebody else"})).entries.size(), 1U);
  EXPECT_EQ(expect(store->trail({.without_author = "tester"})).entries.size(), 1U);
  EXPECT_EQ(expect(store->trail({.type = "consumers", .control_plane = "default"})).entries.size(), 1U);
  EXPECT_TRUE(expect(store->trail({.until = SysTime(Millis(1))})).entries.empty());
}

/// `update consumers user-1`, a line for each row of a version.
std::vector<std::string> lines(const VersionEntry& entry) {
  constexpr std::string_view kActions[] = {"create", "update", "delete"};
  std::vector<std::string> all;
  for (const ChangedRow& row : entry.rows) {
    const Json document = entity::parse(*row.document);
    const Json* name = document.find("username");
    all.push_back(std::string(kActions[static_cast<int>(row.action)]) + " " + row.type + " " +
                  (name != nullptr ? name->as_string() : to_json(*document.find("key"))));
  }
  return all;
}

TEST_P(DurableStoreTest, TheHistoryTellsWhatEachVersionDid) {
  using testing::ElementsAre;
  write({consumer(1), consumer(2)});
  write({credential(3, 1, "hidden-key"), test_row(catalog, "consumers", test_id(2), R"("username":"changed")")});
  const Commit back{{consumer(4)}, {{"consumers", test_id(1)}}, "ann", {}, "restored from 1.1"};
  expect(store->commit({1, 2}, {&back, 1}));
  const HistoryPart part = expect(store->history({}));
  ASSERT_EQ(part.versions.size(), 3U);
  EXPECT_FALSE(part.more);
  EXPECT_EQ(part.versions[0].version, (Version{1, 3}));
  EXPECT_EQ(part.versions[0].author, "ann");
  EXPECT_EQ(part.versions[0].note, "restored from 1.1");
  EXPECT_EQ(part.versions[1].note, "");
  EXPECT_EQ(part.versions[1].changes, 2U);
  EXPECT_THAT(lines(part.versions[0]), ElementsAre("delete consumers user-1", "create consumers user-4"));
  EXPECT_THAT(lines(part.versions[1]), ElementsAre(R"(create keyauth_credentials "***")", "update consumers changed"));
  EXPECT_THAT(lines(part.versions[2]), ElementsAre("create consumers user-1", "create consumers user-2"));
}

TEST_P(DurableStoreTest, TheHistoryIsReadInPagesAndByFilters) {
  for (std::uint64_t n = 1; n <= 5; ++n) write({consumer(n)});
  const Commit by_ann{{credential(6, 1, "k")}, {}, "ann"};
  expect(store->commit({1, 5}, {&by_ann, 1}));
  write({test_row(catalog, "consumers", test_id(2), R"("username":"changed")")});
  write({}, {{"consumers", test_id(2)}});
  const auto numbers = [&](HistoryQuery query) {
    std::vector<std::uint64_t> all;
    for (HistoryPart part{.more = true}; part.more; query.below = part.place) {
      part = expect(store->history(query));
      for (const VersionEntry& entry : part.versions) all.push_back(entry.version.number);
    }
    return all;
  };
  EXPECT_THAT(numbers({.limit = 3}), testing::ElementsAre(8, 7, 6, 5, 4, 3, 2, 1));
  EXPECT_THAT(numbers({.limit = 1, .author = "ann"}), testing::ElementsAre(6));
  EXPECT_THAT(numbers({.limit = 1, .type = "consumers", .id = test_id(2)}), testing::ElementsAre(8, 7, 2));
  EXPECT_THAT(numbers({.limit = 1, .type = "consumers", .id = test_id(9)}), testing::ElementsAre());
  const auto is_credential = [](const VersionEntry&, const ChangedRow& row) {
    return row.type == "keyauth_credentials";
  };
  EXPECT_THAT(numbers({.limit = 2, .wanted = is_credential}), testing::ElementsAre(6));
}

TEST_P(DurableStoreTest, TheDifferenceOfTwoVersionsIsToldEitherWay) {
  write({consumer(1), consumer(2), credential(5, 1, "old")});
  write({test_row(catalog, "consumers", test_id(1), R"("username":"changed")"), consumer(3)},
        {{"consumers", test_id(2)}});
  write({credential(5, 1, "new")}, {{"consumers", test_id(3)}});
  write({consumer(2)});
  write({consumer(2), credential(5, 1, "newest")});
  const auto told = [&](Version from, Version to, std::size_t limit = 100) {
    std::vector<std::string> all;
    DifferenceQuery query{.from = from, .to = to, .limit = limit};
    for (Differences part{.more = true}; part.more; query.type = part.type, query.id = part.id) {
      part = expect(store->differences(query));
      const auto name = [](const sync::Document& document) {
        if (document == nullptr) return std::string("-");
        const Json json = entity::parse(*document);
        return json.find(json.find("key") != nullptr ? "key" : "username")->as_string();
      };
      for (const RowDifference& row : part.rows) all.push_back(name(row.before) + " " + name(row.after));
    }
    return all;
  };
  EXPECT_THAT(told({1, 1}, {1, 5}), testing::ElementsAre("user-1 changed", "old newest"));
  EXPECT_THAT(told({1, 5}, {1, 1}), testing::ElementsAre("changed user-1", "newest old"));
  EXPECT_THAT(told({1, 1}, {1, 5}, 1), testing::ElementsAre("user-1 changed", "old newest"));
  EXPECT_THAT(told({1, 2}, {1, 3}), testing::ElementsAre("user-3 -", "old new"));
  EXPECT_THAT(told({1, 0}, {1, 1}), testing::ElementsAre("- user-1", "- user-2", "- old"));
  EXPECT_THAT(told({1, 3}, {1, 3}), testing::ElementsAre());
  EXPECT_EQ(store->differences({.from = {1, 1}, .to = {1, 9}}).error().code, Errc::NotFound);
}

TEST_P(DurableStoreTest, CommitsDoNotWaitForWhoLooksBack) {
  for (std::uint64_t n = 1; n <= 3; ++n) write({consumer(n)});
  std::promise<void> looking;
  std::promise<void> written;
  bool waited_in_vain = false;
  const auto hold = [&, first = true](const VersionEntry&, const ChangedRow&) mutable {
    if (!std::exchange(first, false)) return true;
    looking.set_value();
    waited_in_vain = written.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready;
    return true;
  };
  auto history = std::async(std::launch::async, [&] { return store->history({.wanted = hold}); });
  looking.get_future().wait_for(std::chrono::seconds(20));
  for (std::uint64_t n = 4; n <= 20; ++n) write({consumer(n)});
  written.set_value();
  EXPECT_EQ(expect(history.get()).versions.size(), 3U) << "it sees how things were when it began";
  EXPECT_FALSE(waited_in_vain);
  EXPECT_EQ(expect(store->history({})).versions.size(), 20U);
}

TEST_P(DurableStoreTest, WhoLooksBackDoesNotWaitForACommit) {
  for (std::uint64_t n = 1; n <= 3; ++n) write({consumer(n)});
  const auto database = GetParam() == Engine::Sqlite
                            ? sql::sqlite_database({.file = folder / "store.db", .vfs = {}})
                            : sql::postgres_database(PostgresServer::shared()->options(schema + "-store"));
  const auto other = expect(database->connect());
  expect(other->begin(sql::Access::Write));
  expect(other->script("UPDATE control_planes SET number = number"));
  const Commit change{{consumer(4)}, {}, "tester"};
  auto commit = std::async(std::launch::async, [&] { return store->commit({1, 3}, {&change, 1}); });
  EXPECT_EQ(commit.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  EXPECT_EQ(expect(store->history({})).versions.size(), 3U);
  EXPECT_EQ(expect(store->differences({.from = {1, 1}, .to = {1, 3}})).rows.size(), 2U);
  EXPECT_EQ(commit.wait_for(std::chrono::seconds(0)), std::future_status::timeout) << "it was under way all the time";
  other->rollback();
  EXPECT_EQ(expect(commit.get()), (Version{1, 4}));
}

TEST_P(DurableStoreTest, NobodyLooksBackAnyMoreOnceToldSo) {
  write({consumer(1)});
  store->stop_looking_back();
  EXPECT_EQ(store->history({}).error().code, Errc::Unavailable);
  EXPECT_EQ(store->trail({}).error().code, Errc::Unavailable);
  write({consumer(2)});
}

TEST_P(DurableStoreTest, ASecretThatIsLookedBackAtIsOpenedWithTheKeysOfToday) {
  write({credential(5, 1, "old")});
  expect(store->rotate_key());
  write({credential(5, 1, "new")});
  const auto rows = expect(store->differences({.from = {1, 1}, .to = {1, 2}})).rows;
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_THAT(*rows[0].before, testing::HasSubstr("\"old\""));
  EXPECT_THAT(*rows[0].after, testing::HasSubstr("\"new\""));
}

TEST_P(DurableStoreTest, CompactionKeepsTheNewestVersions) {
  for (std::uint64_t n = 1; n <= 4; ++n) write({consumer(n)}, {{"consumers", test_id(n - 1)}});
  const auto tomorrow = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now() + std::chrono::hours(24));
  expect(store->compact(tomorrow, 9));
  EXPECT_EQ(expect(store->horizon()), (Version{1, 0}));
  expect(store->compact(tomorrow, 2));
  EXPECT_EQ(expect(store->horizon()), (Version{1, 2}));
  const HistoryPart part = expect(store->history({}));
  ASSERT_EQ(part.versions.size(), 2U);
  EXPECT_THAT(lines(part.versions[1]), testing::ElementsAre("delete consumers user-2", "create consumers user-3"));
  EXPECT_EQ(expect(store->differences({.from = {1, 2}, .to = {1, 4}})).rows.size(), 2U);
}

TEST_P(DurableStoreTest, CompactionKeepsOfPassingRowsOnlySoMany) {
  constexpr std::uint64_t kMade = 4'100;
  const auto passing = expect(store->another("passing"));
  std::vector<Commit> commits(kMade);
  for (Commit& commit : commits) {
    commit.upserts = {{"__state", test_id(1), std::make_shared<const std::string>("{}"), Uuid{}}};
  }
  ASSERT_TRUE(passing->commit({1, 0}, commits));
  expect(store->compact(SysTime()));
  EXPECT_EQ(expect(passing->horizon()), (Version{1, 4}));
  EXPECT_EQ(expect(passing->read_log({1, 4}, kMade)).entries.size(), kMade - 4);
  EXPECT_EQ(expect(passing->load()).version, (Version{1, kMade}));
}

TEST_P(DurableStoreTest, CompactionForgetsThePastOnly) {
  write({consumer(1), consumer(2)});
  write({test_row(catalog, "consumers", test_id(1), R"("username":"changed")")}, {{"consumers", test_id(2)}});
  const auto now = stored();
  const auto tomorrow = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now() + std::chrono::hours(24));
  expect(store->compact(tomorrow));
  EXPECT_EQ(stored(), now);
  EXPECT_EQ(expect(store->horizon()), (Version{1, 2}));
  EXPECT_EQ(store->at({1, 1}).error().code, Errc::NotFound);
  EXPECT_EQ(store->read_log({1, 1}, 10).error().code, Errc::NotFound);
  EXPECT_TRUE(expect(store->read_log({1, 2}, 10)).entries.empty());
  EXPECT_EQ(texts(expect(store->at({1, 2})).rows), now);
}

TEST_P(DurableStoreTest, CompactionKeepsWhatTouchedAWorkspaceLast) {
  auto of_team = consumer(3);
  of_team.workspace = test_id(100);
  auto other = consumer(4);
  other.workspace = test_id(100);
  write({of_team, other});
  write({}, {{"consumers", other.id}});
  write({}, {{"consumers", of_team.id}});
  write({consumer(1)});
  expect(
      store->compact(std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now() + std::chrono::hours(24))));
  std::map<Uuid, Version> touched;
  for (const Touched& one : expect(open()->load()).touched) touched[one.workspace] = one.version;
  EXPECT_EQ(touched[test_id(100)], (Version{1, 3}));
  EXPECT_EQ(stored(), texts({consumer(1)}));
  write({of_team});
  EXPECT_EQ(stored(), texts({consumer(1), of_team}));
}

TEST_P(DurableStoreTest, CompactionKeepsWhatIsYoung) {
  write({consumer(1)});
  write({}, {{"consumers", test_id(1)}});
  const auto yesterday =
      std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now() - std::chrono::hours(24));
  expect(store->compact(yesterday));
  EXPECT_EQ(expect(store->read_log({1, 0}, 10)).entries.size(), 2U);
}

TEST_P(DurableStoreTest, ASecondOwnerOfAUniqueValueIsRefused) {
  write({consumer(1)});
  const Commit clash{{test_row(catalog, "consumers", test_id(2), R"("username":"user-1")")}, {}, "x"};
  const auto refused = store->commit({1, 1}, {&clash, 1});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().failure, CommitFailure::Constraint);
  write({credential(3, 1, "same")});
  const Commit secret_clash{{credential(4, 1, "same")}, {}, "x"};
  EXPECT_EQ(store->commit({1, 2}, {&secret_clash, 1}).error().failure, CommitFailure::Constraint);
  EXPECT_EQ(expect(store->head()), (Version{1, 2}));
}

TEST_P(DurableStoreTest, WorkspacesMayShareNames) {
  auto elsewhere = test_row(catalog, "consumers", test_id(2), R"("username":"user-1")");
  elsewhere.workspace = test_id(77);
  write({consumer(1), elsewhere});
  for (const auto& row : expect(store->load()).rows) {
    EXPECT_EQ(row.workspace, row.id == test_id(2) ? test_id(77) : Uuid{});
  }
}

TEST_P(DurableStoreTest, TwoRowsMaySwapUniqueValues) {
  write({consumer(1), consumer(2)});
  const auto swapped = std::vector{test_row(catalog, "consumers", test_id(1), R"("username":"user-2")"),
                                   test_row(catalog, "consumers", test_id(2), R"("username":"user-1")")};
  write(swapped);
  EXPECT_EQ(stored(), texts(swapped));
}

TEST_P(DurableStoreTest, LongUniqueValuesAndOddTextsAreKept) {
  const std::string name(5000, 'x');
  const auto row =
      test_row(catalog, "consumers", test_id(1),
               R"("username":")" + name + R"(","custom_id":"a\u0000\u0001\"ü😀","tags":["t\\u0073ealed:"])");
  write({row});
  EXPECT_EQ(stored(), texts({row}));
}

TEST_P(DurableStoreTest, MetaIsKeptApartFromVersions) {
  expect(store->set_meta("token/b", "2"));
  expect(store->set_meta("token/a", "1"));
  expect(store->set_meta("tokenless", "3"));
  expect(store->set_meta("token/a", "one"));
  EXPECT_EQ(expect(store->meta("token/a")), "one");
  EXPECT_EQ(expect(store->meta("token")), std::nullopt);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(expect(store->metas("token/")), (Pairs{{"token/a", "one"}, {"token/b", "2"}}));
  expect(store->erase_meta("token/b"));
  EXPECT_EQ(expect(store->metas("token/")).size(), 1U);
  EXPECT_EQ(expect(store->head()), (Version{1, 0}));
}

TEST_P(DurableStoreTest, AWaiterIsWokenByAChange) {
  EXPECT_FALSE(expect(store->wait_for_change({1, 0}, Millis(10))));
  const auto other = open();
  auto waiting = std::async(std::launch::async, [&] { return expect(other->wait_for_change({1, 0}, Millis(5000))); });
  write({consumer(1)});
  EXPECT_TRUE(waiting.get());
  EXPECT_TRUE(expect(other->wait_for_change({1, 0}, Millis(0))));
}

TEST_P(DurableStoreTest, ABackupRestoresEverythingUnderANewEpoch) {
  write({consumer(1), credential(2, 1, "secret-key")});
  expect(store->set_meta("token/a", "1"));
  const auto saved = stored();
  const auto file = folder / "backup.sluice";
  expect(store->backup(file, WithKey::No));
  EXPECT_EQ(store->backup(file, WithKey::No).error().code, Errc::Conflict);
  write({consumer(3)}, {{"consumers", test_id(1)}});
  expect(store->erase_meta("token/a"));

  EXPECT_EQ(expect(store->restore(file)), (Version{2, 1}));
  EXPECT_EQ(stored(), saved);
  EXPECT_EQ(expect(store->meta("token/a")), "1");
  EXPECT_EQ(store->read_log({1, 2}, 10).error().code, Errc::NotFound);
  EXPECT_EQ(store->read_log({1, 0}, 10).error().code, Errc::NotFound) << "of another store, for all we know";
  EXPECT_EQ(write({consumer(4)}), (Version{2, 2}));
  EXPECT_EQ(expect(store->read_log({2, 1}, 10)).entries.at(0).version, (Version{2, 2}));
  const Commit clash{{test_row(catalog, "consumers", test_id(5), R"("username":"user-1")")}, {}, "x"};
  EXPECT_EQ(store->commit({2, 2}, {&clash, 1}).error().failure, CommitFailure::Constraint);
}

TEST_P(DurableStoreTest, ABackupWithItsKeyRestoresElsewhere) {
  write({consumer(1), credential(2, 1, "secret-key")});
  expect(store->backup(folder / "bare", WithKey::No));
  expect(store->backup(folder / "whole", WithKey::Yes));
  const auto saved = stored();

  Keyring fresh = *Keyring::open(folder / "elsewhere/keyring");
  const auto other = expect(try_open("other", fresh));
  const auto refused = other->restore(folder / "bare");
  EXPECT_EQ(refused.error().code, Errc::Forbidden);
  EXPECT_TRUE(expect(other->load()).rows.empty());
  expect(other->restore(folder / "whole"));
  EXPECT_EQ(texts(expect(other->load()).rows), saved);
}

TEST_P(DurableStoreTest, ABackupMakesNoFolder) {
  const auto refused = store->backup(folder / "typo/backup", WithKey::No);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("there is no folder"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "typo"));
}

TEST_P(DurableStoreTest, ABackupUnderWritesIsOneState) {
  write({consumer(0)});
  auto writer = std::async(std::launch::async, [&] {
    for (std::uint64_t i = 1; i <= 100; ++i) write({consumer(2 * i), consumer(2 * i + 1)});
  });
  const auto file = folder / "backup";
  expect(store->backup(file, WithKey::No));
  writer.get();
  const Version restored = expect(store->restore(file));
  EXPECT_EQ(stored().size(), 1 + 2 * (restored.number - 1)) << "half a change in a backup";
}

TEST_P(DurableStoreTest, ANewKeySealsOldSecretsAnew) {
  write({consumer(1), credential(2, 1, "one")});
  expect(store->rotate_key());
  write({credential(3, 1, "two")});
  const auto before = stored();
  EXPECT_EQ(expect(store->reseal()), 1U);
  EXPECT_EQ(expect(store->reseal()), 0U);
  EXPECT_EQ(stored(), before);
}

TEST_P(DurableStoreTest, AnotherKeyringIsRefusedAndNothingChanges) {
  write({consumer(1)});
  Keyring missing = *Keyring::open(folder / "nowhere/keyring");
  const auto refused = try_open("store", missing);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::Forbidden);
  EXPECT_NE(refused.error().what.find("nowhere/keyring"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder / "nowhere"));
  EXPECT_EQ(stored(), texts({consumer(1)}));
}

// SQLite alone --------------------------------------------------------------------------------------------------------

class SqliteStoreTest : public DurableStoreTest {};
INSTANTIATE_TEST_SUITE_P(Engines, SqliteStoreTest, testing::Values(Engine::Sqlite),
                         [](const auto&) { return std::string("Sqlite"); });

std::string octets_of(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_P(SqliteStoreTest, NoSecretIsInTheFiles) {
  write(
      {consumer(1), credential(2, 1, "canary-4711"),
       test_row(catalog, "basicauth_credentials", test_id(3),
                R"("username":"ann","password":"canary-4712","consumer":{"id":")" + test_id(1).to_string() + R"("})")});
  const auto file = folder / "backup";
  expect(store->backup(file, WithKey::No));
  for (const char* name : {"store.db", "store.db-wal", "backup"}) {
    const std::string octets = octets_of(folder / name);
    EXPECT_NE(octets.size(), 0U) << name;
    EXPECT_EQ(octets.find("canary"), std::string::npos) << name;
    EXPECT_EQ(octets.find(keyring.find(keyring.active())->reveal()), std::string::npos) << name;
  }
  EXPECT_NE(octets_of(folder / "store.db-wal").find("user-1"), std::string::npos);
}

TEST_P(SqliteStoreTest, FilesAreForTheirOwnerOnly) {
  write({consumer(1)});
  expect(store->backup(folder / "backup", WithKey::No));
  for (const char* name : {"store.db", "store.db-wal", "backup", "secrets/keyring"}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder / name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST_P(SqliteStoreTest, ABackupIsNoStoreAndAStoreNoBackup) {
  write({consumer(1)});
  expect(store->backup(folder / "backup.db", WithKey::No));
  EXPECT_FALSE(try_open("backup", keyring).has_value());
  EXPECT_FALSE(store->restore(folder / "store.db").has_value());
  EXPECT_FALSE(store->restore(folder / "nothing").has_value());
  EXPECT_FALSE(store->restore(folder / "secrets/keyring").has_value());
  EXPECT_EQ(stored(), texts({consumer(1)}));
}

}  // namespace
}  // namespace sluice::store
