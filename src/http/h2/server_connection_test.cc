// SPDX-License-Identifier: Apache-2.0
#include "http/h2/server_connection.h"

#include <functional>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "http/h2/test_client.h"
#include "rt/test_loop.h"

namespace sluice::http::h2 {
namespace {

/// Reads the whole content into a text.
Task<Result<std::string>> slurp(BodyReader* body) {
  std::string all;
  while (body != nullptr) {
    CO_TRY(Chunk chunk, co_await body->read());
    all.append(chunk.bytes);
    if (chunk.last) break;
  }
  co_return all;
}

/// Content in pieces, then trailers.
class PiecedBody final : public BodyReader {
 public:
  PiecedBody(std::vector<std::string> pieces, Arena& arena) : pieces_(std::move(pieces)), trailers_(arena) {
    trailers_.add("X-Sum", "42");
  }
  Task<Result<Chunk>> read() override {
    const std::size_t at = next_++;
    return Result<Chunk>(Chunk{pieces_[at], at + 1 == pieces_.size()});
  }
  [[nodiscard]] const Headers* trailers() const override { return &trailers_; }

 private:
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  Headers trailers_;
};

/// Answers by path; see the tests.
class TestHandler final : public Handler {
 public:
  Task<void> handle(ServerStream& stream) override {
    ++running;
    struct Count {
      TestHandler& handler;
      ~Count() { --handler.running; }
    } count{*this};
    ++handled;
    last_target = stream.request().target;
    ResponseHead head(stream.arena());
    head.status = 200;
    head.headers.add("X-Answer", "yes");
    head.headers.add("Connection", "close");
    const std::string path(stream.request().path);
    if (path == "/hang") {
      co_await rt::Sleep(stream.reactor(), stream.reactor().after_ms(60'000));
    } else if (path == "/echo") {
      Result<std::string> got = co_await slurp(stream.body());
      if (stream.body() != nullptr && stream.body()->trailers() != nullptr) head.headers.add("X-Trailers", "seen");
      MemoryBody body(got ? *got : got.error().what);
      co_await stream.respond(head, &body);
    } else if (path == "/trailers") {
      PiecedBody body({"one", "two"}, stream.arena());
      co_await stream.respond(head, &body);
    } else if (path == "/big") {
      const std::string content(300'000, 'x');
      MemoryBody body(content);
      head.framing = {Framing::Kind::Length, content.size()};
      co_await stream.respond(head, &body);
    } else if (path == "/short") {
      MemoryBody body("abc");
      head.framing = {Framing::Kind::Length, 10};
      co_await stream.respond(head, &body);
    } else if (path == "/none") {
      head.status = 204;
      co_await stream.respond(head, nullptr);
    } else if (path == "/ignore") {
      co_await stream.respond(head, nullptr);
    } else if (path != "/silent") {
      MemoryBody body("hello");
      co_await stream.respond(head, &body);
    }
  }
  Task<void> refuse(ServerStream& stream, int status, std::string_view /*why*/) override {
    ++refused;
    ResponseHead head(stream.arena());
    head.status = status;
    co_await stream.respond(head, nullptr);
  }

  int running = 0;
  int handled = 0;
  int refused = 0;
  std::string last_target;
};

class Http2Server : public testing::Test {
 protected:
  void SetUp() override { connect(); }

  void connect() {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    auto stream = std::make_unique<net::Stream>();
    stream->attach(reactor, pair[0]);
    connection = std::make_unique<ServerConnection>(std::move(stream), options, handler, pool, ConnectionInfo{});
    client = std::make_unique<TestClient>(pair[1]);
    serving = connection->serve();
    serving.start();
    client->begin();
  }
  /// Turns the loop until `done` holds.
  bool until(const std::function<bool()>& done) {
    return rt::turn_until(reactor, [&] {
      client->read();
      return done();
    });
  }
  bool answered(std::uint32_t stream) {
    return until([&] { return client->is_over(stream); });
  }
  /// The error of the GOAWAY that ends the connection.
  std::uint32_t goaway() {
    until([&] { return client->find(NGHTTP2_GOAWAY) != nullptr || client->closed; });
    const WireFrame* frame = client->find(NGHTTP2_GOAWAY);
    return frame != nullptr ? frame->error() : 999;
  }
  std::uint32_t reset_of(std::uint32_t stream) {
    until([&] { return client->find(NGHTTP2_RST_STREAM, stream) != nullptr; });
    const WireFrame* frame = client->find(NGHTTP2_RST_STREAM, stream);
    return frame != nullptr ? frame->error() : 999;
  }

  rt::Reactor reactor{std::make_unique<rt::SystemClock>()};
  ServerOptions options;
  TestHandler handler;
  ExchangePool pool;
  std::unique_ptr<ServerConnection> connection;
  std::unique_ptr<TestClient> client;
  Task<void> serving = Task<void>::done();  // last: it goes before the connection
};

TEST_F(Http2Server, AnswersARequest) {
  client->request(1, TestClient::get("/a?b"));
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->head(1), ":status: 200\nx-answer: yes\n");
  EXPECT_EQ(client->content(1), "hello");
  EXPECT_EQ(handler.last_target, "/a?b");
}

TEST_F(Http2Server, AnswersManyRequestsInOneSend) {
  for (std::uint32_t id = 1; id < 40; id += 2) client->request(id, TestClient::get());
  ASSERT_TRUE(until([&] { return client->is_over(39); }));
  for (std::uint32_t id = 1; id < 40; id += 2) EXPECT_EQ(client->content(id), "hello");
  EXPECT_EQ(handler.running, 0);
}

TEST_F(Http2Server, PassesContentToTheHandlerAndBack) {
  client->request(1, TestClient::post("/echo"), false);
  client->data(1, "ab", false);
  ASSERT_TRUE(until([&] { return handler.running == 1; }));
  client->data(1, "cd", true);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "abcd");
}

TEST_F(Http2Server, OpensTheWindowAsContentIsRead) {
  client->request(1, TestClient::post("/echo"), false);
  const std::string piece(16'384, 'x');
  for (int i = 0; i < 12; ++i) client->data(1, piece, false);
  ASSERT_TRUE(until([&] { return client->find(NGHTTP2_WINDOW_UPDATE, 1) != nullptr; }));
  client->data(1, "", true);
  ASSERT_TRUE(until([&] { return client->content(1).size() >= 65'535; }));  // our own window, never opened
  EXPECT_FALSE(client->is_over(1));
}

TEST_F(Http2Server, DoesNotOpenTheWindowForAHandlerThatDoesNotRead) {
  client->request(1, TestClient::post("/hang"), false);
  const std::string piece(16'384, 'x');
  for (int i = 0; i < 12; ++i) client->data(1, piece, false);
  client->request(3, TestClient::get());
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(client->find(NGHTTP2_WINDOW_UPDATE, 1), nullptr);
}

TEST_F(Http2Server, WaitsForTheClientsWindow) {
  client->request(1, TestClient::get("/big"));
  ASSERT_TRUE(until([&] { return client->content(1).size() == 65'535; }));
  client->write(TestClient::frame(NGHTTP2_WINDOW_UPDATE, 0, 1, {"\0\x7f\0\0", 4}));
  client->write(TestClient::frame(NGHTTP2_WINDOW_UPDATE, 0, 0, {"\0\x7f\0\0", 4}));
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1).size(), 300'000U);
  EXPECT_NE(client->head(1).find("content-length: 300000"), std::string::npos);
}

TEST_F(Http2Server, ResetsAStreamWhoseClientTakesNothing) {
  serving.reset();
  connection.reset();
  options.send_timeout_ms = 50;
  connect();
  client->request(1, TestClient::get("/big"));
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_EQ(handler.running, 0);
}

TEST_F(Http2Server, SendsTrailers) {
  client->request(1, TestClient::get("/trailers"));
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "onetwo");
  EXPECT_EQ(client->head(1), ":status: 200\nx-answer: yes\nx-sum: 42\n");
}

TEST_F(Http2Server, TakesTrailers) {
  client->request(1, TestClient::post("/echo"), false);
  client->data(1, "ab", false);
  client->request(1, {{"x-sum", "42"}}, true);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "ab");
  EXPECT_NE(client->head(1).find("x-trailers: seen"), std::string::npos);
}

TEST_F(Http2Server, SendsNoContentForHeadAnd204) {
  FieldList head = TestClient::get("/big");
  head[0].second = "HEAD";
  client->request(1, head);
  client->request(3, TestClient::get("/none"));
  ASSERT_TRUE(answered(1) && answered(3));
  EXPECT_NE(client->head(1).find("content-length: 300000"), std::string::npos);
  EXPECT_EQ(client->content(1), "");
  EXPECT_EQ(client->head(3), ":status: 204\nx-answer: yes\n");
}

TEST_F(Http2Server, GivesLeaveToSend) {
  FieldList fields = TestClient::post("/echo");
  fields.emplace_back("expect", "100-continue");
  client->request(1, fields, false);
  ASSERT_TRUE(until([&] { return client->head(1) == ":status: 100\n"; }));
  client->data(1, "now", true);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "now");
}

TEST_F(Http2Server, CancelsTheHandlerOfAResetStream) {
  client->request(1, TestClient::get("/hang"));
  ASSERT_TRUE(until([&] { return handler.running == 1; }));
  client->reset(1);
  EXPECT_TRUE(until([&] { return handler.running == 0; }));
}

TEST_F(Http2Server, CancelsAllHandlersWhenTheClientGoes) {
  client->request(1, TestClient::get("/hang"));
  client->request(3, TestClient::post("/echo"), false);
  ASSERT_TRUE(until([&] { return handler.running == 2; }));
  client->close();
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return serving.ready(); }));
  connection.reset();
  EXPECT_EQ(handler.running, 0);
}

TEST_F(Http2Server, TellsTheClientThatTheRestOfItsContentIsNotWanted) {
  client->request(1, TestClient::post("/ignore"), false);
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_NE(client->head(1).find(":status: 200"), std::string::npos);
}

TEST_F(Http2Server, LetsAClientFinishWhatNobodyReads) {
  client->request(1, TestClient::post("/ignore"), false);
  ASSERT_TRUE(answered(1));
  client->data(1, std::string(10'000, 'x'), true);
  client->request(3, TestClient::get());
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(client->find(NGHTTP2_RST_STREAM, 1), nullptr);
}

TEST_F(Http2Server, OutlivesTheTimeForItsFirstRequest) {
  serving.reset();
  connection.reset();
  options.header_timeout_ms = 30;
  connect();
  client->request(1, TestClient::post("/echo"), false);
  ASSERT_TRUE(until([&] { return handler.running == 1; }));
  rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(80)); }(reactor));
  client->data(1, "late", true);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "late");
}

TEST_F(Http2Server, ResetsAStreamWithoutAWholeAnswer) {
  client->request(1, TestClient::get("/silent"));
  client->request(3, TestClient::get("/short"));
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  EXPECT_EQ(reset_of(3), static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
}

TEST_F(Http2Server, TimesOutWaitingForContent) {
  serving.reset();
  connection.reset();
  options.body = {50};
  connect();
  client->request(1, TestClient::post("/echo"), false);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "timed out waiting for content");
}

TEST_F(Http2Server, TimesOutOnContentBelowTheLeastRate) {
  serving.reset();
  connection.reset();
  options.body = {60, 10'000};
  connect();
  client->request(1, TestClient::post("/echo"), false);
  int octets = 0;
  while (!client->is_over(1) && octets < 20) {
    rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(20)); }(reactor));
    client->data(1, "x", false);
    ++octets;
    client->read();
  }
  ASSERT_TRUE(answered(1));
  EXPECT_LT(octets, 10);
  EXPECT_EQ(client->content(1), "timed out waiting for content");
}

