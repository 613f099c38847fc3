// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/websocket_upgrade.h"

#include <optional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/config/plugin_check.h"
#include "gateway/plugin.h"
#include "gateway/proxy/received_fixture.h"
#include "http/h1/parser.h"

namespace sluice::gateway {
namespace {

constexpr std::string_view kHandshake =
    "GET /ws HTTP/1.1\r\nHost: example.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

class WebSocketUpgrade : public ::testing::Test {
 protected:
  /// What a route for `protocols` says to the request; 0: nothing.
  int checked(unsigned protocols, std::string_view request) {
    receive(request);
    RouteConfig route;
    route.RouteFacts::protocols = static_cast<std::uint16_t>(protocols);
    refusal = check_websocket(*ex, route);
    return refusal ? refusal->status : 0;
  }
  void receive(std::string_view request) {
    stream.emplace(reactor);
    text = request;
    const auto outcome = http::h1::parse_request(text, {}, stream->request());
    ASSERT_TRUE(outcome.complete()) << outcome.why;
    ex.emplace(reactor, stream->arena(), stream->request());
    ex->request.method = stream->request().method;
  }
  static std::string changed(std::string_view from, std::string_view to) {
    std::string request(kHandshake);
    return request.replace(request.find(from), from.size(), to);
  }

  rt::Reactor reactor;
  std::string text;
  std::optional<Received> stream;
  std::optional<Exchange> ex;
  std::optional<Reply> refusal;
};

TEST_F(WebSocketUpgrade, RoutesForWebSocketsTakeHandshakesOnly) {
  EXPECT_EQ(checked(kWsBit, kHandshake), 0);
  EXPECT_EQ(checked(kWsBit, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"), 426);
  EXPECT_EQ(checked(kWsBit, changed("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "")), 400);
  EXPECT_EQ(checked(kWsBit, changed("GET", "POST")), 400);
  EXPECT_EQ(checked(kWsBit, changed("HTTP/1.1", "HTTP/1.0")), 400);
  EXPECT_EQ(checked(kWsBit, changed("Version: 13", "Version: 8")), 426);
  EXPECT_THAT(refusal->headers, ::testing::Contains(::testing::Pair("Sec-WebSocket-Version", "13")));
  EXPECT_EQ(checked(kHttpBit, "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

TEST_F(WebSocketUpgrade, FramesAreWantedByHooksAndByLimits) {
  Plan plan;
  receive(kHandshake);
  note_wanted_frames(*ex, plan);
  EXPECT_FALSE(wants_frames(*ex));
  plan.hooks = kOnFrame;
  note_wanted_frames(*ex, plan);
  EXPECT_TRUE(wants_frames(*ex));

  receive(kHandshake);
  ex->slot<FrameLimits>();
  note_wanted_frames(*ex, Plan());
  EXPECT_TRUE(wants_frames(*ex));
}

TEST_F(WebSocketUpgrade, A101HasToAnswerTheKey) {
  receive(kHandshake);
  EXPECT_FALSE(answers_handshake(*ex));
  ex->response.headers.add("Sec-WebSocket-Accept", "c3BvaWxlZA==");
  EXPECT_FALSE(answers_handshake(*ex));
  ex->response.headers.set("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_TRUE(answers_handshake(*ex));
  ex->response.headers.add("Sec-WebSocket-Extensions", "permessage-deflate");
  EXPECT_TRUE(answers_handshake(*ex)) << "octets are tunnelled: what they mean is between the ends";
  ex->slot<FrameLimits>();
  note_wanted_frames(*ex, Plan());
  EXPECT_FALSE(answers_handshake(*ex)) << "no extension was offered";
}

}  // namespace
}  // namespace sluice::gateway
