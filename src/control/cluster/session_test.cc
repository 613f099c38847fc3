// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/session.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "entity/catalog_fixture.h"
#include "http/socket_fixture.h"
#include "net/tls/self_signed.h"
#include "sync/snapshot_file.h"
#include "sync/wire/certified.h"
#include "sync/wire/deltas.h"
#include "sync/wire/rpc.h"

namespace sluice::control::cluster {
namespace {

using http::websocket::Connection;
using http::websocket::Message;
using sync::wire::RpcCall;
using sync::wire::RpcReply;
using testing::HasSubstr;

constexpr std::size_t kLimit = 1 << 20;
constexpr const char* kControlPlane = "3f0e7c34-6f6b-4b1e-9b65-1f0d3c6f1a11";
constexpr const char* kNode = "4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11";

/// What a data plane of Kong says first, and one of ours.
constexpr std::string_view kKongHello =
    R"({"jsonrpc":"2.0","method":"kong.meta.v1.hello","params":[{"rpc_capabilities":["kong.sync.v2"],)"
    R"("rpc_frame_encodings":["x-snappy-framed"],"kong_version":"3.10.0","kong_hostname":"dp-1",)"
    R"("kong_node_id":"4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11","kong_conf":{}}],"id":1})";
constexpr std::string_view kSluiceHello =
    R"({"jsonrpc":"2.0","method":"kong.meta.v1.hello","params":[{"rpc_capabilities":["kong.sync.v2","sluice.sync.v1"],)"
    R"("rpc_frame_encodings":["x-snappy-framed"],"kong_version":"3.10.0","kong_hostname":"dp-1",)"
    R"("kong_node_id":"4ba0f4a5-0f0b-4c69-bd1b-2c5e2f0b2a11","kong_conf":{},)"
    R"("sluice":{"version":"0.1.0","config_version":"","config_hash":"","plugins":{}}}],"id":1})";

/// Tells how far the store is, and nothing else.
struct FakeHistory final : publish::History {
  Task<Result<store::Version>> head() override { return Result<store::Version>(newest); }
  Task<Result<store::LogPart>> read_touched(store::Version, std::size_t) override {
    return Result<store::LogPart>(fail(Errc::NotFound, "forgotten"));
  }
  store::Version newest;
};

/// A control plane's end of a link over a socket pair, and octets of a data plane at the other.
class SessionTest : public testing::Test {
 protected:
  SessionTest() {
    hub = make_hub();
    hub->feed().start(version);
  }
  ~SessionTest() override {
    running.reset();
    session.reset();
  }

