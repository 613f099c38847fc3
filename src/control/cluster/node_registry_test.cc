// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/node_registry.h"

#include <gmock/gmock.h>

#include "base/time.h"
#include "control/cluster/node_text.h"
#include "crypto/pem.h"
#include "entity/catalog_fixture.h"
#include "net/tls/self_signed.h"
#include "store/store_fixture.h"

namespace sluice::control::cluster {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class NodeRegistryTest : public testing::Test {
 protected:
  static NodeRecord node(std::uint64_t number, bool connected = false) {
    NodeRecord record;
    record.peer.node_id = store::test_id(number);
    record.connected = connected;
    record.last_seen = store::SysTime(Millis(1'000 * number));
    return record;
  }
  /// One that connects here, and goes again unless it is said to stay.
  NodeRecord& met(std::uint64_t number, bool stays = false, const std::string& certificate = "c") {
    NodeRecord& record = nodes.meet(store::test_id(number));
    record.connected = stays;
    record.certificate_fingerprint = certificate;
    record.last_seen = store::SysTime(Millis(1'000 * number));
    return record;
  }

  entity::Catalog catalog{entity::test_plugins()};
  store::MemoryStore store{catalog};
  Feed feed{store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}}};
  NodeRegistry nodes{feed};
  const store::SysTime now{Millis(10'000'000)};
  static constexpr Millis kLong{1'000'000'000};
};

TEST_F(NodeRegistryTest, ErasesByAReferenceIntoTheRecordThatGoes) {
  nodes.take_over("a", node(1), nullptr, now);
  nodes.take_over("b", node(1), nullptr, now);
  EXPECT_TRUE(nodes.erase(nodes.find(store::test_id(1))->peer.node_id));
  met(2);
  EXPECT_TRUE(nodes.erase(nodes.find(store::test_id(2))->peer.node_id));
  EXPECT_THAT(nodes.list(), IsEmpty());
  EXPECT_THAT(nodes.take_erased(), SizeIs(2));
  EXPECT_FALSE(nodes.erase(store::test_id(1)));
}

TEST_F(NodeRegistryTest, BelievesTheReplicaToWhichANodeIsConnected) {
  met(1).ip = "here";
  NodeRecord there = node(1, true);
  there.ip = "there";
  Roll roll{.at = now, .version = {1, 7}, .hash = std::string(32, 'a'), .behind = std::set<Uuid>()};
  nodes.take_over("b", there, &roll, now);
  const NodeRecord* known = nodes.find(store::test_id(1));
  EXPECT_EQ(known->ip, "there");
  EXPECT_TRUE(known->connected);
  EXPECT_EQ(known->last_seen, now);
  EXPECT_EQ(known->config_hash, roll.hash);
  nodes.take_roll("b", roll, now + Millis(600'000));
  EXPECT_FALSE(nodes.find(store::test_id(1))->connected) << "the replica has been silent";
}

TEST_F(NodeRegistryTest, KnowsWhichNodesOfAReplicaAreBehind) {
  Roll roll{.at = now, .version = {1, 7}, .hash = std::string(32, 'a'), .behind = std::set{store::test_id(1)}};
  nodes.take_over("b", node(1, true), &roll, now);
  nodes.take_over("b", node(2, true), &roll, now);
  EXPECT_EQ(nodes.find(store::test_id(1))->config_hash, std::string(32, '0'));
  EXPECT_EQ(nodes.find(store::test_id(2))->config_version, (store::Version{1, 7}));
}

TEST_F(NodeRegistryTest, ForgetsWhomNobodyHasSeenWhoeverWroteItDown) {
  met(1);
  met(2, true);
  nodes.take_over("b", node(3), nullptr, now);
  EXPECT_THAT(nodes.purge(Millis(1), now, {}), SizeIs(2));
  ASSERT_THAT(nodes.list(), SizeIs(1));
  EXPECT_EQ(nodes.list().front()->peer.node_id, store::test_id(2));
}

TEST_F(NodeRegistryTest, KeepsSoManyOfACertificateTheOldestGoFirst) {
  met(1, true);
  for (std::uint64_t number = 2; number <= 6; ++number) met(number);
  met(7, false, "other");
  const auto dropped = nodes.purge(kLong, now, {.nodes = 100, .per_certificate = 3});
  ASSERT_THAT(dropped, SizeIs(3));
  EXPECT_EQ(dropped.front().first, store::test_id(2)) << "the first one is connected";
  EXPECT_THAT(nodes.list(), SizeIs(4));
  EXPECT_NE(nodes.find(store::test_id(1)), nullptr);
  EXPECT_THAT(nodes.purge(kLong, now, {.nodes = 2, .per_certificate = 3}), SizeIs(2));
}

TEST_F(NodeRegistryTest, LetsAllNodesShareTheControlPlanesCertificate) {
  const auto pair = store::expect(net::tls::make_self_signed({"cluster"}));
  nodes.set_door_certificate(pair.certificate);
  const std::string own = store::expect(crypto::Certificate::parse_chain(pair.certificate)).front().sha256_hex();
  for (std::uint64_t number = 1; number <= 5; ++number) met(number, false, own);
  EXPECT_THAT(nodes.purge(kLong, now, {.nodes = 100, .per_certificate = 3}), IsEmpty());
}

}  // namespace
}  // namespace sluice::control::cluster
