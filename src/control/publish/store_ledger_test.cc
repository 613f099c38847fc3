// SPDX-License-Identifier: Apache-2.0
#include "control/publish/store_ledger.h"

#include <chrono>
#include <cstdio>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/uuid.h"
#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "store/keyring.h"

namespace sluice::control::publish {
namespace {

/// Two control planes on one SQLite file.
class StoreLedgerTest : public testing::Test {
 public:  // for coroutines without captures
  /// One of them, without traffic.
  struct Plane {
    Plane(const entity::Catalog& catalog, std::unique_ptr<store::DurableStore> opened, rt::Reactor& reactor)
        : durable(std::move(opened), reactor), memory(catalog) {
      auto contents = durable.blocking().load();
      EXPECT_TRUE(contents.has_value());
      for (const auto& row : contents->rows) memory.put(row);
      publisher = std::make_unique<Publisher>(memory, nullptr,
                                              Publisher::Options{.ledger = &ledger, .version = contents->version});
    }
    [[nodiscard]] bool has(std::string_view name) const {
      return !memory.table("consumers").find_unique("username", name).is_nil();
    }
    store::AsyncStore durable;
    StoreLedger ledger{durable};
    store::MemoryStore memory;
    std::unique_ptr<Publisher> publisher;
  };

  ~StoreLedgerTest() override { std::filesystem::remove_all(folder); }

  std::unique_ptr<Plane> open(std::string_view name = "store.db") {
    store::SqliteOptions options;
    options.file = folder / name;
    auto opened = store::open_sqlite(options, catalog, keyring);
    EXPECT_TRUE(opened.has_value()) << (opened ? "" : opened.error().what);
    return std::make_unique<Plane>(catalog, *std::move(opened), reactor);
  }
  std::unique_ptr<Change> create(std::string_view name) const {
    Operation operation{.type = catalog.find("consumers")};
    operation.document = Json::Object{{"username", name}};
    return transaction(catalog, {operation});
  }
  bool write(Plane& plane, std::string_view name) {
    return rt::run(reactor, plane.publisher->submit(create(name), "tester")).has_value();
  }
  Task<void> writer(Plane& plane, unsigned count) {
    while (written < count) {
      const std::string name = "user-" + std::to_string(written++);
      const auto outcome = co_await plane.publisher->submit(create(name), "tester");
      acknowledged += outcome.has_value() ? 1U : 0U;
    }
  }

  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("sluice-ledger-" + Uuid::random().to_string());
  entity::Catalog catalog{entity::test_plugins()};
  store::Keyring keyring = *store::Keyring::open((folder / "keyring").string());
  rt::Reactor reactor;
  unsigned written = 0;
  unsigned acknowledged = 0;
};

TEST_F(StoreLedgerTest, WhatWasAcknowledgedIsThereAfterARestart) {
  store::Version version;
  {
    const auto plane = open();
    EXPECT_TRUE(write(*plane, "ann"));
    EXPECT_FALSE(write(*plane, "ann"));
    version = plane->publisher->version();
  }
  const auto again = open();
  EXPECT_TRUE(again->has("ann"));
  EXPECT_EQ(again->publisher->version(), version);
}

TEST_F(StoreLedgerTest, TwoControlPlanesLoseNoUpdate) {
  const auto one = open();
  const auto two = open();
  EXPECT_TRUE(write(*one, "ann"));
  EXPECT_TRUE(write(*two, "bob")) << "follows the other one and tries again";
  EXPECT_TRUE(two->has("ann"));
  EXPECT_FALSE(write(*one, "bob"));
  EXPECT_TRUE(one->has("bob"));
  EXPECT_EQ(one->publisher->version(), two->publisher->version());
}

TEST_F(StoreLedgerTest, WhoeverFollowsTheLogHearsOfOthers) {
  const auto one = open();
  const auto two = open();
  LogFollower follower(two->durable, *two->publisher, reactor);
  follower.start();
  EXPECT_TRUE(write(*one, "ann"));
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return two->has("ann"); }));
}

TEST_F(StoreLedgerTest, AVersionWithoutRowsStopsNobody) {
  const auto one = open();
  const auto two = open();
  const store::Commit nothing;
  EXPECT_TRUE(one->durable.blocking().commit({1, 0}, {&nothing, 1}).has_value());
  EXPECT_TRUE(write(*two, "ann"));
  LogFollower follower(one->durable, *one->publisher, reactor);
  follower.start();
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return one->has("ann"); }));
  EXPECT_EQ(one->publisher->version(), (store::Version{1, 2}));
}

TEST_F(StoreLedgerTest, WhatWasTouchedIsReadWithoutDocumentsAndNotBeyondABound) {
  const auto plane = open();
  const store::Version before = plane->publisher->version();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(write(*plane, "user-" + std::to_string(i)));
  const auto all = rt::run(reactor, plane->ledger.read_touched(before, 5));
  ASSERT_TRUE(all.has_value());
  EXPECT_EQ(all->reached, plane->publisher->version());
  ASSERT_EQ(all->entries.size(), 5U);
  EXPECT_EQ(all->entries.front().document, nullptr);
  EXPECT_EQ(all->entries.front().version, before.next());
  const auto some = rt::run(reactor, plane->ledger.read_touched(before, 2));
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(some->entries.size(), 2U);
  EXPECT_EQ(some->reached, before.next().next()) << "and says that there is more";
}

TEST_F(StoreLedgerTest, TheBackupOfAnotherStoreIsTakenOverWhole) {
  const std::string backup = folder / "backup";
  {
    const auto other = open("other.db");
    EXPECT_TRUE(write(*other, "yan"));
    EXPECT_TRUE(write(*other, "zoe"));
    EXPECT_TRUE(other->durable.blocking().backup(backup, store::WithKey::No).has_value());
  }
  const auto plane = open();
  EXPECT_TRUE(write(*plane, "ann"));
  LogFollower follower(plane->durable, *plane->publisher, reactor);
  follower.start();
  const auto tool = open();
  EXPECT_TRUE(tool->durable.blocking().restore(backup).has_value());
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return plane->has("zoe"); }));
  EXPECT_TRUE(plane->has("yan"));
  EXPECT_FALSE(plane->has("ann"));
  EXPECT_TRUE(write(*plane, "ann")) << "and goes on from there";
}

TEST_F(StoreLedgerTest, ManyWritersShareOneFlush) {
  constexpr unsigned kWrites = 2'000;
  const auto plane = open();
  rt::TaskScope scope;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 32; ++i) scope.spawn(writer(*plane, kWrites));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return scope.empty(); }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%.0f durable writes a second from 32 clients\n", static_cast<double>(kWrites) / took.count());
  EXPECT_EQ(acknowledged, written);
}

}  // namespace
}  // namespace sluice::control::publish