  std::shared_ptr<Hub> make_hub() {
    pair = *net::tls::make_self_signed({"kong_clustering"});
    Hub::Parts parts{.reactor = reactor, .store = store, .history = &history, .replica = "test"};
    parts.signer = *sync::Signer::make(pair.certificate, Secret(pair.key));
    LinkTerms terms;
    terms.kong = {3, 10, 0};
    terms.sluice = {0, 1, 0};
    return std::make_shared<Hub>(*Uuid::parse(kControlPlane), std::move(parts), terms);
  }
  void put(int number, std::string_view host) {
    Uuid id;
    id.octets[15] = static_cast<std::uint8_t>(number);
    const Json document = Json::Object{{"id", id.to_string()}, {"host", host}};
    sync::Delta delta;
    delta.upserts = {{"services", id, std::make_shared<const std::string>(to_json(document)), Uuid{}}};
    version = version.next();
    hub->feed().changing(store, delta, version);
    store.apply(delta);
    rows.push_back(delta.upserts.front());
  }
  void link_up() {
    const auto [ours, theirs] = http::local_pair(0);
    server_stream.attach(reactor, ours);
    client_stream.attach(reactor, theirs);
    server = std::make_unique<Connection>(server_stream, http::websocket::Role::Server,
                                          http::websocket::Limits{.max_message = kLimit});
    client = std::make_unique<Connection>(client_stream, http::websocket::Role::Client,
                                          http::websocket::Limits{.max_message = kLimit});
    Caller caller;
    caller.ip = "127.0.0.1";
    caller.certificate_fingerprint = "aa";
    session = make_session_v2(hub, *server, std::move(caller));
    running = session->run();
    running.start();
  }
  void send(Message::Kind kind, std::string_view octets) {
    ASSERT_TRUE(rt::run(reactor, client->send(kind, octets, reactor.after_ms(5'000))).has_value());
  }
  void say(std::string_view text) { send(Message::Kind::Binary, sync::wire::compress(text)); }
  Message hear() {
    auto message = rt::run(reactor, client->receive(reactor.after_ms(5'000)));
    EXPECT_TRUE(message.has_value()) << (message ? "" : message.error().what);
    return message ? *std::move(message) : Message{.kind = Message::Kind::Close, .payload = "nothing came"};
  }
  /// The text of the next frame behind the greeting.
  std::string hear_text() {
    const Message message = hear();
    EXPECT_EQ(message.kind, Message::Kind::Binary) << message.payload;
    return sync::wire::decompress(message.payload, kLimit).value_or("no Snappy block");
  }
  RpcCall hear_call() {
    auto messages = sync::wire::parse_rpc(hear_text());
    if (!messages || !std::holds_alternative<RpcCall>(messages->front())) return {};
    return std::get<RpcCall>(std::move(messages->front()));
  }
  std::string greet(std::string_view hello) {
    link_up();
    send(Message::Kind::Binary, hello);
    return hear().payload;
  }
  [[nodiscard]] std::string hash() { return hub->feed().whole().hash(); }
  [[nodiscard]] std::string wire_version() const { return to_wire(version); }

  rt::Reactor reactor;
  entity::PluginSchemas plugins = entity::test_plugins();
  entity::Catalog catalog{plugins};
  store::MemoryStore store{catalog};
  store::Version version{1, 7};
  std::vector<sync::EntityRow> rows;
  FakeHistory history;
  net::tls::PemPair pair;
  std::shared_ptr<Hub> hub;
  net::Stream server_stream, client_stream;
  std::unique_ptr<Connection> server, client;
  std::unique_ptr<Session> session;
  Task<void> running = Task<void>::done();
};

TEST_F(SessionTest, AnswersAGreetingOfKong) {
  EXPECT_EQ(greet(kKongHello),
            R"({"jsonrpc":"2.0","result":{"rpc_capabilities":["kong.sync.v2"],"rpc_frame_encoding":"x-snappy-framed"},)"
            R"("id":1})");
  const NodeRecord* node = hub->nodes().find(*Uuid::parse(kNode));
  ASSERT_NE(node, nullptr);
  EXPECT_TRUE(node->connected);
  EXPECT_EQ(node->peer.hostname, "dp-1");
}

TEST_F(SessionTest, AgreesOnItsOwnRulesWithANodeOfOurs) {
  const std::string answer = greet(kSluiceHello);
  EXPECT_THAT(answer, HasSubstr(R"("sluice.sync.v1")"));
  EXPECT_THAT(answer, HasSubstr(kControlPlane));
  EXPECT_THAT(answer, HasSubstr(R"("ping_ms":10000)"));
}

TEST_F(SessionTest, TellsKongOfNewsAndAnswersWithWhatThereIs) {
  put(1, "one.test");
  greet(kKongHello);
  const RpcCall news = hear_call();
  EXPECT_EQ(news.method, "kong.sync.v2.notify_new_version");
  EXPECT_EQ(to_json(*news.id), "0") << "our calls on a link are counted from zero";
  EXPECT_EQ(*sync::wire::read_new_version_params(news.params), wire_version());
  say(R"({"jsonrpc":"2.0","result":true,"id":0})");
  say(R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[{"default":{"version":")" + std::string(32, '0') +
      R"("}}],"id":0})");
  const std::string answer = hear_text();
  EXPECT_THAT(answer, HasSubstr("one.test"));
  EXPECT_THAT(answer, HasSubstr(R"("full_sync":true)"));
  say(R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[{"default":{"version":")" + wire_version() +
      R"("}}],"id":1})");
  EXPECT_EQ(hear_text(), R"({"jsonrpc":"2.0","result":{"default":{"deltas":[],"full_sync":false}},"id":1})");
}

TEST_F(SessionTest, TellsKongNothingThatIsOlderThanWhatItHas) {
  put(1, "one.test");
  greet(kKongHello);
  hear_text();  // that there is news
  const std::string ahead = to_wire(version.next());
  const auto ask = [&] {
    say(R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[{"default":{"version":")" + ahead +
        R"("}}],"id":1})");
    return hear_text();
  };
  history.newest = version.next();
  EXPECT_EQ(ask(), R"({"jsonrpc":"2.0","result":{"default":{"deltas":[],"full_sync":false}},"id":1})")
      << "another replica's, which will come here too";
  history.newest = version;
  EXPECT_THAT(ask(), HasSubstr(R"("full_sync":true)")) << "of another control plane: the store has no such version";
}

TEST_F(SessionTest, PushesEverythingThenChangesAndNotesWhatWasApplied) {
  put(1, "one.test");
  greet(kSluiceHello);
  const RpcCall whole = hear_call();
  ASSERT_EQ(whole.method, "sluice.sync.v1.push");
  const auto push = sync::wire::read_push(whole.params);
  ASSERT_TRUE(push.has_value());
  EXPECT_TRUE(push->push.full);
  EXPECT_TRUE(sync::verify(sync::statement_of(kControlPlane, push->push.to, push->push.hash), push->push.signature,
                           pair.certificate));
  say(sync::wire::call_text("sluice.sync.v1.applied",
                            sync::wire::standing_params({.version = wire_version(), .hash = hash(), .reason = {}})));
  const NodeRecord* node = hub->nodes().find(*Uuid::parse(kNode));
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return node->config_version == version; }));
  const std::string before = wire_version();
  put(2, "two.test");
  session->wake();
  const RpcCall change = hear_call();
  const auto delta = sync::wire::read_push(change.params);
  ASSERT_TRUE(delta.has_value());
  EXPECT_FALSE(delta->push.full);
  EXPECT_EQ(delta->push.from, before);
  EXPECT_EQ(delta->push.hash, hash());
}

TEST_F(SessionTest, AnswersPingsWithTheirOwnPayload) {
  greet(kSluiceHello);
  send(Message::Kind::Ping, "are you there");
  Message pong = hear();
  while (pong.kind == Message::Kind::Binary) pong = hear();
  EXPECT_EQ(pong.kind, Message::Kind::Pong);
  EXPECT_EQ(pong.payload, "are you there");
}

TEST_F(SessionTest, SaysWhatItCannotAnswer) {
  greet(kKongHello);
  if (hub->feed().version() != store::Version{}) hear_text();  // that there is news
  say(R"({"jsonrpc":"2.0","method":"kong.debug.v1.get_log_level","params":[],"id":"x"})");
  EXPECT_EQ(hear_text(), R"({"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"x"})");
  say("{\"jsonrpc\":\"2.0\",");
  EXPECT_THAT(hear_text(), HasSubstr(R"("code":-32700)"));
  say(R"({"jsonrpc":"2.0","method":5})");
  EXPECT_THAT(hear_text(), HasSubstr(R"("code":-32600)"));
  say("[]");
  EXPECT_THAT(hear_text(), HasSubstr(R"("code":-32600)"));
  say(R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[7],"id":3})");
  EXPECT_THAT(hear_text(), HasSubstr(R"("code":-32602)"));
}

TEST_F(SessionTest, IgnoresNotificationsOfMethodsThatItDoesNotKnow) {
  greet(kKongHello);
  if (hub->feed().version() != store::Version{}) hear_text();
  say(R"({"jsonrpc":"2.0","method":"sluice.sync.v1.nonsense","params":[]})");
  say(R"({"jsonrpc":"2.0","method":"nonsense","params":[],"id":1})");
  EXPECT_THAT(hear_text(), HasSubstr(R"("id":1)")) << "only what has an id is answered";
}

TEST_F(SessionTest, TakesNoOtherFirstMessage) {
  link_up();
  send(Message::Kind::Binary, R"({"jsonrpc":"2.0","method":"kong.sync.v2.get_delta","params":[],"id":1})");
  EXPECT_EQ(hear().kind, Message::Kind::Close);
  EXPECT_TRUE(hub->nodes().list().empty());
}

TEST_F(SessionTest, SignsWhatANodeServesForItsCopy) {
  put(2, "two.test");
  put(1, "one.test");
  greet(kSluiceHello);
  hear_text();
  const std::string standing = sync::wire::standing_params({.version = wire_version(), .hash = hash(), .reason = {}});
  say(sync::wire::call_text(sync::wire::kCertify, standing, 5));
  auto messages = sync::wire::parse_rpc(hear_text());
  ASSERT_TRUE(messages.has_value());
  const auto& reply = std::get<RpcReply>(messages->front());
  EXPECT_EQ(to_json(reply.id), "5");
  const auto certified = sync::wire::read_certified(std::get<Json>(reply.outcome));
  ASSERT_TRUE(certified.has_value());
  sync::Snapshot snapshot{.control_plane = kControlPlane,
                          .version = wire_version(),
                          .hash = hash(),
                          .made_by = certified->made_by,
                          .made_at = certified->made_at,
                          .rows = {}};
  snapshot.rows.upserts = rows;
  sync::order_rows(snapshot.rows.upserts);
  const std::string octets = sync::write_snapshot(snapshot, certified->signature, certified->certificate);
  const auto read = sync::read_snapshot(octets, pair.certificate, certified->made_at, kLimit);
  EXPECT_TRUE(read.has_value()) << read.error().what;
}

TEST_F(SessionTest, SignsNothingThatIsNotWhatThereIs) {
  put(1, "one.test");
  greet(kSluiceHello);
  hear_text();
  const auto ask = [&](const std::string& of_version, const std::string& of_hash) {
    say(sync::wire::call_text(sync::wire::kCertify,
                              sync::wire::standing_params({.version = of_version, .hash = of_hash, .reason = {}}), 5));
    return hear_text();
  };
  EXPECT_THAT(ask(to_wire(store::Version{1, 3}), hash()), HasSubstr(R"("code":-32000)"));
  EXPECT_THAT(ask(wire_version(), std::string(32, 'a')), HasSubstr(R"("code":-32000)"));
}

}  // namespace
}  // namespace sluice::control::cluster
