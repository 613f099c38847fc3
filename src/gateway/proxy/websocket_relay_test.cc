// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/websocket_relay.h"

#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/socket_fixture.h"
#include "http/websocket/test_frames.h"

namespace sluice::gateway {
namespace {

using http::Peer;
using http::websocket::client_frame;
using http::websocket::close_payload;
using http::websocket::Message;
using http::websocket::Opcode;
using http::websocket::server_frame;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class TestInspector final : public FrameInspector {
 public:
  Task<FrameVerdict> inspect(Frame& frame) override { return judge(frame); }
  std::function<FrameVerdict(Frame&)> judge = [](Frame&) { return FrameVerdict(Next{}); };
};

/// A relay between two sets of octets: `client` and `upstream` are what either end says and hears.
class WebSocketRelayTest : public ::testing::Test {
 protected:
  void begin(FrameLimits limits = {}, RelayTimes times = {.idle_ms = 5'000, .send_ms = 5'000, .close_ms = 300}) {
    connect(near_client, client);
    connect(near_upstream, upstream);
    relay = std::make_unique<WebSocketRelay>(RelayEnd{near_client}, RelayEnd{near_upstream}, limits, times, inspector);
    running = relay->run();
    running.start();
  }
  void connect(net::Stream& stream, std::unique_ptr<Peer>& peer) {
    const auto [near, far] = http::local_pair();
    stream.attach(reactor, near);
    peer = std::make_unique<Peer>(reactor, far);
  }
  void finish() {
    rt::turn_until(reactor, [this] { return running.ready(); });
    near_client.close();
    near_upstream.close();
  }
  /// The frames of a client are masked with a key that is not ours to choose: what they say, unmasked.
  std::string heard_upstream(std::size_t frames) {
    std::string said;
    upstream->hear_until([&](const std::string& octets) {
      said.clear();
      std::size_t count = 0;
      for (std::string_view rest = octets; !rest.empty();) {
        http::websocket::FrameHeader header;
        const auto outcome = parse_header(rest, http::websocket::Role::Server, header);
        if (!outcome.complete() || rest.size() - outcome.consumed < header.length) break;
        std::string payload(rest.substr(outcome.consumed, header.length));
        http::websocket::mask(payload, header.key, 0);
        said += client_frame(header.opcode, payload);
        rest.remove_prefix(outcome.consumed + header.length);
        ++count;
      }
      return count >= frames;
    });
    return said;
  }

  rt::Reactor reactor;
  TestInspector inspector;
  net::Stream near_client, near_upstream;
  std::unique_ptr<Peer> client, upstream;
  std::unique_ptr<WebSocketRelay> relay;
  Task<void> running = Task<void>::done();
};

TEST_F(WebSocketRelayTest, CarriesMessagesAndControlFramesBothWays) {
  begin();
  client->say(client_frame(Opcode::Text, "Hel", false) + client_frame(Opcode::Ping, "p") +
              client_frame(Opcode::Continuation, "lo"));
  EXPECT_EQ(heard_upstream(2), client_frame(Opcode::Ping, "p") + client_frame(Opcode::Text, "Hello"));
  upstream->say(server_frame(Opcode::Pong, "p") + server_frame(Opcode::Binary, "back"));
  EXPECT_EQ(client->hear("back"), server_frame(Opcode::Pong, "p") + server_frame(Opcode::Binary, "back"));
}

TEST_F(WebSocketRelayTest, PassesACloseOnAndItsAnswerBack) {
  begin();
  client->say(client_frame(Opcode::Close, close_payload(4000, "enough")));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, close_payload(4000, "enough")));
  EXPECT_EQ(client->heard(), "");
  upstream->say(server_frame(Opcode::Close, close_payload(4001, "fine")));
  upstream->end();
  EXPECT_EQ(client->hear_end(), server_frame(Opcode::Close, close_payload(4001, "fine")));
  finish();
}

TEST_F(WebSocketRelayTest, PassesACloseOfTheUpstreamOn) {
  begin();
  upstream->say(server_frame(Opcode::Text, "last") + server_frame(Opcode::Close, ""));
  EXPECT_EQ(client->hear(std::string("\x88\x00", 2)),
            server_frame(Opcode::Text, "last") + server_frame(Opcode::Close, ""));
  client->say(client_frame(Opcode::Close, ""));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, ""));
  upstream->end();
  client->hear_end();
  finish();
}

TEST_F(WebSocketRelayTest, WaitsOnlySoLongForTheAnswerToAClose) {
  begin();
  client->say(client_frame(Opcode::Close, close_payload(1000)));
  EXPECT_EQ(client->hear_end(), server_frame(Opcode::Close, close_payload(1001)));
  finish();
}

