// SPDX-License-Identifier: Apache-2.0
#include "http/h1/body.h"

#include <string>

#include "http/socket_fixture.h"

namespace sluice::http::h1 {
namespace {

class IncomingBodyTest : public testing::Test {
 protected:
  explicit IncomingBodyTest(std::pair<int, int> fds = local_pair()) : peer(reactor, fds.second) {
    stream.attach(reactor, fds.first);
  }
  /// All that read() gives until the last chunk, or "error: ..." behind it.
  std::string read_all(IncomingBody& body) {
    std::string content;
    for (;;) {
      Result<Chunk> chunk = rt::run(reactor, body.read());
      if (!chunk) return content + "error: " + chunk.error().what;
      content += chunk->bytes;
      if (chunk->last) return content;
    }
  }
  IncomingBody::Sender sender{{1000}, Blame::Client};

  rt::Reactor reactor;
  Peer peer;
  Arena arena;
  net::Stream stream;
  InputBuffer input{reactor};
};

TEST_F(IncomingBodyTest, TakesAsManyOctetsAsAnnouncedAndLeavesTheRest) {
  peer.say("helloGET /");
  {
    IncomingBody body(stream, input, arena, sender);
    body.begin({Framing::Kind::Length, 5});
    EXPECT_EQ(body.remaining(), 5U);
    EXPECT_EQ(read_all(body), "hello");
    EXPECT_TRUE(body.complete());
    EXPECT_EQ(body.octets_read(), 5U);
  }
  EXPECT_EQ(input.pending(), "GET /");
}

TEST_F(IncomingBodyTest, IsCompleteAtOnceWithoutContent) {
  IncomingBody body(stream, input, arena, sender);
  body.begin({});
  EXPECT_TRUE(body.complete());
  EXPECT_EQ(read_all(body), "");
}

TEST_F(IncomingBodyTest, DecodesChunksAndKeepsTheTrailers) {
  {
    IncomingBody body(stream, input, arena, sender);
    body.begin({Framing::Kind::Chunked, 0});
    peer.say("5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n");
    EXPECT_EQ(body.trailers(), nullptr);
    EXPECT_EQ(read_all(body), "hello world");
    ASSERT_NE(body.trailers(), nullptr);
    EXPECT_EQ(body.trailers()->get("X-Sum"), "11");
  }
  EXPECT_TRUE(input.empty());
}

TEST_F(IncomingBodyTest, HandsOutAllChunksThatAreThereAtOnce) {
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Chunked, 0});
  peer.say("1\r\na\r\n2;x=y\r\nbc\r\n3\r\ndef\r\n0\r\n\r\nGET /");
  {
    const Result<Chunk> chunk = rt::run(reactor, body.read());
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->bytes, "abcdef");
    EXPECT_TRUE(chunk->last);
  }
  EXPECT_EQ(body.octets_read(), 6U);
  EXPECT_EQ(rt::run(reactor, body.read())->bytes, "");
  EXPECT_EQ(input.pending(), "GET /");
}

TEST_F(IncomingBodyTest, PutsChunksTogetherHoweverTheyAreCut) {
  const std::string sent = "5\r\nhello\r\n1;a=\"b\"\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 11\r\n\r\n";
  for (std::size_t cut = 1; cut + 1 < sent.size(); ++cut) {
    IncomingBody body(stream, input, arena, sender);
    body.begin({Framing::Kind::Chunked, 0});
    peer.say(sent.substr(0, cut));
    std::string content;
    auto reading = body.read();
    reading.start();
    for (bool last = false; !last;) {
      if (!reading.ready()) reactor.run_once(1);
      if (!reading.ready()) peer.say(sent.substr(cut));
      ASSERT_TRUE(rt::turn_until(reactor, [&] { return reading.ready(); }));
      Result<Chunk> chunk = reading.take();
      ASSERT_TRUE(chunk) << cut << chunk.error().what;
      content += chunk->bytes;
      last = chunk->last;
      if (last) break;
      reading = body.read();
      reading.start();
    }
    EXPECT_EQ(content, "hello world") << cut;
    ASSERT_NE(body.trailers(), nullptr);
  }
}

TEST_F(IncomingBodyTest, WaitsForWhatComesLater) {
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Length, 6});
  auto reading = body.read();
  reading.start();
  reactor.run_once(1);
  EXPECT_FALSE(reading.ready());
  peer.say("abc");
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return reading.ready(); }));
  EXPECT_EQ(reading.take()->bytes, "abc");
  peer.say("def");
  EXPECT_EQ(read_all(body), "def");
}

TEST_F(IncomingBodyTest, EndsWithTheConnectionWhereTheFramingSaysSo) {
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::UntilClose, 0});
  peer.say("all there is");
  peer.end();
  EXPECT_EQ(read_all(body), "all there is");
  EXPECT_TRUE(body.complete());
}

