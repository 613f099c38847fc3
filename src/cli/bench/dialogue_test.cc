// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/bench/echo_dialogue.h"
#include "cli/bench/grpc_dialogue.h"
#include "cli/bench/http_dialogue.h"
#include "cli/bench/target.h"
#include "cli/bench/websocket_dialogue.h"
#include "http/websocket/frame.h"
#include "http/websocket/handshake.h"

namespace sluice::cli::bench {
namespace {

using Progress = Dialogue::Progress;

/// A dialogue and what it has said so far.
template <class Kind>
struct Talk {
  Kind dialogue;
  std::string said;

  Progress hear(std::string_view octets) { return dialogue.take(octets, said); }
};

std::shared_ptr<const std::vector<std::string>> heads(std::vector<std::string> texts) {
  return std::make_shared<const std::vector<std::string>>(std::move(texts));
}

TEST(HttpDialogue, AsksForItsHeadsInTurn) {
  Talk<HttpDialogue> talk{HttpDialogue(heads({"A", "B"})), {}};
  for (std::uint64_t turn = 0; turn < 3; ++turn) talk.dialogue.ask(turn, talk.said);
  EXPECT_EQ(talk.said, "ABA");
}

TEST(HttpDialogue, IsDoneWithTheLastOctetOfTheReply) {
  Talk<HttpDialogue> talk{HttpDialogue(heads({"A"})), {}};
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 200 OK\r\ncontent-length: 3\r"), Progress::Pending);
  EXPECT_EQ(talk.hear("\n\r\nab"), Progress::Pending);
  EXPECT_EQ(talk.hear("c"), Progress::Done);
}

TEST(HttpDialogue, RefusesAnErrorAndAReplyThatIsTooLong) {
  Talk<HttpDialogue> talk{HttpDialogue(heads({"A"})), {}};
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"), Progress::Failed);
  EXPECT_EQ(talk.dialogue.why(), "HTTP/1.1 503 Service Unavailable");
  talk.dialogue.ask(1, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"), Progress::Failed);
}

TEST(HttpDialogue, KnowsTheLastReplyOfAConnection) {
  Talk<HttpDialogue> talk{HttpDialogue(heads({"A"})), {}};
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"), Progress::Done);
  EXPECT_TRUE(talk.dialogue.was_last());
  talk.dialogue.ask(1, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), Progress::Done);
  EXPECT_FALSE(talk.dialogue.was_last());
}

TEST(EchoDialogue, WantsItsOwnOctetsBack) {
  Talk<EchoDialogue> talk{EchoDialogue(40), {}};
  talk.dialogue.ask(7, talk.said);
  ASSERT_EQ(talk.said.size(), 40U);
  const std::string sent = talk.said;
  EXPECT_EQ(talk.hear(sent.substr(0, 30)), Progress::Pending);
  EXPECT_EQ(talk.hear(sent.substr(30)), Progress::Done);
  talk.dialogue.ask(8, talk.said);
  EXPECT_EQ(talk.hear(sent), Progress::Failed) << "the reply to the question before";
}

/// The 101 for a handshake that `said` holds.
std::string accepts(const std::string& said) {
  return "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: " +
         http::websocket::accept_value(field(said.substr(0, said.find("\r\n\r\n")), "sec-websocket-key")) + "\r\n\r\n";
}

std::string frame(http::websocket::Opcode opcode, std::string_view payload) {
  http::websocket::FrameHeader header;
  header.opcode = opcode;
  header.length = payload.size();
  std::array<char, http::websocket::FrameHeader::kMaxSize> octets;
  return std::string(octets.data(), http::websocket::write_header(header, octets)).append(payload);
}

TEST(WebSocketDialogue, SendsItsFirstMessageBehindTheHandshake) {
  Talk<WebSocketDialogue> talk{WebSocketDialogue("GET / HTTP/1.1\r\n", 10), {}};
  talk.dialogue.open(talk.said);
  const std::string handshake = talk.said;
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.said, handshake) << "the server has not agreed yet";
  EXPECT_EQ(talk.hear(accepts(handshake)), Progress::Pending);
  EXPECT_EQ(talk.said.size(), handshake.size() + 2 + 4 + 10) << "a masked frame";
  EXPECT_EQ(talk.hear(frame(http::websocket::Opcode::Binary, "xxxxxxxxxx")), Progress::Done);
}

TEST(WebSocketDialogue, AnswersPingsAndKnowsItsEnd) {
  Talk<WebSocketDialogue> talk{WebSocketDialogue("GET / HTTP/1.1\r\n", 1), {}};
  talk.dialogue.open(talk.said);
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.hear(accepts(talk.said)), Progress::Pending);
  talk.said.clear();
  EXPECT_EQ(talk.hear(frame(http::websocket::Opcode::Ping, "are you there")), Progress::Pending);
  EXPECT_EQ(talk.said.size(), 2U + 4 + 13);
  EXPECT_EQ(talk.hear(frame(http::websocket::Opcode::Close, "")), Progress::Failed);
}

TEST(WebSocketDialogue, RefusesAnAnswerThatProvesNothing) {
  Talk<WebSocketDialogue> talk{WebSocketDialogue("GET / HTTP/1.1\r\n", 1), {}};
  talk.dialogue.open(talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: no\r\n\r\n"), Progress::Failed);
}

TEST(GrpcDialogue, FailsWhereTheServerSpeaksAnotherProtocol) {
  Talk<GrpcDialogue> talk{GrpcDialogue({.authority = "a", .path = "/s/m", .size = 3}), {}};
  talk.dialogue.open(talk.said);
  EXPECT_TRUE(talk.said.starts_with("PRI * HTTP/2.0"));
  talk.dialogue.ask(0, talk.said);
  EXPECT_EQ(talk.hear("HTTP/1.1 400 Bad Request\r\n\r\n"), Progress::Failed);
}

TEST(Target, ReadsSchemesHostsAndPorts) {
  const Target shop = Target::parse("https://shop.example/orders?x=1").value();
  EXPECT_EQ(shop.protocol, Protocol::Http);
  EXPECT_TRUE(shop.tls);
  EXPECT_EQ(shop.authority(), "shop.example:443");
  EXPECT_EQ(shop.path, "/orders?x=1");
  const Target v6 = Target::parse("udp://[::1]:9053").value();
  EXPECT_EQ(v6.protocol, Protocol::Udp);
  EXPECT_EQ(v6.authority(), "[::1]:9053");
  EXPECT_EQ(v6.resolve()->port(), 9053);
}

TEST(Target, SaysWhatIsMissing) {
  for (const auto* url : {"shop.example", "ftp://a", "http://", "http://a:0", "http://a:b", "tcp://a", "http://[::1"})
    EXPECT_FALSE(Target::parse(url)) << url;
}

}  // namespace
}  // namespace sluice::cli::bench