// Streams that nobody reads hold the connection's window: another stream's client cannot send, and is not to blame.
TEST_F(Http2Server, WaitsForAClientThatOtherStreamsHoldBack) {
  serving.reset();
  connection.reset();
  options.body = {50, 10'000};
  connect();
  client->write(TestClient::frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {}));  // our window holds from here on
  const std::string piece(16 * 1024, 'x');
  const std::uint32_t streams = ServerConnection::kConnectionWindow / ServerConnection::kStreamWindow;
  for (std::uint32_t i = 0; i < streams; ++i) {
    client->request(2 * i + 1, TestClient::post("/hang"), false);
    for (int sent = 0; sent < ServerConnection::kStreamWindow; sent += static_cast<int>(piece.size())) {
      client->data(2 * i + 1, piece, false);
      reactor.run_once(1);
    }
  }
  const std::uint32_t held = 2 * streams + 1;
  client->request(held, TestClient::post("/echo"), false);
  ASSERT_TRUE(until([&] { return handler.running == static_cast<int>(streams) + 1; }));
  rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(200)); }(reactor));
  client->read();
  EXPECT_FALSE(client->is_over(held));
  client->frames.clear();
  for (std::uint32_t stream : {1U, 3U}) client->reset(stream);  // what they held is free again
  ASSERT_TRUE(until([&] { return client->find(NGHTTP2_WINDOW_UPDATE) != nullptr; }));
  client->data(held, "late", true);
  ASSERT_TRUE(answered(held));
  EXPECT_EQ(client->content(held), "late");
}

