// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_notes.h"

#include <gmock/gmock.h>

#include "entity/catalog_fixture.h"
#include "rt/test_loop.h"
#include "store/store_fixture.h"

namespace sluice::control::cluster {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr Millis kTwoWeeks{14LL * 24 * 3600 * 1000};
const Uuid kPlane = store::test_id(99);

/// Replicas of one control plane, on one database.
class NodeNotesTest : public testing::Test {
 protected:
  struct Replica {
    Replica(const entity::Catalog& catalog, rt::Reactor& reactor, store::AsyncStore& store, const std::string& name)
        : rows(catalog),
          feed(rows, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}}),
          nodes(feed),
          notes(nodes, {.reactor = reactor, .store = store, .control_plane = kPlane, .replica = name}) {
      feed.start({1, 7});
    }
    store::MemoryStore rows;
    Feed feed;
    NodeRegistry nodes;
    NodeNotes notes;
  };

  std::unique_ptr<Replica> start(const std::string& name = "a") {
    auto replica = std::make_unique<Replica>(catalog, reactor, durable, name);
    rt::run(reactor, replica->notes.begin());
    return replica;
  }
  /// A node connects, and serves what it should.
  static NodeRecord& connect(Replica& replica, std::uint64_t number) {
    NodeRecord& node = replica.nodes.meet(store::test_id(number));
    node.connected = true;
    node.peer.hostname = "edge-" + std::to_string(number);
    node.config_hash = replica.nodes.expected_hash();
    node.config_version = replica.feed.version();
    node.last_seen = store::SysTime(Millis(unix_millis()));
    return node;
  }
  void disconnect(Replica& replica, std::uint64_t number) {
    replica.nodes.meet(store::test_id(number)).connected = false;
    write(replica);
  }
  /// A pass of what goes on all the time; how many rows that wrote.
  std::uint64_t write(Replica& replica) {
    const std::uint64_t before = replica.notes.rows_written();
    rt::run(reactor, replica.notes.carry_out_erasures());
    rt::run(reactor, replica.notes.look());
    rt::run(reactor, replica.notes.write_roll());
    rt::run(reactor, replica.notes.write_some());
    return replica.notes.rows_written() - before;
  }
  void follow(Replica& replica) { rt::run(reactor, replica.notes.begin()); }
  std::vector<std::pair<std::string, std::string>> rows() {
    return store::expect(durable.blocking().metas("cluster_node/"));
  }
  std::unique_ptr<store::DurableStore> open() {
    store::SqliteOptions options;
    options.file = folder.path() + "/store.db";
    return store::expect(store::open_sqlite(options, catalog, keyring));
  }

  store::TempFolder folder;
  entity::Catalog catalog{entity::test_plugins()};
  store::Keyring keyring = *store::Keyring::open(folder.path() + "/keyring");
  rt::Reactor reactor;
  store::AsyncStore durable{open(), reactor};
};

TEST_F(NodeNotesTest, ARestartForgetsNone) {
  {
    const auto first = start();
    connect(*first, 1);
    connect(*first, 2);
    EXPECT_EQ(write(*first), 2U);
  }
  const auto again = start();
  ASSERT_THAT(again->nodes.list(), SizeIs(2));
  const NodeRecord& node = *again->nodes.list().front();
  EXPECT_FALSE(node.connected);
  EXPECT_EQ(node.peer.hostname, "edge-1");
  EXPECT_EQ(node.config_version, (store::Version{1, 7}));
}

TEST_F(NodeNotesTest, WhatIsHeardOfAllTheTimeWritesNoRows) {
  const auto replica = start();
  NodeRecord& node = connect(*replica, 1);
  connect(*replica, 2);
  EXPECT_EQ(write(*replica), 2U);
  node.last_seen += Millis(1'000'000);
  node.config_version = store::Version{1, 8};
  replica->nodes.touch();
  EXPECT_EQ(write(*replica), 0U);
  node.config_error = Json::Object{{"message", "no"}};
  replica->nodes.touch();
  EXPECT_EQ(write(*replica), 1U) << "that of one node";
}

TEST_F(NodeNotesTest, ANodeThatComesBackAfterARestartAsItWasWritesNoRow) {
  {
    const auto first = start();
    connect(*first, 1);
    write(*first);
  }
  const auto again = start();
  connect(*again, 1);
  EXPECT_EQ(write(*again), 0U);
}

