// SPDX-License-Identifier: Apache-2.0
#include "http/h2/client_connection.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/h2/test_client.h"
#include "http/socket_fixture.h"
#include "rt/test_loop.h"

namespace sluice::http::h2 {
namespace {

using testing::HasSubstr;

/// Content that comes when the test says so, then trailers.
class FedBody final : public BodyReader {
 public:
  FedBody(rt::Reactor& reactor, Arena& arena) : news_(reactor), trailers_(arena) {}
  void feed(std::string bytes, bool last = false) {
    bytes_ += bytes;
    last_ = last;
    ready_ = true;
    news_.wake();
  }
  Headers& fields() { return trailers_; }
  Task<Result<Chunk>> read() override {
    while (!ready_) co_await news_.wait(rt::Deadline::never());
    ready_ = false;
    given_ = std::exchange(bytes_, {});
    co_return Chunk{given_, last_};
  }
  [[nodiscard]] const Headers* trailers() const override { return trailers_.empty() ? nullptr : &trailers_; }

 private:
  rt::Waiter news_;
  Headers trailers_;
  std::string bytes_;
  std::string given_;
  bool last_ = false;
  bool ready_ = false;
};

std::string setting(std::uint16_t id, std::uint32_t value) {
  std::string bytes{static_cast<char>(id >> 8U), static_cast<char>(id)};
  for (unsigned shift : {24U, 16U, 8U, 0U}) bytes += static_cast<char>(value >> shift);
  return bytes;
}

class Http2Client : public testing::Test, public ClientConnection::Owner {
 protected:
  /// One request: the exchange and what it works with.
  struct Call {
    explicit Call(Http2Client& test, rt::Deadline deadline = rt::Deadline::never())
        : request(arena), response(arena), content(test.reactor, arena) {
      request.method = "GET";
      request.target = "/x";
      request.authority = "upstream.test";
      exchange.emplace(*test.connection, arena, ClientExchange::Limits{1000, 1000, 4096, deadline});
    }
    void send(bool with_content = false) {
      if (with_content) request.framing = {Framing::Kind::Chunked, 0};
      sending = exchange->send(request, with_content ? &content : nullptr);
      sending.start();
      receiving = exchange->receive(response);
      receiving.start();
    }
    [[nodiscard]] std::string header(std::string_view name) const {
      return std::string(response.headers.get(name).value_or("(none)"));
    }

    Arena arena;
    RequestHead request;
    ResponseHead response;
    FedBody content;
    std::optional<ClientExchange> exchange;
    Task<Result<>> sending = Result<>{};
    Task<Result<>> receiving = Result<>{};
  };