TEST_F(WebSocketRelayTest, TellsTheClientThatTheUpstreamVanished) {
  begin();
  upstream->hang_up();
  EXPECT_EQ(client->hear(close_payload(1011)), server_frame(Opcode::Close, close_payload(1011)));
  client->say(client_frame(Opcode::Close, close_payload(1011)));
  finish();
}

TEST_F(WebSocketRelayTest, TellsTheUpstreamThatTheClientVanished) {
  begin();
  client->say(client_frame(Opcode::Text, "last"));
  client->hang_up();
  EXPECT_EQ(heard_upstream(2), client_frame(Opcode::Text, "last") + client_frame(Opcode::Close, close_payload(1001)));
  upstream->hang_up();
  finish();
}

TEST_F(WebSocketRelayTest, RefusesALargeMessageAtItsHeader) {
  begin({.from_client = 1024, .from_upstream = 10});
  client->say(client_frame(Opcode::Text, std::string(1024, 'x')) +
              client_frame(Opcode::Text, std::string(1025, 'x')).substr(0, 10));
  EXPECT_EQ(client->hear("Large"), server_frame(Opcode::Close, close_payload(1009, "Payload Too Large")));
  EXPECT_EQ(heard_upstream(2),
            client_frame(Opcode::Text, std::string(1024, 'x')) + client_frame(Opcode::Close, close_payload(1001)));
  finish();
}

TEST_F(WebSocketRelayTest, CountsFragmentsTogetherAndLeavesControlFramesAlone) {
  begin({.from_client = 1024, .from_upstream = 10});
  upstream->say(server_frame(Opcode::Ping, std::string(125, 'p')) + server_frame(Opcode::Text, "12345", false) +
                server_frame(Opcode::Continuation, "67890", false) + server_frame(Opcode::Continuation, "1"));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, close_payload(1009, "Payload Too Large")));
  EXPECT_EQ(client->hear(close_payload(1001)),
            server_frame(Opcode::Ping, std::string(125, 'p')) + server_frame(Opcode::Close, close_payload(1001)));
  finish();
}

TEST_F(WebSocketRelayTest, ClosesWhenAFrameIsRefused) {
  inspector.judge = [](Frame& frame) -> FrameVerdict {
    if (frame.from == FrameSource::Client && frame.message.payload == "bad")
      return FrameRefusal{.code = 1007, .reason = "no", .peer_code = 1001, .peer_reason = "sorry"};
    return Next{};
  };
  begin();
  upstream->say(server_frame(Opcode::Text, "bad"));
  client->hear("bad");
  client->forget();
  client->say(client_frame(Opcode::Text, "bad") + client_frame(Opcode::Text, "unseen"));
  EXPECT_EQ(client->hear("no"), server_frame(Opcode::Close, close_payload(1007, "no")));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, close_payload(1001, "sorry")));
  finish();
}

TEST_F(WebSocketRelayTest, LetsAFrameBeChanged) {
  inspector.judge = [](Frame& frame) -> FrameVerdict {
    frame.message.payload += "!";
    return Next{};
  };
  begin();
  upstream->say(server_frame(Opcode::Text, "hello"));
  EXPECT_EQ(client->hear("!"), server_frame(Opcode::Text, "hello!"));
}

TEST_F(WebSocketRelayTest, TellsBothEndsOfABrokenProtocol) {
  begin();
  client->say(server_frame(Opcode::Text, "unmasked"));
  EXPECT_THAT(client->hear("mask"), HasSubstr(close_payload(1002)));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, close_payload(1001)));
  finish();
}

TEST_F(WebSocketRelayTest, EndsWhenNothingIsReceivedFromEitherEnd) {
  begin({}, {.idle_ms = 200, .send_ms = 1'000, .close_ms = 100});
  for (int i = 0; i < 4; ++i) {  // one end alone keeps it alive
    rt::run(reactor, [](rt::Reactor& on) -> Task<void> { co_await rt::Sleep(on, on.after_ms(100)); }(reactor));
    upstream->say(server_frame(Opcode::Ping, "alive"));
  }
  EXPECT_FALSE(running.ready());
  EXPECT_THAT(client->hear(close_payload(1001)), EndsWith(server_frame(Opcode::Close, close_payload(1001))));
  EXPECT_EQ(heard_upstream(1), client_frame(Opcode::Close, close_payload(1001)));
  finish();
}

}  // namespace
}  // namespace sluice::gateway
