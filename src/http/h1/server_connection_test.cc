// SPDX-License-Identifier: Apache-2.0
#include "http/h1/server_connection.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "http/socket_fixture.h"

namespace sluice::http::h1 {
namespace {

/// Answers as the test says and remembers what it was asked.
class TestHandler final : public Handler {
 public:
  using Answer = std::function<Task<void>(ServerStream&)>;

  Task<void> handle(ServerStream& stream) override {
    targets.emplace_back(stream.request().target);
    return answer(stream);
  }
  Task<void> refuse(ServerStream& stream, int status, std::string_view why) override {
    refusals.push_back(std::to_string(status) + " " + std::string(why));
    return text(stream, status, "no");
  }

  static Task<void> text(ServerStream& stream, int status, std::string_view content) {
    ResponseHead head(stream.arena());
    head.status = status;
    head.framing = {Framing::Kind::Length, content.size()};
    MemoryBody body(stream.arena().copy(content));
    (void)co_await stream.respond(head, &body);
  }
  /// Answers with the request's content.
  static Task<void> echo(ServerStream& stream) {
    std::string content;
    while (stream.body() != nullptr) {
      Result<Chunk> chunk = co_await stream.body()->read();
      if (!chunk) co_return co_await text(stream, 400, chunk.error().what);
      content += chunk->bytes;
      if (chunk->last) break;
    }
    co_await text(stream, 200, content);
  }

  Answer answer = [](ServerStream& stream) { return text(stream, 200, stream.request().target); };
  std::vector<std::string> targets;
  std::vector<std::string> refusals;
};

class ServerConnectionTest : public testing::Test {
 protected:
  void SetUp() override {
    auto [near, far] = local_pair();
    auto stream = std::make_unique<net::Stream>();
    stream->attach(reactor, near);
    client.emplace(reactor, far);
    connection = std::make_unique<ServerConnection>(std::move(stream), options, handler, pool, ConnectionInfo{});
    serving = connection->serve();
    serving.start();
  }
  void TearDown() override {
    serving.reset();
    connection.reset();
  }
  [[nodiscard]] static std::size_t responses(const std::string& heard) {
    std::size_t count = 0;
    for (std::size_t at = heard.find("HTTP/1.1 "); at != std::string::npos; at = heard.find("HTTP/1.1 ", at + 1))
      ++count;
    return count;
  }
  void expect_end() {
    EXPECT_TRUE(rt::turn_until(reactor, [&] { return serving.ready(); }));
  }
  /// The client sends its last octets and leaves, so that a server that waits for it to do so goes on.
  void leave() {
    client->hang_up();
    expect_end();
  }