  void SetUp() override { connect(); }
  void TearDown() override { connection.reset(); }
  void connect(std::string_view settings = {}) {
    auto [near, far] = local_pair();
    auto stream = std::make_unique<net::Stream>();
    stream->attach(reactor, near);
    connection.reset();
    connection = std::make_unique<ClientConnection>(std::move(stream), ClientConnection::Options{60'000, 0}, *this);
    upstream = std::make_unique<TestClient>(far);
    upstream->accept(settings);
  }
  bool until(const std::function<bool()>& done) {
    return rt::turn_until(reactor, [&] {
      upstream->read();
      return done();
    });
  }
  void settle() {
    for (int i = 0; i < 5; ++i) {
      reactor.run_once(1);
      upstream->read();
    }
  }
  bool asked(std::uint32_t stream) {
    return until([&] { return upstream->find(NGHTTP2_HEADERS, stream) != nullptr; });
  }
  void answer(std::uint32_t stream, FieldList fields = {{":status", "200"}}, bool ends = false) {
    upstream->request(stream, fields, ends);
  }
  /// The outcome of receive().
  Result<> outcome(Call& call) {
    until([&] { return call.receiving.ready(); });
    return call.receiving.take();
  }
  Result<std::string> slurp(Call& call) {
    std::string all;
    for (bool last = call.exchange->body() == nullptr; !last;) {
      Result<Chunk> chunk = rt::run(reactor, call.exchange->body()->read());
      if (!chunk) return std::unexpected(chunk.error());
      all.append(chunk->bytes);
      last = chunk->last;
    }
    return all;
  }
  std::uint32_t reset_of(std::uint32_t stream) {
    until([&] { return upstream->find(NGHTTP2_RST_STREAM, stream) != nullptr; });
    const WireFrame* frame = upstream->find(NGHTTP2_RST_STREAM, stream);
    return frame != nullptr ? frame->error() : 999;
  }

  rt::ManualClock* clock = nullptr;
  rt::Reactor reactor{[this] {
    auto manual = std::make_unique<rt::ManualClock>();
    clock = manual.get();
    return manual;
  }()};
  std::unique_ptr<TestClient> upstream;
  std::unique_ptr<ClientConnection> connection;
  int over = 0;

 private:
  void connection_over() override { ++over; }
};

TEST_F(Http2Client, SendsARequestAndReadsTheAnswer) {
  Call call(*this);
  call.request.headers.add("X-Ask", "yes");
  call.request.headers.add("Connection", "close");
  call.request.headers.add("TE", "trailers");
  call.send();
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(upstream->head(1),
            ":method: GET\n:scheme: http\n:authority: upstream.test\n:path: /x\nx-ask: yes\nte: trailers\n");
  EXPECT_TRUE(upstream->is_over(1));
  answer(1, {{":status", "201"}, {"content-length", "5"}, {"x-a", "b"}});
  upstream->data(1, "hello", true);
  ASSERT_TRUE(outcome(call));
  EXPECT_EQ(call.response.status, 201);
  EXPECT_EQ(call.response.version, Version::Http2);
  EXPECT_EQ(call.response.framing.length, 5U);
  EXPECT_EQ(call.header("X-A"), "b");
  EXPECT_EQ(slurp(call), "hello");
}

TEST_F(Http2Client, CarriesManyRequestsOnOneConnection) {
  Call first(*this);
  Call second(*this);
  first.send();
  second.send();
  ASSERT_TRUE(asked(3));
  answer(3, {{":status", "204"}}, true);
  ASSERT_TRUE(outcome(second));
  EXPECT_EQ(second.response.status, 204);
  EXPECT_FALSE(first.receiving.ready());
  answer(1, {{":status", "200"}}, true);
  EXPECT_TRUE(outcome(first));
}

TEST_F(Http2Client, SendsContentAndTrailersWhileItComes) {
  Call call(*this);
  call.request.method = "POST";
  call.content.fields().add("X-Sum", "42");
  call.send(true);
  ASSERT_TRUE(asked(1));
  call.content.feed("one");
  ASSERT_TRUE(until([&] { return upstream->content(1) == "one"; }));
  answer(1);  // before the request has ended
  ASSERT_TRUE(outcome(call));
  EXPECT_FALSE(call.sending.ready());
  call.content.feed("two", true);
  ASSERT_TRUE(until([&] { return upstream->is_over(1); }));
  EXPECT_EQ(upstream->content(1), "onetwo");
  EXPECT_THAT(upstream->head(1), HasSubstr("x-sum: 42"));
  upstream->data(1, "done", true);
  EXPECT_EQ(slurp(call), "done");
}

TEST_F(Http2Client, ReadsTrailers) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  answer(1);
  upstream->data(1, "abc", false);
  answer(1, {{"grpc-status", "0"}}, true);
  ASSERT_TRUE(outcome(call));
  EXPECT_EQ(slurp(call), "abc");
  ASSERT_NE(call.exchange->body()->trailers(), nullptr);
  EXPECT_EQ(call.exchange->body()->trailers()->get("grpc-status"), "0");
}

TEST_F(Http2Client, ReadsAnAnswerThatIsAHeadAlone) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  answer(1, {{":status", "200"}, {"grpc-status", "12"}}, true);
  ASSERT_TRUE(outcome(call));
  EXPECT_EQ(call.exchange->body(), nullptr);
  EXPECT_EQ(call.response.framing.kind, Framing::Kind::None);
  EXPECT_EQ(call.header("grpc-status"), "12");
}

TEST_F(Http2Client, SkipsInterimHeads) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  answer(1, {{":status", "103"}, {"link", "</a>"}});
  answer(1, {{":status", "200"}, {"x-a", "b"}}, true);
  ASSERT_TRUE(outcome(call));
  EXPECT_EQ(call.response.status, 200);
  EXPECT_EQ(call.header("link"), "(none)");
}

TEST_F(Http2Client, GivesUpAnUpstreamThatSendsOnlyInterimHeads) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  for (int i = 0; i < 20; ++i) answer(1, {{":status", "103"}});
  Result<> done = outcome(call);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Invalid);
  EXPECT_EQ(done.error().blame, Blame::Upstream);
}

