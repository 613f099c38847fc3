// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <future>

#include "rt/test_loop.h"
#include "store/async_store.h"
#include "store/durable.h"
#include "store/postgres_fixture.h"
#include "store/store_fixture.h"

namespace sluice::store {
namespace {

enum class Engine : std::uint8_t { Sqlite, Postgres };

/// Several control planes in one database, on both engines.
class SeveralControlPlanesTest : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    if (GetParam() == Engine::Postgres && PostgresServer::shared() == nullptr) GTEST_SKIP() << "no PostgreSQL";
    store = open();
    ASSERT_NE(store, nullptr);
  }
  std::unique_ptr<DurableStore> open() {
    if (GetParam() == Engine::Sqlite) {
      SqliteOptions options;
      options.file = folder / "store.db";
      return expect(open_sqlite(options, catalog, keyring));
    }
    static int tests = 0;
    if (schema.empty()) schema = "several" + std::to_string(++tests);
    return expect(open_postgres(PostgresServer::shared()->options(schema), catalog, keyring));
  }
  Version write(DurableStore& into, std::uint64_t n) {
    const Commit change{{consumer_row(catalog, n)}, {}, "tester"};
    return expect(into.commit(expect(into.head()), {&change, 1}));
  }
  Version drop(DurableStore& with, const std::string& name) {
    Commit change{{consumer_row(catalog, 99)}, {}, "tester"};
    change.dropped = {name};
    return expect(with.commit(expect(with.head()), {&change, 1}));
  }

  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "secrets/keyring");
  std::string schema;
  std::unique_ptr<DurableStore> store;
};

INSTANTIATE_TEST_SUITE_P(Engines, SeveralControlPlanesTest, testing::Values(Engine::Sqlite, Engine::Postgres),
                         [](const auto& info) { return info.param == Engine::Sqlite ? "Sqlite" : "Postgres"; });

TEST_P(SeveralControlPlanesTest, EachHasRowsAndVersionsOfItsOwn) {
  const auto a = expect(store->another("a"));
  EXPECT_EQ(write(*store, 1), (Version{1, 1}));
  EXPECT_EQ(write(*a, 1), (Version{1, 1}));  // the same id and unique columns
  EXPECT_EQ(write(*a, 2), (Version{1, 2}));
  EXPECT_EQ(expect(store->load()).rows.size(), 1U);
  EXPECT_EQ(expect(a->load()).rows.size(), 2U);
  const Heads heads = {{"default", {1, 1}}, {"a", {1, 2}}};
  EXPECT_EQ(expect(store->heads()), heads);
}

TEST_P(SeveralControlPlanesTest, OneIsTheSameUnderItsNameLater) {
  write(*expect(store->another("a")), 1);
  store = open();
  EXPECT_EQ(expect(expect(store->another("a"))->load()).rows.size(), 1U);
}

TEST_P(SeveralControlPlanesTest, OneThatIsDroppedIsGoneWithAllItHad) {
  const auto a = expect(store->another("a"));
  write(*a, 1);
  expect(a->set_meta("x", "y"));
  drop(*store, "a");
  EXPECT_FALSE(expect(store->heads()).contains("a"));
  EXPECT_EQ(a->load().error().code, Errc::NotFound);
  const auto again = expect(store->another("a"));
  EXPECT_EQ(expect(again->head()), (Version{1, 0}));
  EXPECT_TRUE(expect(again->load()).rows.empty());
  EXPECT_EQ(expect(again->meta("x")), std::nullopt);
}

/// Ids in the tables are given again.
TEST_P(SeveralControlPlanesTest, WhoStillHoldsADroppedOneCannotWriteIntoItsSuccessor) {
  const auto a = expect(store->another("a"));
  drop(*store, "a");
  const auto b = expect(store->another("b"));
  const Commit change{{consumer_row(catalog, 1)}, {}, "late"};
  const auto late = a->commit({1, 0}, {&change, 1});
  ASSERT_FALSE(late.has_value());
  EXPECT_EQ(late.error().failure, CommitFailure::Conflict);
  EXPECT_TRUE(expect(b->load()).rows.empty());
}

TEST_P(SeveralControlPlanesTest, OneWaitHearsOfChangesInAllOfThem) {
  const auto other = open();
  const auto a = expect(other->another("a"));
  const Heads known = expect(store->heads());
  auto waiting = std::async(std::launch::async, [&] { return expect(store->wait_for_changes(known, Millis(5000))); });
  std::this_thread::sleep_for(Millis(100));
  write(*a, 1);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(waiting.get()["a"], (Version{1, 1}));
  EXPECT_LT(std::chrono::steady_clock::now() - began, Millis(1000));
}

TEST_P(SeveralControlPlanesTest, SecretsOfAllAreSealedAnew) {
  const auto a = expect(store->another("a"));
  write(*a, 1);
  const auto row = test_row(catalog, "keyauth_credentials", test_id(2),
                            R"("key":"k","consumer":{"id":")" + test_id(1).to_string() + R"("})");
  const Commit change{{row}, {}, "tester"};
  expect(a->commit(expect(a->head()), {&change, 1}));
  expect(store->rotate_key());
  EXPECT_EQ(expect(store->reseal()), 1U);
}

TEST_P(SeveralControlPlanesTest, TwoHundredShareTheThreadsOfOne) {
  rt::Reactor reactor;
  AsyncStore root(std::move(store), reactor);
  std::vector<std::unique_ptr<AsyncStore>> others;
  others.reserve(200);
  for (int i = 0; i < 200; ++i) others.push_back(expect(root.another_now("plane-" + std::to_string(i))));
  for (auto& other : others) {
    std::vector<Commit> group;
    group.push_back({{consumer_row(catalog, 1)}, {}, "tester"});
    EXPECT_EQ(expect(rt::run(reactor, other->commit({1, 0}, std::move(group)))), (Version{1, 1}));
  }
  EXPECT_EQ(expect(rt::run(reactor, root.heads())).size(), 201U);
}

}  // namespace
}  // namespace sluice::store