  rt::Reactor reactor;
  ServerOptions options{
      .head = {}, .header_timeout_ms = 200, .keepalive_timeout_ms = 200, .body = {200}, .send_timeout_ms = 200};
  TestHandler handler;
  ExchangePool pool;
  std::unique_ptr<ServerConnection> connection;
  std::optional<Peer> client;
  Task<void> serving = Task<void>::done();
};

TEST_F(ServerConnectionTest, AnswersARequest) {
  client->say("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client->hear("/hello"), "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: keep-alive\r\n\r\n/hello");
}

TEST_F(ServerConnectionTest, TakesOneRequestAfterTheOther) {
  for (const char* target : {"/one", "/two", "/three"}) {
    client->say(std::string("GET ") + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(client->hear(target).ends_with(target));
    client->forget();
  }
}

TEST_F(ServerConnectionTest, AnswersPipelinedRequestsInOrder) {
  handler.answer = TestHandler::echo;
  client->say(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\none"
      "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string& heard = client->hear_until([&](const std::string& text) { return responses(text) == 3; });
  EXPECT_LT(heard.find("one"), heard.find("two"));
  EXPECT_EQ(handler.targets, (std::vector<std::string>{"/1", "/2", "/3"}));
}

TEST_F(ServerConnectionTest, SendsALargeHead) {
  handler.answer = [](ServerStream& stream) -> Task<void> {
    ResponseHead head(stream.arena());
    head.status = 200;
    head.headers.add("X-Large", std::string(56 * 1024, 'x'));
    MemoryBody body("hello");
    head.framing = {Framing::Kind::Length, 5};
    (void)co_await stream.respond(head, &body);
  };
  client->say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client->hear("hello").ends_with("xxx\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello"));
}

TEST_F(ServerConnectionTest, LeavesRoomForAnotherAnswerWhereAHeadDoesNotFit) {
  handler.answer = [](ServerStream& stream) -> Task<void> {
    ResponseHead head(stream.arena());
    head.status = 200;
    head.headers.add("X-Large", std::string(64 * 1024, 'x'));
    const Result<> sent = co_await stream.respond(head, nullptr);
    EXPECT_FALSE(sent);
    EXPECT_FALSE(stream.response_started());
    co_await TestHandler::text(stream, 502, "too large");
  };
  client->say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(client->hear("too large"),
            "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 9\r\nConnection: keep-alive\r\n\r\ntoo large");
}

// A client that sends without end must not keep the loop, with all its timers and other clients, to itself.
TEST_F(ServerConnectionTest, LetsOthersHaveTheirTurnBetweenPipelinedRequests) {
  std::string requests;
  for (int i = 0; i < 500; ++i) requests += "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  client->say(requests);
  std::size_t turns = 0;
  while (handler.targets.size() < 500 && turns < 1000) {
    const std::size_t before = handler.targets.size();
    reactor.run_once(10);
    client->hear_until([](const std::string&) { return true; });  // an answer that is not read stops the server
    ++turns;
    ASSERT_LE(handler.targets.size() - before, 64U);
  }
  EXPECT_EQ(handler.targets.size(), 500U);
}

TEST_F(ServerConnectionTest, PutsAHeadTogetherThatComesOctetByOctet) {
  for (char c : std::string("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")) {
    client->say({&c, 1});
    reactor.run_once(0);
  }
  EXPECT_TRUE(client->hear("/slow").ends_with("/slow"));
}

TEST_F(ServerConnectionTest, ClosesWhenTheClientAsksForIt) {
  client->say("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(responses(client->hear_end()), 1U);
  EXPECT_NE(client->heard().find("Connection: close"), std::string::npos);
  EXPECT_FALSE(client->was_reset());
  leave();
}

TEST_F(ServerConnectionTest, ClosesAfterARequestWithContentThatWasReadInOnePiece) {
  handler.answer = TestHandler::echo;
  client->say("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(client->hear_end().ends_with("hello"));
  leave();
}

TEST_F(ServerConnectionTest, KeepsAnHttp10ConnectionOnlyOnRequest) {
  client->say("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  client->hear("/a");
  client->say("GET /b HTTP/1.0\r\n\r\n");
  EXPECT_EQ(responses(client->hear_end()), 2U);
  leave();
}

TEST_F(ServerConnectionTest, SaysContinueOnlyWhenItWaitsForTheContent) {
  handler.answer = TestHandler::echo;
  client->say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(client->hear("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client->forget();
  client->say("hello");
  EXPECT_TRUE(client->hear("hello").starts_with("HTTP/1.1 200"));
  client->forget();
  client->say("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(client->hear("hello").starts_with("HTTP/1.1 200")) << "the content was there already";
}

TEST_F(ServerConnectionTest, ClosesWhenTheClientWaitsForLeaveThatItDoesNotGet) {
  client->say("POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  EXPECT_TRUE(client->hear_end().starts_with("HTTP/1.1 200"));
  EXPECT_EQ(client->heard().find("100 Continue"), std::string::npos);
  leave();
}

TEST_F(ServerConnectionTest, DiscardsASmallContentThatNobodyRead) {
  client->say("POST /ignored HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x') +
              "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client->hear("/next").ends_with("/next"));
  EXPECT_EQ(handler.targets, (std::vector<std::string>{"/ignored", "/next"}));
}

TEST_F(ServerConnectionTest, DoesNotTakeContentForARequestAfterAMalformedChunk) {
  client->say(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxGET /smuggled HTTP/1.1\r\nHost: "
      "a\r\n\r\n");
  EXPECT_EQ(responses(client->hear_end()), 1U);
  EXPECT_EQ(handler.targets, std::vector<std::string>{"/"});
  leave();
}

TEST_F(ServerConnectionTest, ClosesInsteadOfDiscardingForEver) {
  client->say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
  client->hear("\r\n\r\n/");
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 10; ++i) client->say(piece);
  EXPECT_EQ(responses(client->hear_end()), 1U);
  EXPECT_FALSE(client->was_reset());
  leave();
}

TEST_F(ServerConnectionTest, RefusesWhatIsNoRequestAndCloses) {
  client->say("GET / HTTP/1.1\r\nHost: a\r\nBad : x\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client->hear_end().starts_with("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_EQ(handler.refusals, std::vector<std::string>{"400 malformed field name"});
  EXPECT_TRUE(handler.targets.empty());
  leave();
}

TEST_F(ServerConnectionTest, RefusesGarbageBeforeAnyLineEnds) {
  client->say(std::string("\x16\x03\x01\x02\x00", 5));
  EXPECT_TRUE(client->hear_end().starts_with("HTTP/1.1 400"));
  leave();
}

TEST_F(ServerConnectionTest, AnswersAHeadThatDoesNotComeToItsEndWith408) {
  client->say("GET / HTTP/1.1\r\nHo");
  EXPECT_TRUE(client->hear_end().starts_with("HTTP/1.1 408"));
  leave();
}

TEST_F(ServerConnectionTest, ClosesAnIdleConnectionWithoutAWord) {
  EXPECT_EQ(client->hear_until([&](const std::string&) { return serving.ready(); }), "");
}

TEST_F(ServerConnectionTest, DoesNotExtendTheDeadlineForEachOctet) {
  const auto begin = std::chrono::steady_clock::now();
  while (!client->ended() && std::chrono::steady_clock::now() - begin < std::chrono::seconds(5)) {
    client->say("G");
    client->settle();
    if (client->heard().find("HTTP/1.1") != std::string::npos) break;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

TEST_F(ServerConnectionTest, DrainsAnIdleConnectionAtOnce) {
  client->say("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  client->hear("/x");
  client->settle();
  connection->drain(Idle::Close);
  expect_end();
  EXPECT_EQ(responses(client->heard()), 1U);
}

/// Lets the test decide when the handler goes on.
struct Gate {
  bool open = false;
  std::coroutine_handle<> waiting;
  [[nodiscard]] bool await_ready() const { return open; }
  void await_suspend(std::coroutine_handle<> caller) { waiting = caller; }
  void await_resume() const {}
};

struct Tell {
  int& count;
  ~Tell() { ++count; }
};

Task<void> answer_behind(Gate& gate, int& ended, ServerStream& stream) {
  Tell tell{ended};
  co_await gate;
  co_await TestHandler::text(stream, 200, "late");
}

TEST_F(ServerConnectionTest, FinishesTheRequestInFlightWhenDrained) {
  Gate gate;
  int ended = 0;
  handler.answer = [&](ServerStream& stream) { return answer_behind(gate, ended, stream); };
  client->say("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  rt::turn_until(reactor, [&] { return gate.waiting != nullptr; });
  connection->drain(Idle::Close);
  client->settle();
  EXPECT_FALSE(serving.ready());
  gate.waiting.resume();
  EXPECT_TRUE(client->hear_end().ends_with("late"));
  EXPECT_NE(client->heard().find("Connection: close"), std::string::npos);
  leave();
}

TEST_F(ServerConnectionTest, CancelsTheHandlerWhenTheClientGoesAway) {
  Gate gate;
  int ended = 0;
  handler.answer = [&](ServerStream& stream) { return answer_behind(gate, ended, stream); };
  client->say("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  rt::turn_until(reactor, [&] { return gate.waiting != nullptr; });
  client->hang_up();
  expect_end();
  EXPECT_EQ(ended, 1);
}

TEST_F(ServerConnectionTest, ResetsAConnectionWhoseResponseBrokeOff) {
  class Breaks final : public BodyReader {
   public:
    Task<Result<Chunk>> read() override {
      if (std::exchange(begun_, true)) return Result<Chunk>(fail(Errc::Closed, "broken", Blame::Upstream));
      return Result<Chunk>(Chunk{"some", false});
    }

   private:
    bool begun_ = false;
  };
  Breaks body;
  handler.answer = [&](ServerStream& stream) -> Task<void> {
    struct Run {
      static Task<void> run(ServerStream& s, BodyReader& content) {
        ResponseHead head(s.arena());
        head.status = 200;
        (void)co_await s.respond(head, &content);
      }
    };
    return Run::run(stream, body);
  };
  client->say("GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
  client->hear_end();
  EXPECT_EQ(client->heard().find("0\r\n\r\n"), std::string::npos) << "a broken message must not look whole";
}

TEST_F(ServerConnectionTest, SendsNoContentInReplyToHead) {
  client->say("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string heard = client->hear("\r\n\r\n/y");
  EXPECT_TRUE(
      heard.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nHTTP/1.1 200 OK"));
}

TEST_F(ServerConnectionTest, CountsTheOctetsOfARequest) {
  std::uint64_t received = 0;
  handler.answer = [&received](ServerStream& stream) {
    struct Run {
      static Task<void> run(ServerStream& s, std::uint64_t& octets) {
        co_await TestHandler::echo(s);
        octets = s.octets_received();
      }
    };
    return Run::run(stream, received);
  };
  const std::string request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  client->say(request);
  client->hear("hello");
  client->settle();
  EXPECT_EQ(received, request.size());
}

}  // namespace
}  // namespace sluice::http::h1
