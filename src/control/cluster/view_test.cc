// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/view.h"

#include <set>
#include <thread>

#include <gmock/gmock.h>

#include "base/json.h"
#include "entity/catalog_fixture.h"
#include "net/tls/self_signed.h"
#include "rt/test_loop.h"
#include "store/store_fixture.h"
#include "sync/wire/deltas.h"
#include "sync/wire/reconfigure.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

constexpr std::size_t kLimit = 64 << 20;
constexpr Millis kInterval{5'000};

/// Signs, and says on which threads.
class FakeSigner final : public sync::Signer {
 public:
  [[nodiscard]] std::string sign(std::string_view) const override {
    threads.insert(std::this_thread::get_id());
    ++count;
    return "signed";
  }
  [[nodiscard]] const std::string& certificate_pem() const override { return pem; }
  std::string pem = "certificate";
  mutable std::set<std::thread::id> threads;
  mutable int count = 0;
};

/// A configuration large enough to be made by another thread.
class ViewTest : public testing::Test {
 protected:
  ViewTest() {
    for (std::uint64_t number = 1; number <= 40; ++number) store.put(row(number, 50'000));
    feed.start(version);
  }
  ~ViewTest() override { view.reset(); }

  static sync::EntityRow row(std::uint64_t number, std::size_t octets) {
    const Uuid id = store::test_id(number);
    std::string host;
    while (host.size() < octets) host += Uuid::random().to_string();  // of which packing leaves much
    const Json document = Json::Object{{"id", id.to_string()}, {"host", host}};
    return {"services", id, std::make_shared<const std::string>(to_json(document)), Uuid{}};
  }
  void put(std::uint64_t number, std::size_t octets) {
    sync::Delta delta;
    delta.upserts = {row(number, octets)};
    version = version.next();
    feed.changing(store, delta, version);
    store.apply(delta);
  }
  static sync::wire::Peer peer() {
    sync::wire::Peer peer;
    peer.kong_version = "3.10.0";
    peer.sluice_version = "0.1.0";
    return peer;
  }
  Task<Parcel> all() { return view->push_all(signer, "plane"); }
  static std::vector<sync::wire::RpcMessage> opened(const std::string& frame) {
    return *sync::wire::parse_rpc(sync::wire::decompress(frame, kLimit).value_or(""));
  }

  rt::Reactor reactor;
  entity::PluginSchemas plugins = entity::test_plugins();
  entity::Catalog catalog{plugins};
  store::MemoryStore store{catalog};
  store::Version version{1, 7};
  Feed feed{store, {.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .reactor = &reactor}};
  std::shared_ptr<View> view = feed.view(peer());
  std::shared_ptr<FakeSigner> signer = std::make_shared<FakeSigner>();
};

TEST_F(ViewTest, MakesWhatIsLargeOnceAndOnAnotherThread) {
  Task<Parcel> one = all();
  Task<Parcel> other = all();
  one.start();
  other.start();
  EXPECT_FALSE(one.ready());
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return one.ready() && other.ready(); }));
  const Parcel parcel = one.take();
  EXPECT_EQ(parcel.frames, other.take().frames);
  EXPECT_EQ(parcel.to, version);
  EXPECT_GT(parcel.frames->size(), 1U);
  EXPECT_EQ(signer->count, 1);
  EXPECT_FALSE(signer->threads.contains(std::this_thread::get_id()));
  EXPECT_TRUE(all().ready()) << "it is there now";
}

TEST_F(ViewTest, FinishesForOthersWhatOneHasGivenUp) {
  {
    Task<Parcel> first = all();
    first.start();
  }
  const Parcel parcel = rt::run(reactor, all());
  EXPECT_NE(parcel.frames, nullptr);
  EXPECT_EQ(signer->count, 1);
}

TEST_F(ViewTest, SaysToWhichVersionItLeadsThoughMuchChangesMeanwhile) {
  Task<Parcel> early = all();
  early.start();
  put(1, 5);
  const Parcel later = rt::run(reactor, all());
  EXPECT_EQ(later.to, version);
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return early.ready(); }));
  const Parcel parcel = early.take();
  EXPECT_EQ(to_string(parcel.to), "1.7");
  const auto messages = opened(parcel.frames->back());
  const auto read = sync::wire::read_push(std::get<sync::wire::RpcCall>(messages.front()).params);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->push.to, to_wire(parcel.to));
  EXPECT_NE(read->push.hash, view->hash());
}

TEST_F(ViewTest, EndsWithTheFeedWhatIsUnderWay) {
  auto other =
      std::make_unique<Feed>(store, Feed::Options{.kong = {3, 10, 0}, .sluice = {0, 1, 0}, .reactor = &reactor});
  other->start(version);
  {
    const auto its = other->view(peer());
    Task<Parcel> one = its->push_all(signer, "plane");
    one.start();
  }
  other.reset();
  reactor.run_once(0);
}

TEST_F(ViewTest, AnswersEachQuestionWithTheSameConfiguration) {
  const Parcel parcel = rt::run(reactor, view->answer_all());
  for (const Json& id : {Json(7), Json("a question"), Json(nullptr)}) {
    const auto messages = opened(answer_to(id, parcel.frames->front()));
    ASSERT_EQ(messages.size(), 1U);
    const auto& reply = std::get<sync::wire::RpcReply>(messages.front());
    EXPECT_EQ(reply.id, id);
    const auto result = sync::wire::read_get_delta_result(std::get<Json>(reply.outcome));
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(result->full);
    EXPECT_EQ(result->deltas->as_array().size(), 41U) << "with the default workspace";
  }
}

TEST_F(ViewTest, MakesAReconfigurationForAllNodesOnceInAnInterval) {
  const Parcel first = rt::run(reactor, view->reconfigure(kInterval));
  put(1, 5);
  EXPECT_EQ(view->reconfigures_to(kInterval), first.to) << "the one after it is to come in a while";
  EXPECT_EQ(rt::run(reactor, view->reconfigure(kInterval)).frames, first.frames);
  EXPECT_EQ(view->reconfigures_to(Millis(0)), version);
  const Parcel second = rt::run(reactor, view->reconfigure(Millis(0)));
  EXPECT_EQ(second.to, version);
  const auto read = sync::wire::read_reconfigure(catalog, second.frames->front(), kLimit);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->delta.upserts.size(), 41U) << "with the default workspace";
}

}  // namespace
}  // namespace sluice::control::cluster