// Three uploads that stand still hold more than half of the connection's window, which is when nghttp2 would open it.
TEST_F(Http2Server, KeepsAnUploadGoingBesideThoseThatStandStill) {
  client->write(TestClient::frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {}));
  const std::string piece(16 * 1024, 'x');
  for (std::uint32_t stream : {1U, 3U, 5U}) {
    client->request(stream, TestClient::post("/hang"), false);
    for (int sent = 0; sent < ServerConnection::kStreamWindow; sent += static_cast<int>(piece.size())) {
      client->data(stream, piece, false);
      reactor.run_once(1);
    }
  }
  client->request(7, TestClient::post("/echo"), false);
  client->read();
  client->frames.clear();
  for (int i = 0; i < 16; ++i) {  // all that the connection's window has left
    client->data(7, piece, false);
    reactor.run_once(1);
  }
  EXPECT_TRUE(until([&] { return client->find(NGHTTP2_WINDOW_UPDATE, 0) != nullptr; }));
}

TEST_F(Http2Server, DoesNotCountResetsOfItsOwnAgainstTheClient) {
  for (std::uint32_t id = 1; id < 1001; id += 2) {
    client->request(id, TestClient::get("/silent"));
    reactor.run_once(0);
    if (id % 100 == 99) client->read();
  }
  ASSERT_TRUE(answered(999));
  EXPECT_EQ(client->find(NGHTTP2_GOAWAY), nullptr);
}

