// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/arena.h"
#include "http/h1/parser.h"
#include "http/h1/server_connection.h"
#include "http/socket_fixture.h"
#include "http/websocket/connection.h"
#include "http/websocket/test_frames.h"

namespace sluice::http::websocket {
namespace {

using testing::HasSubstr;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kRequest =
    "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, superchat\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";

/// The request with one piece of text changed.
std::string changed(std::string_view from, std::string_view to) {
  std::string text(kRequest);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

Result<std::string> check(const std::string& text) {
  Arena arena;
  RequestHead head(arena);
  const h1::ParseOutcome outcome = h1::parse_request(text, {}, head);
  EXPECT_TRUE(outcome.complete()) << outcome.why;
  return check_request(head);
}

TEST(WebSocketHandshake, AnswersTheKeyOfTheRfc) {
  EXPECT_EQ(accept_value(kKey), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocketHandshake, TakesTheRequestOfTheRfc) {
  const Result<std::string> key = check(std::string(kRequest));
  ASSERT_TRUE(key);
  EXPECT_EQ(*key, kKey);
}

TEST(WebSocketHandshake, RefusesWhatIsNoHandshake) {
  for (const std::string& text : {
           changed("GET", "POST"),
           changed("HTTP/1.1", "HTTP/1.0"),
           changed("Upgrade: websocket", "Upgrade: h2c"),
           changed("Upgrade: websocket\r\n", ""),
           changed("keep-alive, Upgrade", "keep-alive"),
           changed("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""),
           changed(kKey, "dGhlIHNhbXBsZSBub25jZQ"),
           changed(kKey, "c2hvcnQ="),
           changed(kKey, "not base64!"),
           changed("Sec-WebSocket-Version", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version"),
           changed("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n"),
       }) {
    const Result<std::string> refused = check(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::Invalid) << text;
    EXPECT_EQ(refused.error().blame, Blame::Client);
  }
}

TEST(WebSocketHandshake, TellsAnotherVersionApart) {
  EXPECT_EQ(check(changed("Version: 13", "Version: 8")).error().code, Errc::Unsupported);
  EXPECT_EQ(check(changed("Sec-WebSocket-Version: 13\r\n", "")).error().code, Errc::Unsupported);
}

/// Accepts whatever comes and sends the first message back.
class Acceptor final : public Handler {
 public:
  explicit Acceptor(std::string protocol) : protocol_(std::move(protocol)) {}
  Task<void> handle(ServerStream& stream) override {
    Result<Accepted> accepted = co_await accept(stream, protocol_);
    if (!accepted) {
      error = std::move(accepted).error();
      co_return;
    }
    Connection connection(*accepted->stream, Role::Server, {}, std::move(accepted->early));
    Result<Message> message = co_await connection.receive(rt::Deadline::never());
    if (message) (void)co_await connection.send(message->kind, message->payload, rt::Deadline::never());
    Result<Message> end = co_await connection.receive(rt::Deadline::never());
    if (end && end->kind == Message::Kind::Close)
      (void)co_await connection.close(end->code, {}, stream.reactor().after_ms(1'000));
    finished = true;
  }
  Task<void> refuse(ServerStream&, int, std::string_view) override { co_return; }

  std::optional<Error> error;
  bool finished = false;

 private:
  std::string protocol_;
};

class WebSocketServerSide : public testing::Test {
 protected:
  struct Served {
    Served(rt::Reactor& reactor, Handler& handler, const ServerOptions& options, std::pair<int, int> fds)
        : peer(reactor, fds.second), connection(stream_of(reactor, fds.first), options, handler, pool, {}) {
      life = connection.serve();
      life.start();
    }
    static std::unique_ptr<net::Stream> stream_of(rt::Reactor& reactor, int fd) {
      auto stream = std::make_unique<net::Stream>();
      stream->attach(reactor, fd);
      return stream;
    }
    Peer peer;
    h1::ExchangePool pool;
    h1::ServerConnection connection;
    Task<void> life = Task<void>::done();
  };
  rt::Reactor reactor;
  ServerOptions options;
};

TEST_F(WebSocketServerSide, SwitchesAndHandsOver) {
  Acceptor handler("superchat");
  Served served(reactor, handler, options, local_pair());
  served.peer.say(std::string(kRequest) + client_frame(Opcode::Text, "early"));
  const std::string& heard = served.peer.hear("early");
  EXPECT_THAT(heard, testing::StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_THAT(heard, HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  EXPECT_THAT(heard, HasSubstr("Upgrade: websocket\r\n"));
  EXPECT_THAT(heard, HasSubstr("Connection: Upgrade\r\n"));
  EXPECT_THAT(heard, HasSubstr("Sec-WebSocket-Protocol: superchat\r\n"));
  EXPECT_THAT(heard, testing::EndsWith(server_frame(Opcode::Text, "early")));
}

TEST_F(WebSocketServerSide, ReadsWhatAClientSentBeforeItHungUp) {
  Acceptor handler("");
  Served served(reactor, handler, options, local_pair());
  served.peer.say(kRequest);
  served.peer.hear("\r\n\r\n");
  served.peer.say(client_frame(Opcode::Text, "one") + client_frame(Opcode::Close, close_payload(1000)));
  served.peer.end();
  EXPECT_THAT(served.peer.hear_end(), testing::EndsWith(server_frame(Opcode::Close, close_payload(1000))));
  EXPECT_TRUE(handler.finished);
}

TEST_F(WebSocketServerSide, LeavesTheAnswerToTheCallerWhenItIsNoHandshake) {
  Acceptor handler("other");
  Served served(reactor, handler, options, local_pair());
  served.peer.say(kRequest);
  rt::turn_until(reactor, [&] { return handler.error.has_value(); });
  EXPECT_THAT(handler.error->what, HasSubstr("does not offer the protocol"));
}

class WebSocketClientSide : public testing::Test {
 protected:
  WebSocketClientSide() {
    const auto [near, far] = local_pair();
    stream.attach(reactor, near);
    peer = std::make_unique<Peer>(reactor, far);
  }
  /// Opens against a server that answers with `answer`, in which KEY stands for what answers our key.
  Result<Opened> open_against(std::string answer, std::string protocol = {}) {
    const OpenRequest request{.host = "example.test:8005",
                              .target = "/v1/outlet?node_id=1",
                              .headers = {{"Authorization", "Bearer t"}},
                              .protocol = std::move(protocol)};
    Task<Result<Opened>> opening = open(stream, request, reactor.after_ms(5'000));
    opening.start();
    heard = peer->hear("\r\n\r\n");
    const std::string name = "Sec-WebSocket-Key: ";
    const std::string key = heard.substr(heard.find(name) + name.size(), 24);
    if (const std::size_t at = answer.find("KEY"); at != std::string::npos) answer.replace(at, 3, accept_value(key));
    peer->say(answer);
    return rt::run(reactor, std::move(opening));
  }

  rt::Reactor reactor;
  net::Stream stream;
  std::unique_ptr<Peer> peer;
  std::string heard;
};

constexpr std::string_view kAnswer =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: KEY\r\n";

TEST_F(WebSocketClientSide, OpensAndKeepsWhatCameEarly) {
  const Result<Opened> opened = open_against(
      "HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kAnswer) + "Sec-WebSocket-Protocol: b\r\n\r\nearly", "a, b");
  ASSERT_TRUE(opened) << opened.error().what;
  EXPECT_EQ(opened->early, "early");
  EXPECT_EQ(opened->protocol, "b");
  EXPECT_THAT(heard, testing::StartsWith("GET /v1/outlet?node_id=1 HTTP/1.1\r\nHost: example.test:8005\r\n"));
  EXPECT_THAT(heard, HasSubstr("Sec-WebSocket-Version: 13\r\n"));
  EXPECT_THAT(heard, HasSubstr("Sec-WebSocket-Protocol: a, b\r\n"));
  EXPECT_THAT(heard, HasSubstr("Authorization: Bearer t\r\n"));
}

TEST_F(WebSocketClientSide, TellsARefusalWithItsStatusAndContent) {
  const Result<Opened> refused = open_against("HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nno licence");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Forbidden);
  EXPECT_EQ(refused.error().what, "answered 403 Forbidden: no licence");
}

TEST_F(WebSocketClientSide, ReadsARefusalInChunks) {
  const Result<Opened> refused =
      open_against("HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlate\r\n1\r\nr\r\n0\r\n\r\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Unavailable);
  EXPECT_EQ(refused.error().what, "answered 503 Busy: later");
}

TEST_F(WebSocketClientSide, RefusesAnAcceptOfAnotherKey) {
  const Result<Opened> refused = open_against(
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Invalid);
}

TEST_F(WebSocketClientSide, RefusesWhatWasNotOffered) {
  EXPECT_FALSE(open_against(std::string(kAnswer) + "Sec-WebSocket-Protocol: c\r\n\r\n", "a, b"));
}

TEST_F(WebSocketClientSide, RefusesAnExtension) {
  EXPECT_FALSE(open_against(std::string(kAnswer) + "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"));
}

TEST_F(WebSocketClientSide, SaysWhenTheServerGoesAway) {
  const OpenRequest request{.host = "x"};
  Task<Result<Opened>> opening = open(stream, request, reactor.after_ms(5'000));
  opening.start();
  peer->hear("\r\n\r\n");
  peer->hang_up();
  EXPECT_EQ(rt::run(reactor, std::move(opening)).error().code, Errc::Closed);
}

TEST_F(WebSocketClientSide, SendsNoFieldThatWouldBeTwo) {
  const OpenRequest request{.host = "x", .headers = {{"A", "b\r\nC: d"}}};
  EXPECT_EQ(rt::run(reactor, open(stream, request, reactor.after_ms(1'000))).error().code, Errc::Invalid);
}

}  // namespace
}  // namespace sluice::http::websocket
