// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

#include "rt/scope.h"
#include "rt/test_loop.h"
#include "store/async_store.h"
#include "store/postgres_fixture.h"
#include "store/store_fixture.h"

// Measures rather than tests; run with --gtest_also_run_disabled_tests --gtest_filter='StoreFigures*'.
namespace sluice::store {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Half consumers, half credentials, each of which has a secret.
void fill_and_load(DurableStore& store, const entity::Catalog& catalog, std::uint64_t rows) {
  constexpr std::uint64_t kBatch = 10'000;
  double writing = 0;
  for (std::uint64_t n = 0; n < rows; n += kBatch) {
    Commit change;
    change.author = "figures";
    for (std::uint64_t i = n; i < n + kBatch; i += 2) {
      change.upserts.push_back(consumer_row(catalog, i));
      change.upserts.push_back(test_row(
          catalog, "keyauth_credentials", test_id(i + 1),
          R"("key":"key-)" + std::to_string(i) + R"(","consumer":{"id":")" + test_id(i).to_string() + R"("})"));
    }
    const auto start = SteadyClock::now();
    expect(store.commit(expect(store.head()), {&change, 1}));
    writing += seconds_since(start);
    if (n == 0) std::printf("the first batch of %llu rows: %.2f s\n", static_cast<unsigned long long>(kBatch), writing);
  }
  const auto start = SteadyClock::now();
  const auto contents = expect(store.load());
  std::printf("%zu rows: written in %.1f s, loaded in %.2f s\n", contents.rows.size(), writing, seconds_since(start));
  EXPECT_EQ(contents.rows.size(), rows);
}

void write_singly(DurableStore& store, const entity::Catalog& catalog, std::uint64_t writes) {
  const auto start = SteadyClock::now();
  for (std::uint64_t n = 0; n < writes; ++n) {
    const Commit change{{consumer_row(catalog, n)}, {}, "figures"};
    expect(store.commit({1, n}, {&change, 1}));
  }
  std::printf("one writer alone: %.0f durable commits a second\n", static_cast<double>(writes) / seconds_since(start));
}

/// 32 clients as the publisher serves them: each is validated against what those before it are about to make.
void write_together(std::unique_ptr<DurableStore> store, const entity::Catalog& catalog, std::uint64_t writes) {
  constexpr int kWriters = 32;
  rt::Reactor reactor;
  AsyncStore shared(std::move(store), reactor);
  std::uint64_t next = 0;
  std::uint64_t done = 0;
  const auto writer = [](AsyncStore& to, const entity::Catalog& types, std::uint64_t count, std::uint64_t& taken,
                         std::uint64_t& finished) -> Task<void> {
    while (taken < count) {
      const std::uint64_t mine = taken++;
      std::vector<Commit> group;
      group.push_back({{consumer_row(types, mine)}, {}, "figures"});
      expect(co_await to.commit({1, mine}, std::move(group)));
      ++finished;
    }
  };
  rt::TaskScope scope;
  const auto start = SteadyClock::now();
  for (int i = 0; i < kWriters; ++i) scope.spawn(writer(shared, catalog, writes, next, done));
  rt::turn_until(reactor, [&] { return done == writes; });
  std::printf("%d writers: %.0f durable commits a second\n", kWriters,
              static_cast<double>(writes) / seconds_since(start));
}

struct Latencies {
  double median_ms = 0;
  double p99_ms = 0;
  double longest_ms = 0;
};

/// Of single commits, while `beside` goes on.
Latencies commit_latencies(DurableStore& store, const entity::Catalog& catalog, std::size_t commits,
                           const std::function<void()>& beside) {
  std::atomic<bool> over = false;
  std::thread other([&] {
    while (beside && !over) beside();
  });
  std::vector<double> took;
  for (std::size_t n = 0; n < commits; ++n) {
    const Commit change{{consumer_row(catalog, n)}, {}, "figures"};
    const Version head = expect(store.head());
    const auto start = SteadyClock::now();
    expect(store.commit(head, {&change, 1}));
    took.push_back(seconds_since(start) * 1000);
  }
  over = true;
  other.join();
  std::ranges::sort(took);
  return {took[took.size() / 2], took[took.size() * 99 / 100], took.back()};
}

/// A log of `versions` single changes of few rows, and then commits alone, and beside readers of all of it.
void read_history_beside(DurableStore& store, const entity::Catalog& catalog, std::uint64_t versions) {
  constexpr std::uint64_t kGroup = 500;
  constexpr std::uint64_t kRows = 2000;
  constexpr std::size_t kCommits = 500;
  for (std::uint64_t n = 0; n < versions; n += kGroup) {
    std::vector<Commit> group;
    for (std::uint64_t i = n; i < n + kGroup; ++i) group.push_back({{consumer_row(catalog, i % kRows)}, {}, "figures"});
    expect(store.commit(expect(store.head()), group));
  }
  const auto say = [](const char* what, const Latencies& found) {
    std::printf("commits %s: median %.2f ms, 99th of 100 %.2f ms, longest %.2f ms\n", what, found.median_ms,
                found.p99_ms, found.longest_ms);
  };
  const auto differences = [&] {
    const auto start = SteadyClock::now();
    const auto part = expect(store.differences({.from = {1, 1}, .to = {1, versions}, .limit = 1000}));
    static bool told = false;
    if (!std::exchange(told, true)) std::printf("%zu differences in %.2f s\n", part.rows.size(), seconds_since(start));
  };
  const auto history = [&] {
    expect(store.history({.wanted = [](const VersionEntry&, const ChangedRow&) { return false; }}));
  };
  say("alone", commit_latencies(store, catalog, kCommits, {}));
  say("beside differences over the whole log", commit_latencies(store, catalog, kCommits, differences));
  say("beside a search of the history", commit_latencies(store, catalog, kCommits, history));
}

class StoreFigures : public testing::Test {
 protected:
  static constexpr std::uint64_t kRows = 1'000'000;
  TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  Keyring keyring = *Keyring::open(folder / "keyring");
};

TEST_F(StoreFigures, DISABLED_Sqlite) {
  SqliteOptions options;
  options.file = folder / "single.db";
  write_singly(*expect(open_sqlite(options, catalog, keyring)), catalog, 1000);
  options.file = folder / "together.db";
  write_together(expect(open_sqlite(options, catalog, keyring)), catalog, 5000);
  options.file = folder / "store.db";
  fill_and_load(*expect(open_sqlite(options, catalog, keyring)), catalog, kRows);
  std::printf("%.0f MB on disk\n", static_cast<double>(std::filesystem::file_size(options.file)) / 1e6);
}

TEST_F(StoreFigures, DISABLED_Postgres) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL";
  write_singly(*expect(open_postgres(server->options("single"), catalog, keyring)), catalog, 1000);
  write_together(expect(open_postgres(server->options("together"), catalog, keyring)), catalog, 5000);
  fill_and_load(*expect(open_postgres(server->options("figures"), catalog, keyring)), catalog, kRows / 10);
}

TEST_F(StoreFigures, DISABLED_LookingBackOnSqlite) {
  SqliteOptions options;
  options.file = folder / "log.db";
  read_history_beside(*expect(open_sqlite(options, catalog, keyring)), catalog, 200'000);
}

TEST_F(StoreFigures, DISABLED_LookingBackOnPostgres) {
  PostgresServer* server = PostgresServer::shared();
  if (server == nullptr) GTEST_SKIP() << "no PostgreSQL";
  read_history_beside(*expect(open_postgres(server->options("looking"), catalog, keyring)), catalog, 100'000);
}

}  // namespace
}  // namespace sluice::store