TEST_F(IncomingBodyTest, FailsWhenTheConnectionEndsTooEarly) {
  for (Framing framing : {Framing{Framing::Kind::Length, 10}, Framing{Framing::Kind::Chunked, 0}}) {
    auto [near, far] = local_pair();
    Peer cut_short(reactor, far);
    net::Stream from;
    from.attach(reactor, near);
    InputBuffer own(reactor);
    IncomingBody body(from, own, arena, sender);
    body.begin(framing);
    cut_short.say("5\r\nhello");
    cut_short.hang_up();
    EXPECT_TRUE(read_all(body).ends_with("error: connection closed in the middle of a message"));
    EXPECT_FALSE(body.complete());
  }
}

TEST_F(IncomingBodyTest, FailsOnMalformedChunks) {
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Chunked, 0});
  peer.say("5\r\nhello!\r\n");
  EXPECT_EQ(read_all(body), "helloerror: chunked content: no CRLF behind a chunk");
}

TEST_F(IncomingBodyTest, TimesOutBetweenReads) {
  IncomingBody body(stream, input, arena, {{20}, Blame::Upstream});
  body.begin({Framing::Kind::Length, 5});
  const Result<Chunk> chunk = rt::run(reactor, body.read());
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().code, Errc::Timeout);
  EXPECT_EQ(chunk.error().blame, Blame::Upstream);
}

// slowhttptest -B: each pause is short enough, and the whole would last for ever.
TEST_F(IncomingBodyTest, GivesUpOnASenderBelowTheLeastRate) {
  IncomingBody body(stream, input, arena, {{60, 10'000}, Blame::Client});
  body.begin({Framing::Kind::Length, 1000});
  int octets = 0;
  for (;;) {
    auto reading = body.read();
    reading.start();
    rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(20)); }(reactor));
    if (!reading.ready()) {
      peer.say("x");
      rt::turn_until(reactor, [&] { return reading.ready(); });
    }
    if (Result<Chunk> chunk = reading.take(); !chunk) {
      EXPECT_EQ(chunk.error().code, Errc::Timeout);
      break;
    }
    ASSERT_LT(++octets, 10);
  }
  EXPECT_GE(octets, 1);
}

TEST_F(IncomingBodyTest, KeepsItsPlaceWhenAnotherConnectionUsesTheBuffer) {
  peer.say("5\r\nhel");
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Chunked, 0});
  EXPECT_EQ(rt::run(reactor, body.read())->bytes, "hel");
  auto [near, far] = local_pair();
  Peer other_peer(reactor, far);
  net::Stream other;
  other.attach(reactor, near);
  InputBuffer other_input(reactor);
  other_peer.say("something else entirely");
  wait_for_input(reactor, other);
  EXPECT_TRUE(other_input.fill(other).moved());
  peer.say("lo\r\n0\r\n\r\n");
  EXPECT_EQ(read_all(body), "lo");
}

TEST_F(IncomingBodyTest, CanBeSplicedOnceMemoryIsEmpty) {
  peer.say("0123456789");
  wait_for_input(reactor, stream);
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Length, 100});
  ASSERT_TRUE(input.fill(stream).moved());
  EXPECT_FALSE(body.splice_source());
  EXPECT_EQ(rt::run(reactor, body.read())->bytes, "0123456789");
  auto source = body.splice_source();
  ASSERT_TRUE(source);
  EXPECT_EQ(source->length, 90U);
  body.spliced(90);
  EXPECT_TRUE(body.complete());
  EXPECT_EQ(body.octets_read(), 100U);
}

class CountedWait final : public IncomingBody::FirstWait {
 public:
  Task<Result<>> before_first_wait() override {
    ++calls;
    return Result<>{};
  }
  int calls = 0;
};

TEST_F(IncomingBodyTest, TellsBeforeItsFirstWaitOnly) {
  CountedWait listener;
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Length, 4});
  body.on_first_wait(&listener);
  auto first = body.read();
  first.start();
  EXPECT_EQ(listener.calls, 1);
  peer.say("ab");
  rt::turn_until(reactor, [&] { return first.ready(); });
  first.take();
  auto second = body.read();
  second.start();
  EXPECT_EQ(listener.calls, 1);
  peer.say("cd");
  rt::turn_until(reactor, [&] { return second.ready(); });
  EXPECT_TRUE(second.take()->last);
}

TEST_F(IncomingBodyTest, DoesNotTellWhenItNeedNotWait) {
  peer.say("ab");
  wait_for_input(reactor, stream);
  CountedWait listener;
  IncomingBody body(stream, input, arena, sender);
  body.begin({Framing::Kind::Length, 2});
  body.on_first_wait(&listener);
  EXPECT_EQ(read_all(body), "ab");
  EXPECT_EQ(listener.calls, 0);
}

}  // namespace
}  // namespace sluice::http::h1