TEST_F(Http2Client, SaysThatARefusedRequestMayBeSentElsewhere) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  upstream->write(TestClient::frame(NGHTTP2_RST_STREAM, 0, 1, {"\0\0\0\x07", 4}));
  EXPECT_FALSE(outcome(call));
  EXPECT_TRUE(call.exchange->was_refused());
  EXPECT_FALSE(call.exchange->received_anything());
}

TEST_F(Http2Client, TellsWhatGoawayLeftOutFromWhatGoesOn) {
  {
    Call first(*this);
    Call second(*this);
    first.send();
    second.send();
    ASSERT_TRUE(asked(3));
    upstream->write(TestClient::frame(NGHTTP2_GOAWAY, 0, 0, {"\0\0\0\1\0\0\0\0", 8}));
    EXPECT_FALSE(outcome(second));
    EXPECT_TRUE(second.exchange->was_refused());
    EXPECT_FALSE(connection->takes_streams());
    answer(1, {{":status", "200"}}, true);
    EXPECT_TRUE(outcome(first));
    EXPECT_FALSE(first.exchange->was_refused());
  }
  EXPECT_TRUE(until([&] { return connection->is_over(); }));
  EXPECT_GT(over, 0);
}

TEST_F(Http2Client, BuffersNoMoreThanOneWindowForASlowReader) {
  Call slow(*this);
  Call quick(*this);
  slow.send();
  quick.send();
  ASSERT_TRUE(asked(3));
  answer(1);
  const std::string piece(16'384, 'x');
  for (int i = 0; i < ClientConnection::kStreamWindow / 16'384; ++i) {
    upstream->data(1, piece, false);
    settle();
  }
  EXPECT_EQ(slow.exchange->unread(), static_cast<std::size_t>(ClientConnection::kStreamWindow));
  EXPECT_EQ(upstream->find(NGHTTP2_WINDOW_UPDATE, 1), nullptr);
  answer(3);
  upstream->data(3, "not held up", true);
  ASSERT_TRUE(outcome(quick));
  EXPECT_EQ(slurp(quick), "not held up");
  ASSERT_TRUE(outcome(slow));
  EXPECT_EQ(rt::run(reactor, slow.exchange->body()->read())->bytes.size(),
            static_cast<std::size_t>(ClientConnection::kStreamWindow));
  Task<Result<Chunk>> more = slow.exchange->body()->read();
  more.start();
  EXPECT_TRUE(until([&] { return upstream->find(NGHTTP2_WINDOW_UPDATE, 1) != nullptr; }));
  more.reset();
}

TEST_F(Http2Client, LetsTheUpstreamSendFurtherAheadOfAReaderThatKeepsUp) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  answer(1);
  ASSERT_TRUE(outcome(call));
  Task<Result<Chunk>> reading = call.exchange->body()->read();
  reading.start();
  constexpr int kPieces = 4 * ClientConnection::kStreamWindow / 16'384;
  for (int i = 0; i < kPieces; ++i) {
    upstream->data(1, std::string(16'384, 'x'), false);
    ASSERT_TRUE(until([&] { return reading.ready(); }));
    ASSERT_TRUE(reading.take());
    reading = call.exchange->body()->read();
    reading.start();
  }
  settle();
  std::int64_t may_send = ClientConnection::kStreamWindow - std::int64_t{kPieces} * 16'384;
  for (const WireFrame& frame : upstream->frames) {
    if (frame.type == NGHTTP2_WINDOW_UPDATE && frame.stream == 1) may_send += frame.number(0);
  }
  EXPECT_GE(may_send, 2 * ClientConnection::kStreamWindow);
  EXPECT_LE(may_send, ClientConnection::kLargestStreamWindow);
}

TEST_F(Http2Client, LendsItsStreamsNoMoreMemoryThanThereIs) {
  EXPECT_TRUE(connection->lend(ClientConnection::kMostLent));
  EXPECT_FALSE(connection->lend(1));
  connection->give_back(ClientConnection::kMostLent);
  EXPECT_TRUE(connection->lend(1));
}

TEST_F(Http2Client, SendsNoMoreThanTheUpstreamTakes) {
  connect(setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10));
  settle();
  Call call(*this);
  call.request.method = "POST";
  call.send(true);
  ASSERT_TRUE(asked(1));
  call.content.feed("0123456789abcdef", true);
  settle();
  EXPECT_EQ(upstream->content(1), "0123456789");
  EXPECT_FALSE(call.sending.ready());
  upstream->write(TestClient::frame(NGHTTP2_WINDOW_UPDATE, 0, 1, {"\0\0\0\x64", 4}));
  ASSERT_TRUE(until([&] { return call.sending.ready(); }));
  EXPECT_EQ(upstream->content(1), "0123456789abcdef");
}

TEST_F(Http2Client, CancelsWhatNobodyWaitsForAnyMore) {
  {
    Call call(*this);
    call.send();
    ASSERT_TRUE(asked(1));
  }
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  EXPECT_TRUE(connection->takes_streams());
}

TEST_F(Http2Client, CancelsARequestWhoseContentBreaks) {
  Call call(*this);
  call.request.framing = {Framing::Kind::Length, 5};
  call.sending = call.exchange->send(call.request, &call.content);
  call.sending.start();
  call.content.feed("too long", true);
  EXPECT_EQ(reset_of(1), static_cast<std::uint32_t>(NGHTTP2_CANCEL));
  Result<> sent = call.sending.take();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().blame, Blame::Client);
}

