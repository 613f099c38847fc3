// SPDX-License-Identifier: Apache-2.0
#include "http/h1/client_connection.h"

#include <optional>
#include <string>

#include "http/socket_fixture.h"

namespace sluice::http::h1 {
namespace {

class ClientExchangeTest : public testing::Test {
 protected:
  void SetUp() override {
    auto [near, far] = local_pair();
    connection.stream().attach(reactor, near);
    server.emplace(reactor, far);
    begin("GET");
  }
  void begin(std::string_view method) {
    exchange.reset();
    exchange.emplace(connection, arena, ClientExchange::Limits{1000, 100});
    RequestHead request(arena);
    request.method = method;
    request.target = "/";
    request.authority = "up.test";
    EXPECT_TRUE(rt::run(reactor, exchange->send(request, nullptr)).has_value());
  }
  Result<> receive(std::string_view bytes) {
    server->say(bytes);
    return rt::run(reactor, exchange->receive(head));
  }
  std::string content() {
    std::string text;
    while (exchange->body() != nullptr) {
      Result<Chunk> chunk = rt::run(reactor, exchange->body()->read());
      if (!chunk) return text + "error: " + chunk.error().what;
      text += chunk->bytes;
      if (chunk->last) break;
    }
    return text;
  }

  rt::Reactor reactor;
  Arena arena;
  ClientConnection connection{reactor};
  std::optional<Peer> server;
  std::optional<ClientExchange> exchange;
  ResponseHead head{arena};
};

TEST_F(ClientExchangeTest, TakesAHeadUpToItsLimitAndNoLargerOne) {
  const std::string most = "HTTP/1.1 204 OK\r\nX-A: " + std::string(2000 - 26, 'x') + "\r\n\r\n";
  ASSERT_EQ(most.size(), 2000U);
  exchange.emplace(connection, arena, ClientExchange::Limits{1000, 100, 2000});
  EXPECT_TRUE(receive(most));
  exchange.emplace(connection, arena, ClientExchange::Limits{1000, 100, 1999});
  EXPECT_FALSE(receive(most));
}

TEST_F(ClientExchangeTest, SendsTheRequestAndReadsTheResponse) {
  EXPECT_EQ(server->hear("\r\n\r\n"), "GET / HTTP/1.1\r\nHost: up.test\r\n\r\n");
  ASSERT_TRUE(receive("HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get("X-A"), "b");
  EXPECT_EQ(content(), "hello");
  EXPECT_TRUE(exchange->reusable());
}

TEST_F(ClientExchangeTest, SkipsInterimResponses) {
  ASSERT_TRUE(
      receive("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
              "Created\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_EQ(head.status, 201);
  EXPECT_FALSE(head.headers.has("Link"));
  EXPECT_TRUE(exchange->reusable());
}

TEST_F(ClientExchangeTest, GivesUpAnUpstreamThatOnlySendsInterimResponses) {
  const std::size_t before = arena.heap_octets();
  std::string flood;
  for (int i = 0; i < 2000; ++i) flood += "HTTP/1.1 100 Continue\r\nX-Padding: 0123456789\r\n\r\n";
  const Result<> received = receive(flood);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().what, "upstream: too many interim responses");
  EXPECT_EQ(arena.heap_octets(), before);
}

TEST_F(ClientExchangeTest, KeepsNothingOfAHeadUntilItIsWhole) {
  exchange.emplace(connection, arena, ClientExchange::Limits{1000, 60'000});
  auto receiving = exchange->receive(head);
  receiving.start();
  server->say("HTTP/1.1 200 OK\r\n");
  for (int i = 0; i < 100; ++i) {
    server->say("X-A: b\r\n");
    reactor.run_once(1);
  }
  EXPECT_LT(arena.heap_octets(), 16 * 1024U);
  EXPECT_FALSE(receiving.ready());
}

TEST_F(ClientExchangeTest, PutsAHeadTogetherThatComesInPieces) {
  auto receiving = exchange->receive(head);
  receiving.start();
  for (const char* piece : {"HTTP/1.1 2", "00 OK\r\nCont", "ent-Length: 2\r\n\r", "\nok"}) {
    server->say(piece);
    server->settle();
  }
  ASSERT_TRUE(receiving.ready());
  ASSERT_TRUE(receiving.take().has_value());
  EXPECT_EQ(content(), "ok");
}

TEST_F(ClientExchangeTest, IsNotReusableBeforeItsContentIsRead) {
  ASSERT_TRUE(receive("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"));
  EXPECT_FALSE(exchange->reusable());
  server->say("lo");
  EXPECT_EQ(content(), "hello");
  EXPECT_TRUE(exchange->reusable());
}

TEST_F(ClientExchangeTest, FollowsWhatTheUpstreamSaysAboutPersistence) {
  struct Case {
    const char* response;
    bool kept;
  };
  for (const Case& c : {Case{"HTTP/1.1 204 No Content\r\n\r\n", true},
                        Case{"HTTP/1.1 204 No Content\r\nConnection: X, Close\r\n\r\n", false},
                        Case{"HTTP/1.0 204 No Content\r\n\r\n", false},
                        Case{"HTTP/1.0 204 No Content\r\nConnection: keep-alive\r\n\r\n", true}}) {
    begin("GET");
    ASSERT_TRUE(receive(c.response));
    EXPECT_EQ(exchange->reusable(), c.kept) << c.response;
  }
}

TEST_F(ClientExchangeTest, DoesNotKeepAConnectionWhoseEndIsTheEndOfTheContent) {
  server->say("HTTP/1.1 200 OK\r\n\r\nall of it");
  server->end();
  ASSERT_TRUE(rt::run(reactor, exchange->receive(head)).has_value());
  EXPECT_EQ(content(), "all of it");
  EXPECT_FALSE(exchange->reusable());
}

TEST_F(ClientExchangeTest, ExpectsNoContentInReplyToHead) {
  begin("HEAD");
  ASSERT_TRUE(receive("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n"));
  EXPECT_EQ(exchange->body(), nullptr);
  EXPECT_EQ(head.framing.length, 500U);
  EXPECT_TRUE(exchange->reusable());
}

TEST_F(ClientExchangeTest, ReportsAResponseThatBreaksOff) {
  server->say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  server->hang_up();
  ASSERT_TRUE(rt::run(reactor, exchange->receive(head)).has_value());
  EXPECT_EQ(content(), "halferror: connection closed in the middle of a message");
  EXPECT_FALSE(exchange->reusable());
}

TEST_F(ClientExchangeTest, TellsSilenceFromAnAnswerThatBrokeOff) {
  server->hear("\r\n\r\n");
  server->hang_up();
  const Result<> silent = rt::run(reactor, exchange->receive(head));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().retry, Retry::Safe);
  EXPECT_FALSE(exchange->received_anything());
}

TEST_F(ClientExchangeTest, IsNotRetriedOnceTheUpstreamHasSpoken) {
  server->say("HTTP/1.1 2");
  server->end();
  const Result<> broken = rt::run(reactor, exchange->receive(head));
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().retry, Retry::Never);
  EXPECT_TRUE(exchange->received_anything());
}

TEST_F(ClientExchangeTest, TimesOutWithoutAnAnswer) {
  const Result<> late = rt::run(reactor, exchange->receive(head));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::Timeout);
  EXPECT_EQ(late.error().blame, Blame::Upstream);
}

TEST_F(ClientExchangeTest, RefusesAResponseThatIsNotHttp) {
  const Result<> bad = receive("SSH-2.0-OpenSSH\r\n\r\n");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::Invalid);
  EXPECT_EQ(bad.error().blame, Blame::Upstream);
}

TEST_F(ClientExchangeTest, HandsOverWhatFollowsA101) {
  ASSERT_TRUE(receive("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfirst frame"));
  EXPECT_EQ(head.status, 101);
  std::string_view early;
  EXPECT_EQ(exchange->take_tunnel(early), &connection.stream());
  EXPECT_EQ(early, "first frame");
  EXPECT_FALSE(exchange->reusable());
}

}  // namespace
}  // namespace sluice::http::h1
