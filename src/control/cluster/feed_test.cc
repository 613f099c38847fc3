// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/feed.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "control/cluster/view.h"
#include "entity/catalog_fixture.h"
#include "sync/wire/deltas.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kLimit = 1 << 20;

/// A store whose changes a feed hears of, as a publisher would tell them.
class FeedTest : public testing::Test {
 protected:
  FeedTest() { feed.start(version); }

  static sync::EntityRow row(int number, std::string_view host, std::string_view type = "services") {
    Uuid id;
    id.octets[15] = static_cast<std::uint8_t>(number);
    const Json document = Json::Object{{"id", id.to_string()}, {"host", host}};
    return {std::string(type), id, std::make_shared<const std::string>(to_json(document)), Uuid{}};
  }

  static sync::Delta puts(std::vector<sync::EntityRow> rows) {
    sync::Delta delta;
    delta.upserts = std::move(rows);
    return delta;
  }
  static sync::Delta erases(int number) {
    sync::Delta delta;
    delta.removals = {{"services", row(number, "").id}};
    return delta;
  }

  void change(const sync::Delta& delta) {
    version = version.next();
    feed.changing(store, delta, version);
    store.apply(delta);
  }
  void put(int number, std::string_view host) { change(puts({row(number, host)})); }

  static sync::wire::Peer peer() {
    sync::wire::Peer peer;
    peer.kong_version = "3.10.0";
    peer.sluice_version = "0.1.0";
    return peer;
  }

  static sync::Digest digest_of(std::initializer_list<sync::EntityRow> rows) {
    sync::Digest digest;
    for (const auto& each : rows) digest.add(each);
    return digest;
  }

  /// What a push says, whatever its part.
  static sync::wire::ReadPush opened(const std::string& frame, std::vector<sync::wire::RpcMessage>& keeps) {
    const auto text = sync::wire::decompress(frame, kLimit);
    if (!text) throw std::runtime_error(text.error().what);
    keeps = *sync::wire::parse_rpc(*text);
    return *sync::wire::read_push(std::get<sync::wire::RpcCall>(keeps.front()).params);
  }

  entity::PluginSchemas plugins = entity::test_plugins();
  entity::Catalog catalog{plugins};
  store::MemoryStore store{catalog};
  store::Version version{1, 7};
  Feed feed{store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .max_steps = 4}};
};

TEST_F(FeedTest, NamesWhatItHoldsByADigestThatFollowsEachChange) {
  View& view = feed.whole();
  EXPECT_EQ(view.hash(), std::string(32, '0'));
  put(1, "a.test");
  put(2, "b.test");
  EXPECT_EQ(view.hash(), digest_of({row(1, "a.test"), row(2, "b.test")}).text());
  put(1, "c.test");
  change(erases(2));
  EXPECT_EQ(view.hash(), digest_of({row(1, "c.test")}).text());
}

TEST_F(FeedTest, TellsEachRowOnceTheWayItIsNow) {
  const store::Version before = version;
  put(1, "a.test");
  put(1, "b.test");
  put(2, "c.test");
  change(erases(2));
  const auto step = feed.since(before);
  ASSERT_TRUE(step);
  ASSERT_THAT(step->upserts, SizeIs(1));
  EXPECT_EQ(*step->upserts[0].document, *row(1, "b.test").document);
  ASSERT_THAT(step->removals, SizeIs(1));
  EXPECT_EQ(step->removals[0].id, row(2, "").id);
  EXPECT_EQ(step->to, version);
}

TEST_F(FeedTest, HasNothingToTellWhoIsUpToDate) {
  put(1, "a.test");
  const auto step = feed.since(version);
  ASSERT_TRUE(step);
  EXPECT_THAT(step->upserts, IsEmpty());
}

TEST_F(FeedTest, ForgetsOldStepsAndSaysSo) {
  const store::Version before = version;
  for (int i = 0; i < 6; ++i) put(i, "a.test");
  EXPECT_FALSE(feed.since(before));
  EXPECT_TRUE(feed.since(feed.horizon()));
}

TEST_F(FeedTest, LearnsOlderStepsFromTheLog) {
  put(1, "a.test");
  Feed restarted(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}});
  restarted.start(version);
  const store::Version before{1, 7};
  EXPECT_FALSE(restarted.since(before));
  store::LogPart part{.reached = version};
  part.entries.push_back({version, "services", row(1, "").id, {}, row(1, "a.test").document, "", {}});
  restarted.prepend(part, before);
  const auto step = restarted.since(before);
  ASSERT_TRUE(step);
  EXPECT_THAT(step->upserts, SizeIs(1));
}

TEST_F(FeedTest, TakesAWholeConfigurationForWhatItChanges) {
  put(1, "a.test");
  put(2, "b.test");
  const store::Version before = version;
  sync::Delta whole = puts({row(1, "a.test"), row(3, "c.test")});
  whole.complete = true;
  change(whole);
  const auto step = feed.since(before);
  ASSERT_TRUE(step);
  ASSERT_THAT(step->upserts, SizeIs(1));
  EXPECT_EQ(step->upserts[0].id, row(3, "").id);
  ASSERT_THAT(step->removals, SizeIs(1));
  EXPECT_EQ(step->removals[0].id, row(2, "").id);
  EXPECT_EQ(feed.whole().hash(), digest_of({row(1, "a.test"), row(3, "c.test")}).text());
}

TEST_F(FeedTest, BegetsNoStepsAcrossEpochs) {
  put(1, "a.test");
  const store::Version before = version;
  version = {2, 0};
  put(1, "b.test");
  EXPECT_FALSE(feed.since(before));
}

TEST_F(FeedTest, SharesAViewBetweenPeersOfOneKind) {
  const auto one = feed.view(peer());
  EXPECT_EQ(one, feed.view(peer()));
  put(1, "a.test");
  const auto pushed = one->push_since({1, 7});
  ASSERT_NE(pushed, nullptr);
  EXPECT_EQ(pushed, one->push_since({1, 7}));
}

TEST_F(FeedTest, PushesAChangeWithTheDigestOfTheResult) {
  const auto view = feed.view(peer());
  put(1, "a.test");
  const auto frames = view->push_since({1, 7});
  ASSERT_NE(frames, nullptr);
  ASSERT_THAT(*frames, SizeIs(1));
  std::vector<sync::wire::RpcMessage> keeps;
  const auto read = opened(frames->front(), keeps);
  EXPECT_EQ(read.push.from, to_wire(store::Version{1, 7}));
  EXPECT_EQ(read.push.to, to_wire(version));
  EXPECT_EQ(read.push.hash, view->hash());
  EXPECT_FALSE(read.push.full);
  const auto deltas = sync::wire::read_deltas(*read.deltas, Uuid{});
  ASSERT_TRUE(deltas);
  ASSERT_THAT(deltas->upserts, SizeIs(1));
  EXPECT_EQ(*deltas->upserts[0].document, *row(1, "a.test").document);
}

TEST_F(FeedTest, KeepsDistributedTypesOnly) {
  const store::Version before = version;
  change(puts({row(1, "a.test"), row(2, "x", "oauth2_tokens")}));
  const auto step = feed.since(before);
  ASSERT_TRUE(step);
  EXPECT_THAT(step->upserts, SizeIs(1));
  EXPECT_EQ(feed.whole().hash(), digest_of({row(1, "a.test")}).text());
}

}  // namespace
}  // namespace sluice::control::cluster