// It has waited for longer than its pause when others let go of the window: what follows is another pause.
TEST_F(Http2Server, CountsNoTimeInWhichTheClientMightNotSend) {
  serving.reset();
  connection.reset();
  options.body = {150, 10'000};
  connect();
  client->write(TestClient::frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, {}));
  const std::string piece(16 * 1024, 'x');
  for (std::uint32_t stream : {1U, 3U, 5U, 7U}) {
    client->request(stream, TestClient::post("/hang"), false);
    for (int sent = 0; sent < ServerConnection::kStreamWindow; sent += static_cast<int>(piece.size())) {
      client->data(stream, piece, false);
      reactor.run_once(1);
    }
  }
  const auto pass = [this](std::int64_t ms) {
    rt::run(reactor, [](rt::Reactor& on, std::int64_t time) -> Task<void> {
      co_await rt::Sleep(on, on.after_ms(time));
    }(reactor, ms));
  };
  client->request(9, TestClient::post("/echo"), false);
  ASSERT_TRUE(until([&] { return handler.running == 5; }));
  pass(100);
  client->reset(1);
  pass(100);  // more than a pause since the wait began, less than one since the window opened
  client->read();
  EXPECT_FALSE(client->is_over(9));
  client->data(9, "late", true);
  ASSERT_TRUE(answered(9));
  EXPECT_EQ(client->content(9), "late");
}

