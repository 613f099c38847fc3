// SPDX-License-Identifier: Apache-2.0
#include "store/async_store.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "rt/scope.h"
#include "rt/test_loop.h"
#include "store/store_fixture.h"

namespace sluice::store {
namespace {

class AsyncStoreTest : public testing::Test {
 public:  // for coroutines without captures
  void open(const AsyncLimits& limits = {}) {
    SqliteOptions options;
    options.file = folder / "store.db";
    store = std::make_unique<AsyncStore>(expect(open_sqlite(options, catalog, keyring)), reactor, limits);
  }
  Commit change(std::uint64_t n) { return {{consumer_row(catalog, n)}, {}, "tester"}; }

  /// A writer that validates against what those before it are about to make, as the publisher does.
  Task<void> writer(std::uint64_t count) {
    while (written < count) {
      const std::uint64_t mine = written++;
      std::vector<Commit> group;
      group.push_back(change(mine));
      const auto done = co_await store->commit({1, mine}, std::move(group));
      EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().error.what);
      ++acknowledged;
    }
  }

  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "keyring");
  rt::Reactor reactor;
  std::unique_ptr<AsyncStore> store;
  std::uint64_t written = 0;
  std::uint64_t acknowledged = 0;
  rt::TaskScope scope;
};

TEST_F(AsyncStoreTest, WaitingWritersShareTransactions) {
  open();
  constexpr std::uint64_t kWrites = 2'000;
  constexpr int kWriters = 32;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kWriters; ++i) scope.spawn(writer(kWrites));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return acknowledged >= kWrites; }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.0f durable commits a second from %d writers\n", static_cast<double>(kWrites) / took.count(), kWriters);
  const auto contents = expect(rt::run(reactor, store->load()));
  EXPECT_EQ(contents.rows.size(), kWrites);
  EXPECT_EQ(contents.version, (Version{1, kWrites}));
}

TEST_F(AsyncStoreTest, AStaleWriterConflictsAndSoDoesWhoeverFollowsIt) {
  open();
  std::vector<std::expected<Version, CommitError>> results;
  const auto write = [](AsyncStoreTest& test, Version expected, std::uint64_t n, auto& into) -> Task<void> {
    std::vector<Commit> group;
    group.push_back(test.change(n));
    into.push_back(co_await test.store->commit(expected, std::move(group)));
  };
  // The third may have been validated against the second, which never comes to be.
  scope.spawn(write(*this, {1, 0}, 1, results));
  scope.spawn(write(*this, {1, 0}, 2, results));
  scope.spawn(write(*this, {1, 1}, 3, results));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == 3; }));
  EXPECT_EQ(results[0].value_or(Version{}), (Version{1, 1}));
  ASSERT_FALSE(results[1].has_value() || results[2].has_value());
  EXPECT_EQ(results[1].error().failure, CommitFailure::Conflict);
  EXPECT_EQ(results[2].error().failure, CommitFailure::Conflict);
  scope.spawn(write(*this, {1, 1}, 3, results));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == 4; }));
  EXPECT_EQ(results[3].value_or(Version{}), (Version{1, 2}));
}

TEST_F(AsyncStoreTest, AWrongChangeDoesNotSinkThoseBeforeIt) {
  open();
  std::vector<std::expected<Version, CommitError>> results;
  const auto write = [](AsyncStoreTest& test, Version expected, Commit what, auto& into) -> Task<void> {
    std::vector<Commit> group;
    group.push_back(std::move(what));
    into.push_back(co_await test.store->commit(expected, std::move(group)));
  };
  // The first occupies the writer, so that the others wait together.
  scope.spawn(write(*this, {1, 0}, change(1), results));
  scope.spawn(write(*this, {1, 1}, change(2), results));
  Commit clash{{test_row(catalog, "consumers", test_id(9), R"("username":"user-1")")}, {}, "x"};
  scope.spawn(write(*this, {1, 2}, std::move(clash), results));
  scope.spawn(write(*this, {1, 3}, change(4), results));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == 4; }));
  EXPECT_TRUE(results[0].has_value());
  EXPECT_TRUE(results[1].has_value());
  EXPECT_EQ(results[2].error().failure, CommitFailure::Constraint);
  EXPECT_EQ(results[3].error().failure, CommitFailure::Conflict);
}

TEST_F(AsyncStoreTest, TooManyWaitingWritersAreTurnedAway) {
  open({.waiting_calls = 4});
  int refused = 0;
  int done = 0;
  const auto write = [](AsyncStoreTest& test, std::uint64_t n, int& yes, int& no) -> Task<void> {
    std::vector<Commit> group;
    group.push_back(test.change(n));
    const auto result = co_await test.store->commit({1, n}, std::move(group));
    const bool away = !result && result.error().failure == CommitFailure::Unavailable;
    ++(away ? no : yes);
  };
  constexpr int kCalls = 200;
  for (std::uint64_t n = 0; n < kCalls; ++n) scope.spawn(write(*this, n, done, refused));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return done + refused == kCalls; }));
  EXPECT_GT(refused, 0);
  EXPECT_GT(done, 0);
}