TEST_F(Http2Client, TakesNoMoreStreamsThanTheUpstreamAllows) {
  connect(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1));
  settle();
  EXPECT_TRUE(connection->takes_streams());
  Call call(*this);
  call.send();
  EXPECT_FALSE(connection->takes_streams());
}

TEST_F(Http2Client, EndsOneStreamForAMalformedHead) {
  Call bad(*this);
  Call good(*this);
  bad.send();
  good.send();
  ASSERT_TRUE(asked(3));
  answer(1, {{":status", "200"}, {"x-bad", " padded"}}, true);
  Result<> done = outcome(bad);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().blame, Blame::Upstream);
  answer(3, {{":status", "200"}}, true);
  EXPECT_TRUE(outcome(good));
}

TEST_F(Http2Client, EndsTheConnectionForAPush) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  upstream->write(TestClient::frame(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1,
                                    std::string("\0\0\0\2", 4) + TestClient::block(TestClient::get())));
  EXPECT_FALSE(outcome(call));
  EXPECT_TRUE(until([&] { return upstream->find(NGHTTP2_GOAWAY) != nullptr; }));
  EXPECT_FALSE(connection->takes_streams());
}

TEST_F(Http2Client, EndsTheConnectionForAFloodOfSettings) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  for (int i = 0; i < 200; ++i) upstream->write(TestClient::frame(NGHTTP2_SETTINGS, 0, 0, {}));
  EXPECT_FALSE(outcome(call));
  EXPECT_TRUE(until([&] { return upstream->find(NGHTTP2_GOAWAY) != nullptr; }));
  EXPECT_EQ(upstream->find(NGHTTP2_GOAWAY)->error(), static_cast<std::uint32_t>(NGHTTP2_ENHANCE_YOUR_CALM));
}

