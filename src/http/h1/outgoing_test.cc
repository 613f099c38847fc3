// SPDX-License-Identifier: Apache-2.0
#include "http/h1/outgoing.h"

#include <algorithm>
#include <string>
#include <vector>

#include "http/h1/body.h"
#include "http/socket_fixture.h"

namespace sluice::http::h1 {
namespace {

/// Gives its pieces one by one, then an error if there is one.
class Pieces final : public BodyReader {
 public:
  explicit Pieces(std::vector<std::string> pieces, bool breaks = false) : pieces_(std::move(pieces)), breaks_(breaks) {}
  Task<Result<Chunk>> read() override {
    if (next_ == pieces_.size()) return Result<Chunk>(fail(Errc::Closed, "broken off", Blame::Upstream));
    const std::string& piece = pieces_[next_++];
    return Result<Chunk>(Chunk{piece, next_ == pieces_.size() && !breaks_});
  }

 private:
  std::vector<std::string> pieces_;
  bool breaks_;
  std::size_t next_ = 0;
};

class OutgoingTest : public testing::Test {
 protected:
  /// A connection whose far end is `Peer`.
  struct Line {
    Line(rt::Reactor& shared, std::pair<int, int> fds) : peer(shared, fds.second) { stream.attach(shared, fds.first); }
    net::Stream stream;
    Peer peer;
  };
  Task<Result<>> send(Outgoing& outgoing, std::string_view head, BodyReader* body, Framing framing) {
    head.copy(reactor.output(), head.size());
    return outgoing.send({reactor.output(), head.size()}, body, framing);
  }
  static std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 31 + i / 977) % 26);
    return text;
  }
  /// What `far` has heard once the task is done, reading all the while.
  std::string drain(Task<Result<>>& sending, Peer& far, std::size_t expected) {
    sending.start();
    far.hear_until([&](const std::string& heard) { return heard.size() >= expected && sending.ready(); });
    EXPECT_TRUE(sending.take().has_value());
    return far.heard();
  }
  rt::Reactor reactor;
};

TEST_F(OutgoingTest, SendsHeadAndSmallContentAtOnce) {
  Line line(reactor, local_pair());
  Outgoing outgoing{line.stream, 1000, Blame::Client};
  MemoryBody body("hello");
  auto sending = send(outgoing, "HEAD\r\n\r\n", &body, {Framing::Kind::Length, 5});
  ASSERT_TRUE(sending.ready());
  EXPECT_TRUE(sending.take().has_value());
  EXPECT_EQ(outgoing.sent, 13U);
  EXPECT_EQ(line.peer.hear("hello"), "HEAD\r\n\r\nhello");
}

TEST_F(OutgoingTest, SendsTheHeadAloneWithoutContent) {
  Line line(reactor, local_pair());
  Outgoing outgoing{line.stream, 1000, Blame::Client};
  MemoryBody body("not to be sent");
  EXPECT_TRUE(send(outgoing, "HEAD", &body, {}).take().has_value());
  line.peer.settle();
  EXPECT_EQ(line.peer.heard(), "HEAD");
}