TEST_F(NodeNotesTest, ReplicasSeeEachOthersNodes) {
  const auto a = start("a");
  const auto b = start("b");
  connect(*a, 1);
  write(*a);
  follow(*b);
  const NodeRecord* seen = b->nodes.find(store::test_id(1));
  ASSERT_NE(seen, nullptr);
  EXPECT_TRUE(seen->connected);
  EXPECT_TRUE(in_sync(*seen, b->nodes));
}

TEST_F(NodeNotesTest, AnErasedNodeStaysAwayEverywhere) {
  const auto a = start("a");
  const auto b = start("b");
  connect(*a, 1);
  write(*a);
  disconnect(*a, 1);
  follow(*b);
  EXPECT_TRUE(b->nodes.erase(b->nodes.find(store::test_id(1))->peer.node_id));
  rt::run(reactor, b->notes.carry_out_erasures());
  EXPECT_THAT(rows(), IsEmpty());
  rt::run(reactor, b->notes.begin());
  rt::run(reactor, a->notes.begin());
  EXPECT_THAT(b->nodes.list(), IsEmpty());
  EXPECT_THAT(a->nodes.list(), IsEmpty());
  a->nodes.touch();
  EXPECT_EQ(write(*a), 0U);
}

TEST_F(NodeNotesTest, OneThatIsErasedWhileReplicasAreReadStaysAway) {
  const auto a = start("a");
  connect(*a, 1);
  write(*a);
  const auto b = start("b");
  Task<void> reading = b->notes.begin();
  reading.start();
  EXPECT_TRUE(b->nodes.erase(store::test_id(1)));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return reading.ready(); }));
  EXPECT_THAT(b->nodes.list(), IsEmpty());
}

TEST_F(NodeNotesTest, ANodeThatIsConnectedIsWrittenDownAgainAfterItsErasureElsewhere) {
  const auto a = start("a");
  const auto b = start("b");
  connect(*a, 1);
  write(*a);
  follow(*b);
  b->nodes.erase(store::test_id(1));
  rt::run(reactor, b->notes.carry_out_erasures());
  rt::run(reactor, a->notes.begin());
  EXPECT_EQ(write(*a), 1U);
}

TEST_F(NodeNotesTest, RowsOfReplicasThatAreGoneArePurged) {
  {
    const auto a = start("a");
    connect(*a, 1).last_seen = store::SysTime(Millis(unix_millis()) - kTwoWeeks * 2);
    a->nodes.meet(store::test_id(1)).connected = false;
    write(*a);
  }
  const auto b = start("b");
  EXPECT_THAT(b->nodes.list(), SizeIs(1));
  rt::run(reactor, b->notes.purge(kTwoWeeks));
  EXPECT_THAT(b->nodes.list(), IsEmpty());
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(NodeNotesTest, WhatEarlierReleasesWroteIsTakenOver) {
  NodeRecord node;
  node.peer.node_id = store::test_id(1);
  node.peer.hostname = "old";
  const std::string name = "cluster_nodes/" + kPlane.to_string() + "/a";
  store::expect(durable.blocking().set_meta(name, to_json(Json::Array{to_json_value(node)})));
  const auto replica = start();
  ASSERT_THAT(replica->nodes.list(), SizeIs(1));
  EXPECT_EQ(replica->nodes.list().front()->peer.hostname, "old");
  EXPECT_EQ(write(*replica), 1U);
  EXPECT_FALSE(store::expect(durable.blocking().meta(name)).has_value());
}

TEST_F(NodeNotesTest, ManyNodesAreWrittenAFewAtATime) {
  const auto replica = start();
  for (std::uint64_t number = 1; number <= 120; ++number) connect(*replica, number);
  EXPECT_EQ(write(*replica), 50U);
  rt::run(reactor, replica->notes.write_some());
  rt::run(reactor, replica->notes.write_some());
  EXPECT_THAT(rows(), SizeIs(120));
}

TEST(NodeText, ARecordStaysSmallWhateverANodeSays) {
  NodeRecord node;
  node.peer.plugins.emplace();
  for (int i = 0; i < 1'000; ++i) {
    node.peer.plugins->emplace(std::to_string(i) + std::string(120, 'p'), std::string(128, '1'));
    node.peer.labels.emplace(std::to_string(i) + std::string(60, 'l'), std::string(63, 'l'));
  }
  Json::Array entities;
  for (int i = 0; i < 1'000; ++i) entities.emplace_back(Json::Object{{"entity_type", std::string(1'000, 't')}});
  node.config_error = Json::Object{{"message", std::string(1'000'000, 'm')}, {"errors", std::move(entities)}};
  keep_small(node);
  EXPECT_LT(to_json(to_json_value(node)).size(), 50'000U);
}

}  // namespace
}  // namespace sluice::control::cluster
