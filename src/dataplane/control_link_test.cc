// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control_link.h"

#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/pem.h"
#include "dataplane/fake_control_plane.h"
#include "dataplane/gateway_fixture.h"
#include "entity/workspace.h"
#include "sync/signature.h"
#include "sync/snapshot_file.h"
#include "sync/wire/certified.h"
#include "sync/wire/deltas.h"
#include "sync/wire/hello.h"
#include "sync/wire/reconfigure.h"

namespace sluice::dataplane {
namespace {

using sync::wire::RpcCall;
using sync::wire::RpcMessage;
using testing::HasSubstr;
using testing::StartsWith;
using Link = FakeControlPlane::Link;
using Kind = http::websocket::Message::Kind;

/// For tests: a forward proxy on a thread of its own, for one connection, which notes what it was asked.
class OneConnectProxy {
 public:
  OneConnectProxy() {
    door_ = *net::listen_on(net::Address(*IpAddress::parse("127.0.0.1"), 0), {});
    ::fcntl(door_, F_SETFL, 0);
    port_ = net::Address::local_of(door_).port();
    thread_ = std::thread([this] { serve(); });
  }
  ~OneConnectProxy() {
    ::shutdown(door_, SHUT_RDWR);
    thread_.join();
    ::close(door_);
  }
  OneConnectProxy(const OneConnectProxy&) = delete;
  OneConnectProxy& operator=(const OneConnectProxy&) = delete;
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// To be read when the link is up.
  [[nodiscard]] const std::string& asked() const { return asked_; }