TEST_F(Http2Client, LetsAnUpstreamEndManyStreamsEarly) {
  for (int i = 0; i < 500; ++i) {
    Call call(*this);
    const auto stream = static_cast<std::uint32_t>(2 * i + 1);
    call.send(true);
    ASSERT_TRUE(asked(stream));
    answer(stream, {{":status", "200"}}, true);
    upstream->write(TestClient::frame(NGHTTP2_RST_STREAM, 0, stream, {"\0\0\0\0", 4}));
    ASSERT_TRUE(outcome(call)) << i;
    upstream->frames.clear();
  }
  EXPECT_TRUE(connection->takes_streams());
}

TEST_F(Http2Client, TellsEveryStreamThatTheConnectionHasGone) {
  Call begun(*this);
  Call waiting(*this);
  begun.send();
  waiting.send();
  ASSERT_TRUE(asked(3));
  answer(1);
  upstream->data(1, "half", false);
  ASSERT_TRUE(outcome(begun));
  upstream->close();
  rt::turn_until(reactor, [&] { return waiting.receiving.ready(); });
  Result<> done = waiting.receiving.take();
  ASSERT_FALSE(done);
  EXPECT_FALSE(waiting.exchange->was_refused());  // it may have been carried out
  EXPECT_FALSE(slurp(begun));
}

TEST_F(Http2Client, StopsWaitingAtTheDeadline) {
  Call call(*this, reactor.after_ms(500));
  call.send();
  ASSERT_TRUE(asked(1));
  clock->advance_ms(600);
  Result<> done = outcome(call);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::Timeout);
  EXPECT_TRUE(connection->takes_streams());
}

TEST_F(Http2Client, StopsReadingContentAtTheDeadline) {
  Call call(*this, reactor.after_ms(500));
  call.send();
  ASSERT_TRUE(asked(1));
  answer(1);
  ASSERT_TRUE(outcome(call));
  Task<Result<Chunk>> reading = call.exchange->body()->read();
  reading.start();
  clock->advance_ms(600);
  rt::turn_until(reactor, [&] { return reading.ready(); });
  EXPECT_EQ(reading.take().error().code, Errc::Timeout);
}

TEST_F(Http2Client, AsksASilentUpstreamWhetherItIsThere) {
  Call call(*this);
  call.send();
  ASSERT_TRUE(asked(1));
  clock->advance_ms(1'500);  // the request has waited for long enough
  EXPECT_FALSE(outcome(call));
  ASSERT_TRUE(until([&] { return upstream->find(NGHTTP2_PING) != nullptr; }));
  EXPECT_FALSE(connection->takes_streams());
  upstream->write(TestClient::frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string(8, '\0')));
  EXPECT_TRUE(until([&] { return connection->takes_streams(); }));
}

TEST_F(Http2Client, GivesUpAConnectionOnWhichNobodyAnswers) {
  {
    Call call(*this);
    call.send();
    ASSERT_TRUE(asked(1));
    clock->advance_ms(1'500);
    EXPECT_FALSE(outcome(call));
  }
  clock->advance_ms(15'000);
  EXPECT_TRUE(until([&] { return upstream->closed; }));
  EXPECT_FALSE(connection->takes_streams());
}

TEST_F(Http2Client, ClosesAConnectionThatWasIdleForTooLong) {
  settle();
  clock->advance_ms(61'000);
  ASSERT_TRUE(until([&] { return upstream->closed; }));
  EXPECT_NE(upstream->find(NGHTTP2_GOAWAY), nullptr);
  EXPECT_TRUE(until([&] { return connection->is_over(); }));
}

}  // namespace
}  // namespace sluice::http::h2
