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

  /// Small ones are there at once.
  static Frames pushes(View& view, const store::Version& from) { return view.push_since(from).take().frames; }

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
  Feed feed{store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .max_rows = 4}};
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

/// What a log says of one row.
store::LogEntry entry(const store::Version& version, const sync::EntityRow& row) {
  return {version, row.type, row.id, {}, nullptr, "", {}};
}

TEST_F(FeedTest, LeadsOnFromEachVersionThatTheLogTellsOf) {
  put(1, "a.test");
  put(2, "b.test");
  put(3, "c.test");
  Feed restarted(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}});
  restarted.start(version);
  store::LogPart part{.reached = version};
  for (int i = 1; i <= 3; ++i) {
    part.entries.push_back(entry({1, 7 + static_cast<std::uint64_t>(i)}, row(i, "")));
  }
  restarted.prepend(part, {1, 7});
  for (std::uint64_t behind = 0; behind <= 3; ++behind) {
    const auto step = restarted.since({1, 10 - behind});
    ASSERT_TRUE(step) << behind;
    EXPECT_THAT(step->upserts, SizeIs(behind));
  }
  EXPECT_FALSE(restarted.knows({1, 6}));
  EXPECT_FALSE(restarted.knows({1, 11})) << "which is ahead";
}

TEST_F(FeedTest, LearnsOfTheLogWhatThereIsRoomFor) {
  for (int i = 0; i < 3; ++i) put(i, "a.test");
  Feed restarted(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .max_rows = 2});
  restarted.start(version);
  store::LogPart part{.reached = version};
  for (std::uint64_t number = 8; number <= 10; ++number) part.entries.push_back(entry({1, number}, row(1, "")));
  EXPECT_TRUE(restarted.may_learn({1, 7}));
  restarted.prepend(part, {1, 7});
  EXPECT_EQ(restarted.horizon(), (store::Version{1, 8}));
  EXPECT_FALSE(restarted.may_learn({1, 7})) << "nobody need ask the log again";
}

TEST_F(FeedTest, AsksTheLogNoMoreForWhatIsTooLongAgo) {
  put(1, "a.test");
  Feed restarted(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}});
  restarted.start(version);
  restarted.prepend({.entries = {}, .reached = {1, 3}}, {1, 2});
  EXPECT_FALSE(restarted.may_learn({1, 2}));
  EXPECT_TRUE(restarted.may_learn({1, 3}));
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

TEST_F(FeedTest, IsNotAheadOfWhatAnotherEpochCounts) {
  put(1, "a.test");
  EXPECT_TRUE(feed.is_ahead(version.next()));
  EXPECT_FALSE(feed.is_ahead(version));
  EXPECT_FALSE(feed.is_ahead({version.epoch + 1, 0}));
}

TEST_F(FeedTest, SharesAViewBetweenPeersOfOneKind) {
  const auto one = feed.view(peer());
  EXPECT_EQ(one, feed.view(peer()));
  put(1, "a.test");
  const auto pushed = pushes(*one, {1, 7});
  ASSERT_NE(pushed, nullptr);
  EXPECT_EQ(pushed, pushes(*one, {1, 7}));
}

TEST_F(FeedTest, PushesAChangeWithTheDigestOfTheResult) {
  const auto view = feed.view(peer());
  put(1, "a.test");
  const auto frames = pushes(*view, {1, 7});
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

TEST_F(FeedTest, PushesEverythingWhereAChangeIsTooMuchForOneMessage) {
  Feed narrow(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .max_change = 1000});
  narrow.start(version);
  const auto change_both = [&](int number, std::size_t octets) {
    const sync::Delta delta = puts({row(number, std::string(octets, 'x'))});
    version = version.next();
    narrow.changing(store, delta, version);
    store.apply(delta);
  };
  const store::Version before = version;
  change_both(1, 300);
  EXPECT_NE(pushes(narrow.whole(), before), nullptr);
  change_both(2, 800);
  EXPECT_EQ(pushes(narrow.whole(), before), nullptr);
  const auto answered = narrow.whole().answer_since(before).take();
  EXPECT_NE(answered.frames, nullptr) << "Kong knows no parts: everything would be larger still";
}

TEST_F(FeedTest, FindsIssuesOnceForAllNodesOfAKind) {
  sync::wire::Peer bare = peer();
  bare.plugins.emplace();
  const auto view = feed.view(bare);
  EXPECT_FALSE(view->withheld());
  const Json plugin = Json::Object{{"id", row(1, "").id.to_string()}, {"name", "key-auth"}, {"enabled", true}};
  change(puts({{"plugins", row(1, "").id, std::make_shared<const std::string>(to_json(plugin)), Uuid{}}}));
  ASSERT_TRUE(view->withheld());
  const Issues one = view->issues();
  EXPECT_THAT(one, SizeIs(1));
  put(2, "b.test");
  EXPECT_TRUE(view->issues().shares(one)) << "what changed has none";
  Issues own = one;
  own.push_back(one.front());
  EXPECT_THAT(one, SizeIs(1));
}

TEST_F(FeedTest, SendsNothingToKindsBeyondItsBound) {
  Feed small(store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .max_views = 3});
  small.start(version);
  const auto kind = [&](const std::string& plugin) {
    sync::wire::Peer one = peer();
    one.plugins.emplace().emplace(plugin, "1");
    return small.view(one);
  };
  static_cast<void>(small.whole());
  auto a = kind("a");
  const auto b = kind("b");
  const auto c = kind("c");
  EXPECT_FALSE(b->withheld());
  EXPECT_TRUE(c->withheld());
  EXPECT_EQ(c->issues().front().code, "TOO_MANY_KINDS");
  EXPECT_EQ(c, kind("d"));
  a.reset();
  EXPECT_FALSE(kind("d")->withheld()) << "nobody is of that kind any more";
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