TEST_F(OutgoingTest, FramesPiecesAsChunks) {
  Line line(reactor, local_pair());
  Outgoing outgoing{line.stream, 1000, Blame::Client};
  Pieces body({"hello", "", "0123456789abcdef", ""});
  EXPECT_TRUE(rt::run(reactor, send(outgoing, "H", &body, {Framing::Kind::Chunked, 0})).has_value());
  EXPECT_EQ(line.peer.hear("0\r\n\r\n"), "H5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

// All that can go into one system call goes there; h2spec's POST with trailers once found one part too few.
TEST_F(OutgoingTest, SendsHeadChunkAndTrailersAtOnce) {
  struct WithTrailers final : BodyReader {
    explicit WithTrailers(Arena& arena) : fields(arena) { fields.add("X-Sum", "42"); }
    Task<Result<Chunk>> read() override { return Result<Chunk>(Chunk{"hello", true}); }
    [[nodiscard]] const Headers* trailers() const override { return &fields; }
    Headers fields;
  };
  Line line(reactor, local_pair());
  Outgoing outgoing{line.stream, 1000, Blame::Client};
  Arena arena;
  WithTrailers body(arena);
  auto sending = send(outgoing, "HEAD\r\n\r\n", &body, {Framing::Kind::Chunked, 0});
  ASSERT_TRUE(sending.ready());
  EXPECT_TRUE(sending.take().has_value());
  EXPECT_EQ(line.peer.hear("42\r\n\r\n"), "HEAD\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
}

TEST_F(OutgoingTest, ResumesPartialWritesWithoutLosingAnOctet) {
  for (const Framing framing : {Framing{Framing::Kind::Length, 500'000}, Framing{Framing::Kind::Chunked, 0}}) {
    Line line(reactor, local_pair(4096));
    Outgoing outgoing{line.stream, 5000, Blame::Client};
    const std::string content = pattern(500'000);
    Pieces body({content.substr(0, 100'000), content.substr(100'000, 1), content.substr(100'001)});
    auto sending = send(outgoing, "HEAD", &body, framing);
    EXPECT_FALSE(sending.ready());
    if (framing.kind == Framing::Kind::Length) {
      EXPECT_EQ(drain(sending, line.peer, 500'004), "HEAD" + content);
    } else {
      const std::string expected = "HEAD186a0\r\n" + content.substr(0, 100'000) + "\r\n1\r\n" +
                                   content.substr(100'000, 1) + "\r\n61a7f\r\n" + content.substr(100'001) +
                                   "\r\n0\r\n\r\n";
      EXPECT_EQ(drain(sending, line.peer, expected.size()), expected);
    }
    EXPECT_EQ(outgoing.sent, line.peer.heard().size());
  }
}

TEST_F(OutgoingTest, HoldsContentBackUntilTheReceiverTakesIt) {
  Line line(reactor, local_pair(4096));
  Outgoing outgoing{line.stream, 5000, Blame::Client};
  std::vector<std::string> pieces(1000, std::string(10'000, 'x'));
  Pieces body(pieces);
  auto sending = send(outgoing, "H", &body, {Framing::Kind::Length, 10'000'000});
  sending.start();
  for (int i = 0; i < 20; ++i) reactor.run_once(1);
  EXPECT_FALSE(sending.ready());
  EXPECT_LT(outgoing.sent, 1'000'000U);
}

TEST_F(OutgoingTest, GivesUpOnAReceiverThatTakesNothing) {
  Line line(reactor, local_pair(4096));
  Outgoing outgoing{line.stream, 30, Blame::Client};
  const std::string content = pattern(1'000'000);
  MemoryBody body(content);
  const Result<> sent = rt::run(reactor, send(outgoing, "H", &body, {Framing::Kind::Length, content.size()}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::Timeout);
  EXPECT_EQ(sent.error().blame, Blame::Client);
}

TEST_F(OutgoingTest, PassesOnWhatTheSourceFailedWith) {
  Line line(reactor, local_pair());
  Outgoing outgoing{line.stream, 1000, Blame::Client};
  Pieces body({"some"}, true);
  const Result<> sent = rt::run(reactor, send(outgoing, "H", &body, {Framing::Kind::Chunked, 0}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().blame, Blame::Upstream);
  line.peer.settle();
  EXPECT_EQ(line.peer.heard(), "H4\r\nsome\r\n") << "no last chunk: the message must not look whole";
}

TEST_F(OutgoingTest, BlamesTheReceiverThatHasGone) {
  Line line(reactor, local_pair());
  line.peer.hang_up();
  Outgoing outgoing{line.stream, 1000, Blame::Upstream};
  const Result<> sent = rt::run(reactor, send(outgoing, "H", nullptr, {}));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().blame, Blame::Upstream);
}

/// Content that arrives on one connection and leaves on another, as in a proxy.
class RelayTest : public OutgoingTest {
 protected:
  std::string relay(Line& from, Line& to, const std::string& content, Framing framing) {
    Arena arena;
    InputBuffer input(reactor);
    IncomingBody body(from.stream, input, arena, {{5000}, Blame::Upstream});
    body.begin(framing);
    Outgoing outgoing{to.stream, 5000, Blame::Client};
    auto sending = send(outgoing, "HEAD", &body, {Framing::Kind::Length, content.size()});
    sending.start();
    std::string_view left = content;
    while (!left.empty()) {
      const std::size_t piece = std::min<std::size_t>(left.size(), 30'011);
      from.peer.say(left.substr(0, piece));
      left.remove_prefix(piece);
      to.peer.settle();
    }
    to.peer.hear_until([&](const std::string&) { return sending.ready(); });
    EXPECT_TRUE(sending.take().has_value());
    EXPECT_TRUE(body.complete());
    EXPECT_EQ(body.octets_read(), content.size());
    EXPECT_EQ(outgoing.sent, content.size() + 4);
    to.peer.hear_until([&](const std::string& heard) { return heard.size() >= content.size() + 4; });
    return to.peer.heard();
  }
};

TEST_F(RelayTest, SplicesLargeContentOverTcp) {
  Line from(reactor, tcp_pair());
  Line to(reactor, tcp_pair());
  const std::string content = pattern(1'500'000);
  EXPECT_EQ(relay(from, to, content, {Framing::Kind::Length, content.size()}), "HEAD" + content);
}

TEST_F(RelayTest, SplicesToASlowReceiver) {
  Line from(reactor, local_pair());
  Line to(reactor, local_pair(4096));
  const std::string content = pattern(300'000);
  EXPECT_EQ(relay(from, to, content, {Framing::Kind::Length, content.size()}), "HEAD" + content);
}

TEST_F(RelayTest, FailsWhenTheSourceEndsDuringASplice) {
  Line from(reactor, tcp_pair());
  Line to(reactor, tcp_pair());
  Arena arena;
  InputBuffer input(reactor);
  IncomingBody body(from.stream, input, arena, {{5000}, Blame::Upstream});
  body.begin({Framing::Kind::Length, 1'000'000});
  Outgoing outgoing{to.stream, 5000, Blame::Client};
  auto sending = send(outgoing, "HEAD", &body, {Framing::Kind::Length, 1'000'000});
  sending.start();
  from.peer.say(pattern(100'000));
  to.peer.hear_until([&](const std::string& heard) { return heard.size() == 100'004; });
  from.peer.hang_up();
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return sending.ready(); }));
  const Result<> sent = sending.take();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::Closed);
  EXPECT_EQ(sent.error().blame, Blame::Upstream);
}

// The sender's time-out is not the receiver's: each side has its own.
TEST_F(RelayTest, GivesUpOnASourceThatStandsStillDuringASplice) {
  Line from(reactor, tcp_pair());
  Line to(reactor, tcp_pair());
  Arena arena;
  InputBuffer input(reactor);
  IncomingBody body(from.stream, input, arena, {{30}, Blame::Upstream});
  body.begin({Framing::Kind::Length, 1'000'000});
  Outgoing outgoing{to.stream, 60'000, Blame::Client};
  auto sending = send(outgoing, "HEAD", &body, {Framing::Kind::Length, 1'000'000});
  sending.start();
  from.peer.say(pattern(100'000));
  to.peer.hear_until([&](const std::string& heard) { return heard.size() == 100'004; });
  ASSERT_TRUE(rt::turn_until(reactor, [&] { return sending.ready(); }));
  const Result<> sent = sending.take();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Errc::Timeout);
  EXPECT_EQ(sent.error().blame, Blame::Upstream);
}

TEST_F(RelayTest, HoldsASplicedSourceToTheLeastRate) {
  Line from(reactor, tcp_pair());
  Line to(reactor, tcp_pair());
  Arena arena;
  InputBuffer input(reactor);
  IncomingBody body(from.stream, input, arena, {{100, 1'000'000}, Blame::Client});
  body.begin({Framing::Kind::Length, 1'000'000});
  Outgoing outgoing{to.stream, 60'000, Blame::Upstream};
  auto sending = send(outgoing, "HEAD", &body, {Framing::Kind::Length, 1'000'000});
  sending.start();
  from.peer.say(pattern(100'000));  // pays for 100 ms
  std::size_t octets = 0;
  while (!sending.ready() && octets < 100) {
    rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(20)); }(reactor));
    from.peer.say("x");
    ++octets;
  }
  EXPECT_GE(octets, 5U);
  EXPECT_LT(octets, 50U);
  ASSERT_TRUE(sending.ready());
  EXPECT_EQ(sending.take().error().code, Errc::Timeout);
}

// What the receiver's slowness costs is not the sender's debt.
TEST_F(RelayTest, DoesNotCountTheReceiversTimeAgainstTheSender) {
  Line from(reactor, tcp_pair());
  Line to(reactor, local_pair(4096));
  Arena arena;
  InputBuffer input(reactor);
  IncomingBody body(from.stream, input, arena, {{100, 1'000'000'000}, Blame::Client});
  const std::string content = pattern(200'000);
  body.begin({Framing::Kind::Length, content.size()});
  Outgoing outgoing{to.stream, 60'000, Blame::Upstream};
  auto sending = send(outgoing, "HEAD", &body, {Framing::Kind::Length, content.size()});
  sending.start();
  from.peer.say(content);
  rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(250)); }(reactor));
  ASSERT_FALSE(sending.ready());
  to.peer.hear_until([&](const std::string&) { return sending.ready(); });
  EXPECT_TRUE(sending.take().has_value());
}

}  // namespace
}  // namespace sluice::http::h1