 private:
  void serve() {
    const int client = ::accept(door_, nullptr, nullptr);
    if (client < 0) return;
    char piece[16'384];
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, piece, sizeof piece, 0);
      if (got <= 0) return static_cast<void>(::close(client));
      asked_.append(piece, static_cast<std::size_t>(got));
    }
    const std::size_t colon = asked_.find(':');
    const auto target = static_cast<std::uint16_t>(std::stoi(asked_.substr(colon + 1)));
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const net::Address to(*IpAddress::parse("127.0.0.1"), target);
    if (::connect(server, to.data(), to.size()) == 0) {
      constexpr std::string_view kYes = "HTTP/1.1 200 Connection established\r\n\r\n";
      static_cast<void>(::send(client, kYes.data(), kYes.size(), MSG_NOSIGNAL));
      carry(client, server);
    }
    ::close(server);
    ::close(client);
  }
  static void carry(int one, int other) {
    char piece[16'384];
    for (;;) {
      pollfd ends[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
      if (::poll(ends, 2, 10'000) <= 0) return;
      for (int i = 0; i < 2; ++i) {
        if (ends[i].revents == 0) continue;
        const ssize_t got = ::recv(ends[i].fd, piece, sizeof piece, 0);
        if (got <= 0) return;
        static_cast<void>(::send(ends[1 - i].fd, piece, static_cast<std::size_t>(got), MSG_NOSIGNAL));
      }
    }
  }

  int door_ = -1;
  std::uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

/// For tests: a store in memory.
class MemoryObjects final : public objects::ObjectStore {
 public:
  explicit MemoryObjects(std::map<std::string, std::string>& objects) : objects_(objects) {}
  Task<Result<std::string>> get(std::string name, std::size_t /*most*/, rt::Deadline /*deadline*/) override {
    if (!objects_.contains(name)) co_return fail(Errc::NotFound, "no " + name);
    co_return objects_[name];
  }
  Task<Result<objects::Beginning>> peek(std::string name, std::size_t /*size*/, rt::Deadline /*deadline*/) override {
    if (!objects_.contains(name)) co_return fail(Errc::NotFound, "no " + name);
    co_return objects::Beginning{objects_[name], "tag"};
  }
  Task<Result<>> put(std::string name, std::string octets, std::string /*tag*/, rt::Deadline /*deadline*/) override {
    objects_[name] = std::move(octets);
    co_return Result<>{};
  }
  [[nodiscard]] std::string address() const override { return "memory"; }

 private:
  std::map<std::string, std::string>& objects_;
};

class ControlLinkTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    pair = *net::tls::make_self_signed({"kong_clustering"});
    shown = pair;
    control_plane = std::make_unique<FakeControlPlane>(reactor, pair);
    control_plane->script = [this](Link& peer, std::string path) { return play(peer, std::move(path)); };
  }
  void TearDown() override {
    link.reset();
    fallback.reset();
    control_plane.reset();
    GatewayTest::TearDown();
  }

  void join(LinkSettings settings = {}) {
    link.reset();
    settings.address.host = "127.0.0.1";
    settings.address.port = silent_port != 0 ? silent_port : control_plane->port();
    if (settings.shared) settings.address.server_name = ClusterIdentity::kSharedName;
    settings.self.node_id = numbered(1);
    settings.self.hostname = "node one";
    settings.self.kong_version = "3.10.0.0";
    settings.self.sluice_version = "0.1.0";
    settings.self.plugins = std::map<std::string, std::string>{{"key-auth", "1.0"}};
    settings.process_conf = Json::object();
    link = std::make_unique<ControlLink>(ControlLink::Parts{.reactor = reactor,
                                                            .pool = pool,
                                                            .resolver = nullptr,
                                                            .catalog = catalog,
                                                            .applier = *applier,
                                                            .cache = *cache,
                                                            .fallback = fallback.get(),
                                                            .read_materials = [this]() -> Result<ClusterMaterials> {
                                                              return ClusterMaterials{.certificate = shown.certificate,
                                                                                      .key = Secret(shown.key),
                                                                                      .authorities = authorities};
                                                            }},
                                         settings);
    link->start();
  }
  /// A certificate of yesterday.
  static net::tls::PemPair expired_pair() {
    net::tls::PemPair made = *net::tls::make_self_signed({"kong_clustering"});
    const auto key = *crypto::PrivateKey::parse(made.key);
    const auto certificate = *crypto::Certificate::parse(made.certificate);
    X509_gmtime_adj(X509_getm_notAfter(certificate.handle()), -3600);
    X509_sign(certificate.handle(), key.handle(), EVP_sha256());
    made.certificate = certificate.to_pem();
    return made;
  }
  static std::string test_file(const std::string& name) {
    std::string text = read("src/sync/testdata/" + name);  // tests run at the top of the tree
    EXPECT_FALSE(text.empty()) << name;
    return text;
  }
  bool until(const std::function<bool()>& done) { return rt::turn_until(reactor, done); }

  // The control plane's side ------------------------------------------------------------------------------------------

  Task<std::string> hear(Link& peer) {
    for (;;) {
      auto message = co_await peer.receive(reactor.after_ms(8'000));
      if (!message || message->kind == Kind::Close) co_return std::string();
      if (message->kind == Kind::Binary) co_return std::move(message->payload);
      if (message->kind == Kind::Ping) pings.push_back(message->payload);
    }
  }
  Task<void> say(Link& peer, std::string text) {
    const std::string block = sync::wire::compress(text);
    auto sent = co_await peer.send(Kind::Binary, block, reactor.after_ms(5'000));
    static_cast<void>(sent);
  }
  /// Greets, then does as `converse` says with each message heard.
  Task<void> play(Link& peer, std::string path) {
    ++links;
    if (path == "/v1/outlet") co_return co_await play_protocol_1(peer);
    const std::string greeting = co_await hear(peer);
    const auto calls = sync::wire::parse_rpc(greeting);
    if (!calls || calls->empty()) co_return;
    const auto& call = std::get<RpcCall>(calls->front());
    auto said = sync::wire::parse_hello(call.params);
    if (!said) co_return;
    hello = *said;
    sync::wire::HelloReply reply;
    reply.encoding = sync::wire::kSnappyEncoding;
    reply.capabilities = capabilities;
    reply.control_plane = kControlPlane;
    reply.ping_ms = 10'000;
    reply.dead_ms = 25'000;
    const std::string text = sync::wire::result_text(*call.id, to_text(reply));
    auto sent = co_await peer.send(Kind::Binary, text, reactor.after_ms(5'000));
    if (!sent) co_return;
    for (const std::string& first : to_say_first) co_await say(peer, first);
    for (;;) {
      const std::string block = co_await hear(peer);
      if (block.empty()) co_return;
      const auto plain = sync::wire::decompress(block, 1 << 26);
      const auto messages = plain ? sync::wire::parse_rpc(*plain) : std::unexpected(plain.error());
      if (!messages) co_return;
      for (const RpcMessage& message : *messages) {
        if (const auto* heard_call = std::get_if<RpcCall>(&message)) {
          heard.push_back(*heard_call);
          const std::string answer = on_call ? on_call(*heard_call) : std::string();
          if (!answer.empty()) co_await say(peer, answer);
        }
      }
    }
  }
  Task<void> play_protocol_1(Link& peer) {
    basic_info = co_await hear(peer);
    if (!frame.empty()) {
      auto sent = co_await peer.send(Kind::Binary, frame, reactor.after_ms(5'000));
      static_cast<void>(sent);
    }
    for (;;) {
      const std::string more = co_await hear(peer);
      if (more.empty()) co_return;
    }
  }

  /// A push of everything in two parts, signed.
  std::vector<std::string> push_all(const std::vector<sync::EntityRow>& rows, std::uint64_t number,
                                    const net::tls::PemPair& signing) {
    const auto signer = *sync::Signer::make(signing.certificate, Secret(signing.key));
    sync::wire::Push push;
    push.to = version(number);
    push.full = true;
    push.parts = 2;
    std::vector<std::string> texts;
    const std::size_t half = rows.size() / 2;
    const std::span all(rows);
    texts.push_back(push_text(push, all.first(half)));
    push.part = 1;
    push.hash = digest_of(rows);
    push.signature = signer->sign(sync::statement_of(kControlPlane, push.to, push.hash));
    texts.push_back(push_text(push, all.subspan(half)));
    return texts;
  }
  static std::string push_text(const sync::wire::Push& push, std::span<const sync::EntityRow> rows) {
    const auto deltas = sync::wire::deltas_text(rows, {}, push.to, *Uuid::parse(entity::Workspace::kDefaultId));
    return sync::wire::call_text("sluice.sync.v1.push", push_params(push, deltas));
  }
  std::string push_change(const sync::EntityRow& row, std::uint64_t from, const std::vector<sync::EntityRow>& after) {
    sync::wire::Push push;
    push.from = version(from);
    push.to = version(from + 1);
    push.hash = digest_of(after);
    return push_text(push, std::span(&row, 1));
  }
  /// What the control plane answers to whoever serves `rows` as that version.
  sync::wire::Certified certify(std::vector<sync::EntityRow> rows, std::uint64_t number) const {
    const sync::Snapshot header = snapshot_of({}, digest_of(rows), number);
    sync::order_rows(rows);
    sync::SnapshotStatement statement(header, rows.size());
    for (const auto& row : rows) statement.add(row);
    const auto signer = *sync::Signer::make(pair.certificate, Secret(pair.key));
    return {header.made_by, header.made_at, signer->sign(statement.finish()), pair.certificate};
  }
  static sync::Snapshot snapshot_of(std::vector<sync::EntityRow> rows, std::string hash, std::uint64_t number) {
    sync::Snapshot snapshot{.control_plane = kControlPlane,
                            .version = version(number),
                            .hash = std::move(hash),
                            .made_by = "sluice/test",
                            .made_at = kSignedAt,
                            .rows = {}};
    snapshot.rows.upserts = std::move(rows);
    return snapshot;
  }
  /// As another node has left it.
  void put_copy(std::vector<sync::EntityRow> rows, std::uint64_t number) {
    const auto certified = certify(rows, number);
    const std::string hash = digest_of(rows);
    sync::order_rows(rows);
    objects[copy_name(kControlPlane)] =
        sync::write_snapshot(snapshot_of(std::move(rows), hash, number), certified.signature, certified.certificate);
    objects[guide_name(ClusterIdentity::kSharedName)] = R"({"control_planes":[")" + std::string(kControlPlane) + "\"]}";
  }
  void use_fallback(Fallback::Terms terms) {
    terms.server_name = ClusterIdentity::kSharedName;
    fallback = std::make_unique<Fallback>(
        Fallback::Parts{reactor, pool, *applier, std::make_unique<MemoryObjects>(objects)}, terms);
  }
  [[nodiscard]] const RpcCall* last(std::string_view method) const {
    for (auto call = heard.rbegin(); call != heard.rend(); ++call) {
      if (call->method == method) return &*call;
    }
    return nullptr;
  }

  static constexpr std::int64_t kSignedAt = 1'790'000'000;
  net::tls::PemPair pair;   // the control plane's
  net::tls::PemPair shown;  // ours
  std::vector<std::string> authorities;
  std::unique_ptr<FakeControlPlane> control_plane;
  std::vector<std::string> capabilities = {"kong.sync.v2", "sluice.sync.v1"};
  std::vector<std::string> to_say_first;
  std::function<std::string(const RpcCall&)> on_call;
  std::string frame;  // of protocol 1
  std::string basic_info;
  sync::wire::Hello hello;
  std::vector<RpcCall> heard;
  std::vector<std::string> pings;
  int links = 0;
  std::uint16_t silent_port = 0;               // to which the node goes instead
  std::map<std::string, std::string> objects;  // of the store that copies stand in
  std::unique_ptr<Fallback> fallback;          // null: none
  std::unique_ptr<ControlLink> link;
};

TEST_F(ControlLinkTest, TakesEverythingAndThenAChange) {
  const std::vector rows = {service(1, "one.test"), route(2, 1)};
  const auto changed = service(1, "two.test");
  to_say_first = push_all(rows, 5, pair);
  to_say_first.push_back(push_change(changed, 5, {changed, rows[1]}));
  join();
  ASSERT_TRUE(until([&] { return applier->standing().version == version(6); }));
  EXPECT_THAT(served("services", 1), HasSubstr("two.test"));
  ASSERT_TRUE(until([&] {
    const auto* applied = last("sluice.sync.v1.applied");
    return applied != nullptr && to_json(applied->params).find(version(6)) != std::string::npos;
  }));
  EXPECT_TRUE(link->status().connected);
  EXPECT_EQ(link->status().protocol, "v2 strict");
}

TEST_F(ControlLinkTest, SaysWhatItServesWhenItComesBack) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  join();
  ASSERT_TRUE(until([&] { return link->status().connected; }));
  EXPECT_EQ(hello.config_version, version(9));
  EXPECT_EQ(hello.config_hash, applier->standing().hash);
  EXPECT_EQ(hello.peer.hostname, "node one");
}

TEST_F(ControlLinkTest, AsksForEverythingWhenAChangeDoesNotFit) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  const auto changed = service(1, "two.test");
  to_say_first = {push_change(changed, 11, {changed})};
  join();
  ASSERT_TRUE(until([&] { return last("sluice.sync.v1.resync") != nullptr; }));
  EXPECT_THAT(to_json(last("sluice.sync.v1.resync")->params), HasSubstr(version(9)));
  EXPECT_EQ(applier->standing().version, version(9));
}

TEST_F(ControlLinkTest, AsksForEverythingWhenADigestIsNotMet) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  to_say_first = {push_change(service(1, "two.test"), 9, {service(1, "three.test")})};
  join();
  ASSERT_TRUE(until([&] { return last("sluice.sync.v1.resync") != nullptr; }));
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
}

TEST_F(ControlLinkTest, SaysWhichEntityItRefuses) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  const auto dangling = route(3, 77);
  to_say_first = {push_change(dangling, 9, {service(1, "one.test"), dangling})};
  join();
  ASSERT_TRUE(until([&] { return last("sluice.sync.v1.refused") != nullptr; }));
  const auto refused = sync::wire::read_refused_params(last("sluice.sync.v1.refused")->params);
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->version, version(10));
  EXPECT_THAT(to_json(refused->errors), HasSubstr(numbered(3).to_string()));
  EXPECT_EQ(applier->standing().version, version(9));
}

TEST_F(ControlLinkTest, TakesNothingThatAnotherKeySigned) {
  to_say_first = push_all({service(1, "one.test"), route(2, 1)}, 5, *net::tls::make_self_signed({"kong_clustering"}));
  join();
  ASSERT_TRUE(until([&] { return last("sluice.sync.v1.refused") != nullptr; }));
  EXPECT_TRUE(gateway.rows.empty());
}

TEST_F(ControlLinkTest, TalksToNobodyWithAnotherCertificate) {
  shown = *net::tls::make_self_signed({"kong_clustering"});
  join();
  ASSERT_TRUE(until([&] { return !link->status().last_error.empty(); }));
  EXPECT_THAT(link->status().last_error, HasSubstr("another certificate"));
  EXPECT_EQ(links, 0);
}

TEST_F(ControlLinkTest, TakesARotatedCertificateWithTheNextAttempt) {
  shown = *net::tls::make_self_signed({"kong_clustering"});
  join();
  ASSERT_TRUE(until([&] { return !link->status().last_error.empty(); }));
  shown = pair;
  ASSERT_TRUE(until([&] { return link->status().connected; }));
}

TEST_F(ControlLinkTest, ComesBackWhenTheControlPlaneWasKilled) {
  join();
  ASSERT_TRUE(until([&] { return link->status().connected; }));
  control_plane->kill();
  ASSERT_TRUE(until([&] { return !link->status().connected; }));
  control_plane->restart();
  ASSERT_TRUE(until([&] { return link->status().connected; }));
  EXPECT_EQ(links, 2);
}

TEST_F(ControlLinkTest, GoesThroughAForwardProxy) {
  OneConnectProxy proxy;
  LinkSettings settings;
  settings.address.proxy = ForwardProxy{.tls = false,
                                        .host = "127.0.0.1",
                                        .port = proxy.port(),
                                        .credentials = Secret<std::string>("user:word"),
                                        .verify = true};
  join(settings);
  ASSERT_TRUE(until([&] { return link->status().connected; }));
  EXPECT_THAT(proxy.asked(), StartsWith("CONNECT 127.0.0.1:" + std::to_string(control_plane->port())));
  EXPECT_THAT(proxy.asked(), HasSubstr("Proxy-Authorization: Basic dXNlcjp3b3Jk"));
  link.reset();
}

TEST_F(ControlLinkTest, KnowsItsControlPlaneByAnAuthority) {
  pair = {.certificate = test_file("control_plane.pem"), .key = test_file("control_plane.key")};
  shown = {.certificate = test_file("data_plane.pem"), .key = test_file("data_plane.key")};
  authorities = {test_file("authority.pem")};
  control_plane = std::make_unique<FakeControlPlane>(reactor, pair);
  control_plane->script = [this](Link& peer, std::string path) { return play(peer, std::move(path)); };
  to_say_first = push_all({service(1, "one.test"), route(2, 1)}, 5, pair);
  LinkSettings settings;
  settings.shared = false;
  settings.address.server_name = "cp.example";
  join(settings);
  ASSERT_TRUE(until([&] { return applier->standing().version == version(5); })) << link->status().last_error;
}

TEST_F(ControlLinkTest, BelievesNoOtherNameOfThatAuthority) {
  pair = {.certificate = test_file("control_plane.pem"), .key = test_file("control_plane.key")};
  shown = {.certificate = test_file("data_plane.pem"), .key = test_file("data_plane.key")};
  authorities = {test_file("authority.pem")};
  control_plane = std::make_unique<FakeControlPlane>(reactor, pair);
  LinkSettings settings;
  settings.shared = false;
  settings.address.server_name = "other.example";
  join(settings);
  ASSERT_TRUE(until([&] { return !link->status().last_error.empty(); }));
  EXPECT_THAT(link->status().last_error, HasSubstr("not for other.example"));
  EXPECT_EQ(links, 0);
}

TEST_F(ControlLinkTest, StaysAwayWhenItsCertificateHasExpired) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  shown = expired_pair();
  join();
  ASSERT_TRUE(until([&] { return !link->status().last_error.empty(); }));
  EXPECT_THAT(link->status().last_error, HasSubstr("has expired"));
  EXPECT_FALSE(served("services", 1).empty()) << "what it has is served for ever";
  EXPECT_EQ(links, 0);
}

TEST_F(ControlLinkTest, KeepsACopyThatTheControlPlaneHasSigned) {
  std::vector rows = {service(1, "one.test"), route(2, 1)};
  to_say_first = push_all(rows, 5, pair);
  on_call = [&](const RpcCall& call) -> std::string {
    if (call.method != sync::wire::kCertify) return {};
    return sync::wire::result_text(*call.id, to_text(certify(rows, 5)));
  };
  use_fallback({.exports = true});
  join();
  ASSERT_TRUE(until([&] { return objects.size() == 2; })) << "the copy, and what tells of it";
  EXPECT_EQ(to_json(*last(sync::wire::kCertify)->id), "0") << "our calls behind the greeting are counted from zero";
  const auto read = sync::read_snapshot(objects[copy_name(kControlPlane)], pair.certificate, kSignedAt + 1, 1 << 20);
  ASSERT_TRUE(read.has_value()) << read.error().what;
  EXPECT_EQ(read->version, version(5));
  EXPECT_EQ(read->made_at, kSignedAt);
}

TEST_F(ControlLinkTest, ANodeThatMerelyRestartedWritesNoCopy) {
  ASSERT_FALSE(apply_now(whole_of({service(1, "one.test")}, 9)).has_value());
  use_fallback({.exports = true});
  control_plane->kill();
  join();
  ASSERT_TRUE(until([&] { return link->status().attempts == 2; }));
  EXPECT_TRUE(objects.empty()) << "what it has may be old: only the control plane knows";
}

TEST_F(ControlLinkTest, StartsFromTheCopyWhileTheControlPlaneSaysNothing) {
  std::vector rows = {service(1, "one.test"), route(2, 1)};
  put_copy(rows, 5);
  use_fallback({.imports = true});
  const int silent = *net::listen_on(net::Address(*IpAddress::parse("127.0.0.1"), 0), {});  // nobody accepts there
  silent_port = net::Address::local_of(silent).port();
  join();
  ASSERT_TRUE(until([&] { return applier->standing().version == version(5); }));
  EXPECT_EQ(link->status().attempts, 1U) << "beside the first attempt, which is still under way";
  EXPECT_EQ(link->status().copy_made_at, kSignedAt);
  link.reset();
  ::close(silent);
}

TEST_F(ControlLinkTest, TheControlPlaneReplacesTheCopy) {
  std::vector rows = {service(1, "one.test"), route(2, 1)};
  put_copy(rows, 5);
  use_fallback({.imports = true});
  control_plane->kill();
  join();
  ASSERT_TRUE(until([&] { return applier->standing().version == version(5); }));
  to_say_first = push_all({service(1, "two.test"), route(2, 1)}, 6, pair);
  control_plane->restart();
  ASSERT_TRUE(until([&] { return applier->standing().version == version(6); }));
  EXPECT_EQ(link->status().copy_made_at, 0);
}

TEST_F(ControlLinkTest, AnEmptyAnswerOfKongWipesNothing) {
  capabilities = {"kong.sync.v2"};
  const Uuid workspace = numbered(500);
  int asked = 0;
  on_call = [&](const RpcCall& call) -> std::string {
    if (call.method != "kong.sync.v2.get_delta" || !call.id) return {};
    std::vector<sync::EntityRow> rows;
    if (++asked == 1) rows.push_back(service(1, "one.test"));
    const auto deltas = sync::wire::deltas_text(rows, {}, version(1, 0), workspace);
    std::string answer = sync::wire::result_text(*call.id, sync::wire::get_delta_result(deltas, true));
    if (asked > 1) return answer;
    const std::string news = sync::wire::new_version_params(version(2, 0));
    return "[" + answer + "," + sync::wire::call_text("kong.sync.v2.notify_new_version", news, 0) + "]";
  };
  join();
  ASSERT_TRUE(until([&] { return asked == 2; }));
  for (int i = 0; i < 20; ++i) reactor.run_once(5);
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
}

TEST_F(ControlLinkTest, AsksKongForChangesWhenThereIsNews) {
  capabilities = {"kong.sync.v2"};
  const Uuid workspace = numbered(500);
  std::vector<sync::EntityRow> rows = {service(1, "one.test")};
  std::string current = version(1, 0);
  on_call = [&](const RpcCall& call) -> std::string {
    if (call.method != "kong.sync.v2.get_delta" || !call.id) return {};
    const bool full = to_json(call.params).find("v02_") == std::string::npos;
    const auto deltas = sync::wire::deltas_text(rows, {}, current, workspace);
    return sync::wire::result_text(*call.id, sync::wire::get_delta_result(deltas, full));
  };
  join();
  ASSERT_TRUE(until([&] { return applier->standing().version == version(1, 0); }));
  EXPECT_EQ(link->status().protocol, "v2");
  EXPECT_EQ(gateway.hash, version(1, 0)) << "the version is what Kong calls the hash";
  ASSERT_TRUE(until([&] { return last("kong.sync.v2.get_delta") != nullptr && !heard.back().id; }))
      << "a notification says what was applied";
}

TEST_F(ControlLinkTest, SpeaksProtocol1WhereThereIsNoProtocol2) {
  control_plane->speaks_rpc = false;
  const std::vector rows = {service(1, "one.test"), route(2, 1)};
  sync::wire::PartHashes hashes;
  hashes.config = std::string(32, 'c');
  frame = sync::wire::reconfigure_frame(catalog, rows, *Uuid::parse(entity::Workspace::kDefaultId), hashes, 1.5);
  join();
  ASSERT_TRUE(until([&] { return !served("routes", 2).empty(); }));
  EXPECT_THAT(served("services", 1), HasSubstr("one.test"));
  EXPECT_EQ(link->status().protocol, "v1");
  EXPECT_THAT(basic_info, HasSubstr(R"("type":"basic_info")"));
  EXPECT_THAT(control_plane->targets.back(), HasSubstr("node_hostname=node%20one&node_version=3.10.0.0"));
  ASSERT_TRUE(until([&] { return pings.size() >= 2; })) << "one at once, one when it is applied";
  EXPECT_EQ(pings.front(), std::string(32, '0'));
  EXPECT_EQ(pings.back(), std::string(32, 'c'));
}

TEST_F(ControlLinkTest, SpeaksProtocol1WhereProtocol2CarriesNoConfiguration) {
  capabilities = {};
  join();
  ASSERT_TRUE(until([&] { return link->status().connected; }));
  EXPECT_EQ(link->status().protocol, "v1");
}

TEST(ReconnectDelay, GrowsToHalfAMinuteAndStartsOverAfterASteadyMinute) {
  ReconnectDelay delay;
  constexpr std::uint64_t kMost = ~std::uint64_t{0} - 1;
  std::int64_t longest = 0;
  for (int i = 0; i < 20; ++i) {
    const std::int64_t wait = delay.after(0, kMost);
    EXPECT_GE(wait, ReconnectDelay::kLeastMs);
    EXPECT_LE(wait, ReconnectDelay::kMostMs);
    longest = std::max(longest, wait);
  }
  EXPECT_GT(longest, ReconnectDelay::kFirstMs);
  EXPECT_LE(delay.after(ReconnectDelay::kSteadyMs, kMost), ReconnectDelay::kFirstMs);
}

TEST(ClusterAddress, ReadsHostAndPort) {
  EXPECT_EQ(parse_control_plane("cp.test:9005")->port, 9005);
  EXPECT_EQ(parse_control_plane("cp.test")->port, 8005);
  EXPECT_EQ(parse_control_plane("[::1]:8005")->host, "::1");
  EXPECT_FALSE(parse_control_plane(":8005").has_value());
}

TEST(ClusterAddress, ReadsForwardProxies) {
  const auto proxy = parse_forward_proxy("http://user:p%40ss@proxy.test:3129/");
  ASSERT_TRUE(proxy.has_value());
  EXPECT_EQ(proxy->host, "proxy.test");
  EXPECT_EQ(proxy->port, 3129);
  EXPECT_EQ(proxy->credentials.reveal(), "user:p@ss");
  EXPECT_FALSE(parse_forward_proxy("socks://proxy.test").has_value());
}

}  // namespace
}  // namespace sluice::dataplane