TEST_F(Http2Server, EndsTheConnectionOnContentBehindTheClientsOwnEnd) {
  client->request(1, TestClient::get());
  ASSERT_TRUE(answered(1));
  client->data(1, "more", true);
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_STREAM_CLOSED));
}

TEST_F(Http2Server, EndsTheConnectionOnAHeadBehindTheClientsOwnReset) {
  client->request(1, TestClient::post("/hang"), false);
  client->reset(1);
  client->request(1, TestClient::get());
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_STREAM_CLOSED));
}

// The client could not know yet: RFC 9113, 5.1.
TEST_F(Http2Server, IgnoresContentOnItsWayToAStreamThatWeHaveReset) {
  client->request(1, TestClient::post("/silent"), false);
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_INTERNAL_ERROR));
  client->data(1, "late", false);
  client->data(1, "and its end", true);
  client->request(3, TestClient::get());
  ASSERT_TRUE(answered(3));
  EXPECT_EQ(client->content(3), "hello");
}

TEST_F(Http2Server, EndsTheConnectionOnAPriorityOfNoStream) {
  client->write(TestClient::frame(NGHTTP2_PRIORITY, 0, 0, {"\0\0\0\0\0", 5}));
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

TEST_F(Http2Server, ClosesWhenTheClientSaysGoodbyeAndNothingIsUnderWay) {
  client->request(1, TestClient::get());
  ASSERT_TRUE(answered(1));
  client->write(TestClient::frame(NGHTTP2_GOAWAY, 0, 0, {"\0\0\0\0\0\0\0\0", 8}));
  EXPECT_TRUE(until([&] { return client->closed; }));
}

TEST_F(Http2Server, AnnouncesAndEnforcesItsMostStreams) {
  serving.reset();
  connection.reset();
  options.max_streams = 2;
  connect();
  for (std::uint32_t stream : {1U, 3U, 5U}) client->request(stream, TestClient::get("/hang"));
  EXPECT_EQ(reset_of(5), static_cast<std::uint32_t>(NGHTTP2_REFUSED_STREAM));
  EXPECT_EQ(handler.running, 2);
  const WireFrame* settings = client->find(NGHTTP2_SETTINGS);
  ASSERT_NE(settings, nullptr);
  EXPECT_NE(settings->payload.find(std::string("\0\3\0\0\0\2", 6)), std::string::npos);
}

TEST_F(Http2Server, RefusesMalformedRequestsBeforeTheHandler) {
  FieldList outer_blank = TestClient::get();
  outer_blank.emplace_back("x", " a");
  client->request(1, outer_blank);
  FieldList connect_method = TestClient::get();
  connect_method[0].second = "CONNECT";
  connect_method.erase(connect_method.begin() + 3);
  connect_method.erase(connect_method.begin() + 1);
  client->request(3, connect_method);
  FieldList scheme = TestClient::get();
  scheme[1].second = "ftp";
  client->request(5, scheme);
  ASSERT_TRUE(answered(1) && answered(3) && answered(5));
  EXPECT_EQ(handler.handled, 0);
}

TEST_F(Http2Server, NeverStartsARequestThatItsContentBelies) {
  FieldList fields = TestClient::post("/echo");
  fields.emplace_back("content-length", "1");
  client->write(TestClient::frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, TestClient::block(fields)) +
                TestClient::frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, 1, "far too long"));
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  EXPECT_EQ(handler.handled, 0);
}