TEST_F(AsyncStoreTest, CommitsGoOnWhileSomebodyLooksBack) {
  open();
  constexpr std::uint64_t kBefore = 20;
  constexpr std::uint64_t kWrites = 220;
  scope.spawn(writer(kBefore));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return acknowledged == kBefore; }));
  std::atomic<bool> looking = false;
  std::atomic<bool> enough = false;
  HistoryQuery query;
  query.wanted = [&](const VersionEntry&, const ChangedRow&) {
    looking = true;
    while (!enough) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return true;
  };
  std::size_t found = 0;
  const auto look = [](AsyncStoreTest& test, HistoryQuery wanted, std::size_t& count) -> Task<void> {
    const auto part = co_await test.store->history(std::move(wanted));
    count = part ? part->versions.size() : 0;
  };
  scope.spawn(look(*this, query, found));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return looking.load(); }));
  const auto start = std::chrono::steady_clock::now();
  scope.spawn(writer(kWrites));
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return acknowledged == kWrites; }));
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  std::printf("%.2f ms a commit beside a history that is being read\n", took.count() / (kWrites - kBefore));
  EXPECT_EQ(found, 0U) << "it is still being read";
  enough = true;
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return found != 0; }));
  EXPECT_EQ(found, kBefore);
}

/// Keeps the thread for looking back busy for as long as it lives.
class Occupied {
 public:
  explicit Occupied(AsyncStoreTest& test) {
    HistoryQuery query;
    query.wanted = [this](const VersionEntry&, const ChangedRow&) {
      begun = true;
      while (!over) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return true;
    };
    scope.spawn(look(test, std::move(query), found));
    EXPECT_TRUE(rt::turn_until(test.reactor, [&] { return begun.load(); }));
  }
  static Task<void> look(AsyncStoreTest& test, HistoryQuery query, std::vector<Result<HistoryPart>>& into) {
    into.push_back(co_await test.store->history(std::move(query)));
  }

  std::atomic<bool> begun = false;
  std::atomic<bool> over = false;
  std::vector<Result<HistoryPart>> found;
  rt::TaskScope scope;
};

TEST_F(AsyncStoreTest, TooManyWhoLookBackAreTurnedAway) {
  open({.waiting_looks = 2});
  scope.spawn(writer(1));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return acknowledged == 1; }));
  Occupied occupied(*this);
  std::vector<Result<HistoryPart>> results;
  constexpr int kCalls = 5;
  for (int i = 0; i < kCalls; ++i) scope.spawn(Occupied::look(*this, {}, results));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == 3; }));
  for (const auto& refused : results) EXPECT_EQ(refused.error().code, Errc::Unavailable);
  occupied.over = true;
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == kCalls; }));
  EXPECT_TRUE(results[3] && results[4]);
}

TEST_F(AsyncStoreTest, WhatNobodyWaitsForAnyMoreIsNotLookedAt) {
  open({.waiting_looks = 2});
  scope.spawn(writer(1));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return acknowledged == 1; }));
  Occupied occupied(*this);
  std::atomic<int> looked = 0;
  HistoryQuery query;
  query.wanted = [&](const VersionEntry&, const ChangedRow&) { return ++looked > 0; };
  std::vector<Result<HistoryPart>> results;
  for (int i = 0; i < 10; ++i) {
    rt::TaskScope leaving;
    leaving.spawn(Occupied::look(*this, query, results));
    leaving.cancel();
  }
  scope.spawn(Occupied::look(*this, {}, results));
  occupied.over = true;
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return results.size() == 1; }));
  EXPECT_TRUE(results[0].has_value()) << "those who left are not counted";
  EXPECT_EQ(looked, 0);
}

TEST_F(AsyncStoreTest, WhatACancelledTaskBeganIsFinished) {
  open();
  scope.spawn(writer(1));
  scope.cancel();
  EXPECT_EQ(expect(rt::run(reactor, store->load())).rows.size(), 1U);
}

TEST_F(AsyncStoreTest, EndsWhileSomebodyWaitsForAChange) {
  open();
  const auto wait = [](AsyncStoreTest& test) -> Task<void> {
    static_cast<void>(co_await test.store->wait_for_change({1, 0}, Millis(60'000)));
  };
  scope.spawn(wait(*this));
  scope.cancel();
  const auto start = std::chrono::steady_clock::now();
  store.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace sluice::store
