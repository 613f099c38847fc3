// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/connection.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/socket_fixture.h"
#include "http/websocket/test_frames.h"

namespace sluice::http::websocket {
namespace {

using testing::HasSubstr;

static_assert(sizeof(Connection) < 1024, "ten thousand of them sit on one control plane");

/// A connection under test as `role`, and the octets at its far end.
class WebSocketConnection : public testing::Test {
 protected:
  struct Ends {
    Ends(rt::Reactor& reactor, Role role, Limits limits, std::pair<int, int> fds, std::string early = {})
        : stream(attached(reactor, fds.first)),
          peer(reactor, fds.second),
          connection(*stream, role, limits, std::move(early)) {}
    static std::unique_ptr<net::Stream> attached(rt::Reactor& reactor, int fd) {
      auto made = std::make_unique<net::Stream>();
      made->attach(reactor, fd);
      return made;
    }
    std::unique_ptr<net::Stream> stream;
    Peer peer;
    Connection connection;
  };

  Ends& open(Role role, Limits limits = {}, int buffer = 0, std::string early = {}) {
    ends = std::make_unique<Ends>(reactor, role, limits, local_pair(buffer), std::move(early));
    return *ends;
  }
  rt::Deadline soon() { return reactor.after_ms(5'000); }
  Result<Message> receive(Connection& connection) { return rt::run(reactor, connection.receive(soon())); }
  Result<> send(Connection& connection, Message::Kind kind, std::string_view payload) {
    return rt::run(reactor, connection.send(kind, payload, soon()));
  }

  rt::Reactor reactor;
  std::unique_ptr<Ends> ends;
};

TEST_F(WebSocketConnection, MessagesAtHandAreBornReady) {
  Ends& server = open(Role::Server, {}, 0, client_frame(Opcode::Text, "one") + client_frame(Opcode::Binary, "two"));
  Task<Result<Message>> first = server.connection.receive(soon());
  ASSERT_TRUE(first.ready());
  const Message message = first.take().value();
  EXPECT_EQ(message.kind, Message::Kind::Text);
  EXPECT_EQ(message.payload, "one");
  EXPECT_EQ(receive(server.connection)->payload, "two");
}

TEST_F(WebSocketConnection, ReportsPingsUnlessToldToAnswerThem) {
  Ends& server = open(Role::Server);
  server.peer.say(client_frame(Opcode::Ping, "hash"));
  const Result<Message> ping = receive(server.connection);
  ASSERT_TRUE(ping);
  EXPECT_EQ(ping->kind, Message::Kind::Ping);
  EXPECT_EQ(ping->payload, "hash");
  ASSERT_TRUE(send(server.connection, Message::Kind::Pong, "hash"));
  EXPECT_EQ(server.peer.hear("hash"), server_frame(Opcode::Pong, "hash"));
}

TEST_F(WebSocketConnection, ATimeoutLosesNothing) {
  Ends& server = open(Role::Server);
  const std::string frame = client_frame(Opcode::Text, "a text of some length");
  server.peer.say(frame.substr(0, 9));
  const Result<Message> late = rt::run(reactor, server.connection.receive(reactor.after_ms(20)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::Timeout);
  server.peer.say(frame.substr(9));
  EXPECT_EQ(receive(server.connection)->payload, "a text of some length");
}

TEST_F(WebSocketConnection, ACancelledReceiveLosesNothing) {
  Ends& server = open(Role::Server);
  const std::string frame = client_frame(Opcode::Text, "a text of some length");
  {
    Task<Result<Message>> dropped = server.connection.receive(soon());
    dropped.start();
    server.peer.say(frame.substr(0, 9));
    server.peer.settle();
    ASSERT_FALSE(dropped.ready());
  }
  server.peer.say(frame.substr(9));
  EXPECT_EQ(receive(server.connection)->payload, "a text of some length");
}

TEST_F(WebSocketConnection, TheEndOfTheStreamIsClosed) {
  Ends& server = open(Role::Server);
  server.peer.say(client_frame(Opcode::Text, "last"));
  server.peer.hang_up();
  EXPECT_EQ(receive(server.connection)->payload, "last");
  const Result<Message> end = receive(server.connection);
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::Closed);
  EXPECT_EQ(end.error().blame, Blame::Client);
  EXPECT_EQ(receive(server.connection).error().code, Errc::Closed);
}

TEST_F(WebSocketConnection, RefusesAMessageByItsAnnouncedLength) {
  Ends& server = open(Role::Server, {.max_message = 1000});
  server.peer.say(octets_of({.opcode = Opcode::Binary, .payload = std::string(1001, 'x')}).substr(0, 8));
  const Result<Message> refused = receive(server.connection);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::TooLarge);
  EXPECT_THAT(server.peer.hear("Large"), HasSubstr(close_payload(1009)));
  EXPECT_EQ(server.connection.sent_code(), 1009);
}

TEST_F(WebSocketConnection, RefusesFragmentsThatAreTooMuchTogether) {
  Ends& server = open(Role::Server, {.max_message = 1000});
  const std::string part(500, 'x');
  server.peer.say(client_frame(Opcode::Text, part, false) + client_frame(Opcode::Continuation, part, false) +
                  client_frame(Opcode::Continuation, "y"));
  EXPECT_EQ(receive(server.connection).error().code, Errc::TooLarge);
}

TEST_F(WebSocketConnection, SaysWhatThePeerDidWrong) {
  Ends& server = open(Role::Server);
  server.peer.say(server_frame(Opcode::Text, "unmasked"));
  const Result<Message> refused = receive(server.connection);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::Invalid);
  EXPECT_THAT(refused.error().what, HasSubstr("without a mask (1002)"));
  EXPECT_EQ(receive(server.connection).error().code, Errc::Closed);
  EXPECT_EQ(send(server.connection, Message::Kind::Text, "more").error().code, Errc::Closed);
}

TEST_F(WebSocketConnection, AClientMasksAndAServerDoesNot) {
  Ends& client = open(Role::Client);
  ASSERT_TRUE(send(client.connection, Message::Kind::Text, "Hello"));
  std::string heard = client.peer.hear_until([](const std::string& octets) { return octets.size() >= 11; });
  FrameHeader header;
  const HeaderOutcome outcome = parse_header(heard, Role::Server, header);
  ASSERT_TRUE(outcome.complete());
  heard.erase(0, outcome.consumed);
  mask(heard, header.key, 0);
  EXPECT_EQ(heard, "Hello");

  Ends& server = open(Role::Server);
  ASSERT_TRUE(send(server.connection, Message::Kind::Text, "Hello"));
  EXPECT_EQ(server.peer.hear("Hello"), server_frame(Opcode::Text, "Hello"));
}

TEST_F(WebSocketConnection, AControlFrameMustBeShort) {
  Ends& server = open(Role::Server);
  EXPECT_EQ(send(server.connection, Message::Kind::Ping, std::string(126, 'x')).error().code, Errc::TooLarge);
  EXPECT_TRUE(send(server.connection, Message::Kind::Ping, std::string(125, 'x')));
}

/// Two connections, one to the other.
struct Pair {
  explicit Pair(rt::Reactor& reactor, int buffer = 0) : ends(reactor, local_pair(buffer)) {}
  struct Ends {
    Ends(rt::Reactor& reactor, std::pair<int, int> fds) {
      near.attach(reactor, fds.first);
      far.attach(reactor, fds.second);
    }
    net::Stream near;
    net::Stream far;
  };
  Ends ends;
  Connection client{ends.near, Role::Client, {}};
  Connection server{ends.far, Role::Server, {}};
};

TEST_F(WebSocketConnection, FramesOfSeveralTasksLeaveWholeAndInOrder) {
  for (const bool from_client : {true, false}) {
    Pair pair(reactor, 16 * 1024);
    Connection& from = from_client ? pair.client : pair.server;
    Connection& to = from_client ? pair.server : pair.client;
    std::vector<std::string> texts;
    texts.reserve(8);
    for (std::size_t i = 0; i < 8; ++i) texts.emplace_back(i % 2 == 0 ? 200'000 : 10, static_cast<char>('a' + i));
    std::vector<Task<Result<>>> sending;
    for (const std::string& text : texts) {
      sending.push_back(from.send(Message::Kind::Binary, text, soon()));
      sending.back().start();
    }
    EXPECT_GT(from.queued(), 600'000U);
    for (const std::string& text : texts) EXPECT_EQ(receive(to)->payload, text);
    for (Task<Result<>>& task : sending) {
      rt::turn_until(reactor, [&] { return task.ready(); });
      EXPECT_TRUE(task.take());
    }
    EXPECT_EQ(from.queued(), 0U);
  }
}

TEST_F(WebSocketConnection, SendingToASlowPeerDoesNotKeepFromReceiving) {
  Ends& server = open(Role::Server, {}, 16 * 1024);
  const std::string large(1 << 20, 'x');
  Task<Result<>> sending = server.connection.send(Message::Kind::Binary, large, soon());
  sending.start();
  server.peer.say(client_frame(Opcode::Text, "meanwhile"));
  EXPECT_EQ(receive(server.connection)->payload, "meanwhile");
  EXPECT_FALSE(sending.ready());
  EXPECT_GT(server.connection.queued(), large.size() / 2);
  server.peer.hear_until([&](const std::string& heard) { return heard.size() > large.size(); });
  EXPECT_TRUE(rt::run(reactor, std::move(sending)));
}

TEST_F(WebSocketConnection, AnsweringPingsDoesNotKeepFromReceiving) {
  Ends& server = open(Role::Server, {.answer_pings = true}, 16 * 1024);
  const std::string large(1 << 20, 'x');
  Task<Result<>> sending = server.connection.send(Message::Kind::Binary, large, soon());
  sending.start();
  server.peer.say(client_frame(Opcode::Ping, "first") + client_frame(Opcode::Ping, "second") +
                  client_frame(Opcode::Ping, "third") + client_frame(Opcode::Text, "meanwhile"));
  EXPECT_EQ(receive(server.connection)->payload, "meanwhile");
  const std::string& heard = server.peer.hear("third");
  EXPECT_THAT(heard, HasSubstr(server_frame(Opcode::Pong, "third")));
  EXPECT_TRUE(rt::run(reactor, std::move(sending)));
}

TEST_F(WebSocketConnection, AfterClosingNothingUsesTheStream) {
  Ends& server = open(Role::Server, {.answer_pings = true}, 16 * 1024);
  const std::string large(1 << 20, 'x');
  {
    Task<Result<>> sending = server.connection.send(Message::Kind::Binary, large, soon());
    sending.start();
    server.peer.say(client_frame(Opcode::Ping, "unanswered") + client_frame(Opcode::Text, "meanwhile"));
    EXPECT_EQ(receive(server.connection)->payload, "meanwhile");
    EXPECT_FALSE(rt::run(reactor, server.connection.close(1000, {}, reactor.after_ms(20))));
  }
  server.stream->close();
  for (int i = 0; i < 3; ++i) reactor.run_once(1);
}

TEST_F(WebSocketConnection, AWaitingSendThatTimesOutSpoilsNothing) {
  Ends& server = open(Role::Server, {}, 16 * 1024);
  const std::string large(1 << 20, 'x');
  Task<Result<>> first = server.connection.send(Message::Kind::Binary, large, soon());
  first.start();
  const Result<> second = rt::run(reactor, server.connection.send(Message::Kind::Text, "late", reactor.after_ms(20)));
  EXPECT_EQ(second.error().code, Errc::Timeout);
  {
    Task<Result<>> cancelled = server.connection.send(Message::Kind::Text, "cancelled", soon());
    cancelled.start();
  }
  server.peer.hear_until([&](const std::string& heard) { return heard.size() > large.size(); });
  EXPECT_TRUE(rt::run(reactor, std::move(first)));
  ASSERT_TRUE(send(server.connection, Message::Kind::Text, "third"));
  EXPECT_EQ(server.peer.hear("third"), server_frame(Opcode::Binary, large) + server_frame(Opcode::Text, "third"));
}

TEST_F(WebSocketConnection, AFrameCutOffEndsSending) {
  Ends& server = open(Role::Server, {}, 16 * 1024);
  const std::string large(1 << 20, 'x');
  const Result<> late = rt::run(reactor, server.connection.send(Message::Kind::Binary, large, reactor.after_ms(20)));
  EXPECT_EQ(late.error().code, Errc::Timeout);
  EXPECT_EQ(send(server.connection, Message::Kind::Text, "more").error().code, Errc::Closed);
  EXPECT_EQ(server.connection.queued(), 0U);
}

TEST_F(WebSocketConnection, BothSidesCloseInOrder) {
  Pair pair(reactor);
  Task<Result<>> closing = pair.client.close(1001, "going away", soon());
  closing.start();
  const Result<Message> close = receive(pair.server);
  ASSERT_TRUE(close);
  EXPECT_EQ(close->kind, Message::Kind::Close);
  EXPECT_EQ(close->code, 1001);
  EXPECT_EQ(close->payload, "going away");
  EXPECT_TRUE(rt::run(reactor, pair.server.close(close->code, {}, soon())));
  EXPECT_TRUE(rt::run(reactor, std::move(closing)));
}

TEST_F(WebSocketConnection, ClosingDiscardsWhatStillComes) {
  Ends& server = open(Role::Server);
  server.peer.say(client_frame(Opcode::Text, "unread"));
  Task<Result<>> closing = server.connection.close(1000, {}, soon());
  closing.start();
  EXPECT_EQ(server.peer.hear(close_payload(1000)), server_frame(Opcode::Close, close_payload(1000)));
  server.peer.say(client_frame(Opcode::Text, "unread too") + client_frame(Opcode::Close, close_payload(1000)));
  EXPECT_TRUE(rt::run(reactor, std::move(closing)));
  server.peer.hear_end();
}

TEST_F(WebSocketConnection, ClosingWaitsForTheTaskThatReceives) {
  Ends& server = open(Role::Server);
  Task<Result<Message>> receiving = server.connection.receive(rt::Deadline::never());
  receiving.start();
  Task<Result<>> closing = server.connection.close(1000, {}, soon());
  closing.start();
  server.peer.hear(close_payload(1000));
  server.peer.say(client_frame(Opcode::Close, close_payload(1000)));
  EXPECT_TRUE(rt::run(reactor, std::move(closing)));
  ASSERT_TRUE(receiving.ready());
  EXPECT_EQ(receiving.take()->kind, Message::Kind::Close);
}

TEST_F(WebSocketConnection, ClosingIsBounded) {
  Ends& server = open(Role::Server);
  const Result<> closed = rt::run(reactor, server.connection.close(1000, "bye", reactor.after_ms(20)));
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Errc::Timeout);
  server.peer.hear_end();
}

TEST_F(WebSocketConnection, SendsNoCloseThatMayNotBeSent) {
  Ends& server = open(Role::Server);
  for (const std::uint16_t code : {std::uint16_t{0}, std::uint16_t{1006}, std::uint16_t{1015}, std::uint16_t{5000}})
    EXPECT_EQ(rt::run(reactor, server.connection.close(code, {}, soon())).error().code, Errc::Invalid) << code;
  EXPECT_EQ(rt::run(reactor, server.connection.send_close(1000, "\xff", soon())).error().code, Errc::Invalid);
  EXPECT_EQ(server.connection.sent_code(), 0);
  EXPECT_TRUE(rt::run(reactor, server.connection.send_close(kNoCode, {}, soon())));
  EXPECT_EQ(server.peer.hear("\x88"), std::string("\x88\x00", 2));
}

TEST_F(WebSocketConnection, TheBadPeerCanReadWhyBeforeTheEnd) {
  Ends& server = open(Role::Server);
  server.peer.say(client_frame(Opcode::Text, "\xff") + std::string(100'000, 'x'));
  EXPECT_EQ(receive(server.connection).error().code, Errc::Invalid);
  Task<Result<>> closing = server.connection.close(1000, {}, soon());
  closing.start();
  EXPECT_THAT(server.peer.hear_end(), HasSubstr(close_payload(1007)));
  EXPECT_FALSE(server.peer.was_reset());
  server.peer.hang_up();
  EXPECT_FALSE(rt::run(reactor, std::move(closing)));
}

TEST_F(WebSocketConnection, NotesWhenItLastHeard) {
  auto owned = std::make_unique<rt::ManualClock>();
  rt::ManualClock& clock = *owned;
  rt::Reactor timed(std::move(owned));
  Ends server(timed, Role::Server, {}, local_pair());
  const std::int64_t born = server.connection.last_received_ms();
  clock.advance_ms(500);
  server.peer.say(client_frame(Opcode::Pong, {}));
  ASSERT_TRUE(rt::run(timed, server.connection.receive(rt::Deadline::never())));
  EXPECT_EQ(server.connection.last_received_ms(), born + 500);
}

}  // namespace
}  // namespace sluice::http::websocket