TEST_F(Http2Server, EndsAConnectionOfRapidResets) {
  std::string flood;
  for (std::uint32_t id = 1; id < 1001; id += 2) {
    flood += TestClient::frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, id,
                               TestClient::block(TestClient::get("/hang")));
    flood += TestClient::frame(NGHTTP2_RST_STREAM, 0, id, {"\0\0\0\x08", 4});
  }
  client->write(flood);
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
  EXPECT_EQ(handler.running, 0);
}

TEST_F(Http2Server, EndsAConnectionOfContinuations) {
  client->write(TestClient::frame(NGHTTP2_HEADERS, 0, 1, TestClient::block(TestClient::get())));
  for (int i = 0; i < 20; ++i) client->write(TestClient::frame(NGHTTP2_CONTINUATION, 0, 1, {}));
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2Server, EndsAConnectionThatMakesUsReset) {
  for (std::uint32_t id = 1; id < 1001; id += 2) {
    client->request(id, TestClient::get("/hang"));
    client->write(TestClient::frame(NGHTTP2_WINDOW_UPDATE, 0, id, "\x7f\xff\xff\xff"));  // over what a window may be
    if (id % 50 == 49) reactor.run_once(1);  // more at once would be refused as too many
  }
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2Server, EndsAConnectionThatGoesBackToASkippedStream) {
  client->request(5, TestClient::get());
  client->request(3, TestClient::get());
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

TEST_F(Http2Server, AnswersPings) {
  client->write(TestClient::frame(NGHTTP2_PING, 0, 0, "12345678"));
  ASSERT_TRUE(until([&] { return client->find(NGHTTP2_PING) != nullptr; }));
  EXPECT_EQ(client->find(NGHTTP2_PING)->payload, "12345678");
}

TEST_F(Http2Server, DrainsWithTwoGoawaysAndFinishesItsStreams) {
  client->request(1, TestClient::post("/echo"), false);
  ASSERT_TRUE(until([&] { return handler.running == 1; }));
  connection->drain();
  ASSERT_TRUE(until([&] { return client->find(NGHTTP2_PING) != nullptr; }));
  EXPECT_EQ(client->find(NGHTTP2_GOAWAY)->number(0), 0x7fffffffU);
  client->write(TestClient::frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, client->find(NGHTTP2_PING)->payload));
  ASSERT_TRUE(
      until([&] { return client->frames.back().type == NGHTTP2_GOAWAY && client->frames.back().number(0) == 1; }));
  client->data(1, "last words", true);
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(client->content(1), "last words");
  EXPECT_TRUE(until([&] { return client->closed; }));
  client->close();
  EXPECT_TRUE(rt::turn_until(reactor, [&] { return serving.ready(); }));
}

TEST_F(Http2Server, ClosesAnIdleConnection) {
  serving.reset();
  connection.reset();
  options.keepalive_timeout_ms = 50;
  connect();
  client->request(1, TestClient::get());
  ASSERT_TRUE(answered(1));
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
}

TEST_F(Http2Server, SaysNoToHttp1) {
  serving.reset();
  connection.reset();
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  auto stream = std::make_unique<net::Stream>();
  stream->attach(reactor, pair[0]);
  connection = std::make_unique<ServerConnection>(std::move(stream), options, handler, pool, ConnectionInfo{});
  client = std::make_unique<TestClient>(pair[1]);
  serving = connection->serve();
  serving.start();
  client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(goaway(), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
}

}  // namespace
}  // namespace sluice::http::h2
