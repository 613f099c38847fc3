// SPDX-License-Identifier: Apache-2.0
// The case list of the Autobahn test suite, groups 1 to 7 and 9, against an endpoint that sends every message back. The
// numbers are that suite's. Each case is played against both roles.
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/socket_fixture.h"
#include "http/websocket/connection.h"
#include "http/websocket/test_frames.h"

namespace sluice::http::websocket {
namespace {

using testing::ElementsAreArray;
using namespace std::string_literals;

struct Case {
  std::string id;
  std::vector<TestFrame> frames;
  std::vector<std::string> answers;  // "text:...", "binary:...", "pong:...", "close:CODE"
  std::size_t chop = 0;              // octets said at a time; 0: all at once
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.id;
}

TestFrame text(std::string payload, bool final = true) {
  return {.opcode = Opcode::Text, .payload = std::move(payload), .final = final};
}
TestFrame binary(std::string payload, bool final = true) {
  return {.opcode = Opcode::Binary, .payload = std::move(payload), .final = final};
}
TestFrame more(std::string payload, bool final = true) {
  return {.opcode = Opcode::Continuation, .payload = std::move(payload), .final = final};
}
TestFrame ping(std::string payload = {}, bool final = true) {
  return {.opcode = Opcode::Ping, .payload = std::move(payload), .final = final};
}
TestFrame pong(std::string payload = {}, bool final = true) {
  return {.opcode = Opcode::Pong, .payload = std::move(payload), .final = final};
}
TestFrame close(std::string payload) {
  return {.opcode = Opcode::Close, .payload = std::move(payload)};
}
TestFrame reserved(TestFrame frame, int bits) {
  frame.reserved = bits;
  return frame;
}
TestFrame bye() {
  return close(close_payload(1000));
}

/// Long payloads are told by size and last octet, so that failures can be read.
std::string shown(std::string_view kind, std::string_view payload) {
  std::string text(kind);
  if (payload.size() <= 200) return text.append(":").append(payload);
  return text.append(" of ")
      .append(std::to_string(payload.size()))
      .append(" ...")
      .append(payload.substr(payload.size() - 4));
}

/// What an endpoint said, frame by frame.
std::vector<std::string> frames_in(std::string_view octets, Role receiver) {
  std::vector<std::string> shown_frames;
  while (!octets.empty()) {
    FrameHeader header;
    const HeaderOutcome outcome = parse_header(octets, receiver, header);
    if (!outcome.complete() || octets.size() - outcome.consumed < header.length) {
      shown_frames.emplace_back("unfinished");
      break;
    }
    std::string payload(octets.substr(outcome.consumed, header.length));
    octets.remove_prefix(outcome.consumed + header.length);
    if (header.masked) mask(payload, header.key, 0);
    switch (header.opcode) {
      case Opcode::Close:
        shown_frames.push_back(payload.empty()
                                   ? "close:"
                                   : "close:" + std::to_string(static_cast<unsigned char>(payload[0]) * 256 +
                                                               static_cast<unsigned char>(payload[1])));
        break;
      case Opcode::Pong:
        shown_frames.push_back(shown("pong", payload));
        break;
      default:
        shown_frames.push_back(shown(header.opcode == Opcode::Text ? "text" : "binary", payload));
    }
  }
  return shown_frames;
}

Task<void> echo(Connection& connection) {
  const rt::Deadline never = rt::Deadline::never();
  for (;;) {
    Result<Message> message = co_await connection.receive(never);
    const rt::Deadline soon = connection.stream().reactor().after_ms(2'000);
    if (!message) {
      (void)co_await connection.close(1011, {}, soon);
      break;
    }
    if (message->kind == Message::Kind::Close) {
      (void)co_await connection.close(message->code, message->payload, soon);
      break;
    }
    if (message->kind == Message::Kind::Pong) continue;
    if (!co_await connection.send(message->kind, message->payload, never)) break;
  }
  connection.stream().close();
}

class WebSocketCases : public testing::TestWithParam<Case> {
 protected:
  void play(Role role) {
    const Case& wanted = GetParam();
    rt::Reactor reactor;
    const auto [near, far] = local_pair();
    net::Stream stream;
    stream.attach(reactor, near);
    Peer peer(reactor, far);
    Connection connection(stream, role, {.max_message = 16 << 20, .answer_pings = true});
    Task<void> echoing = echo(connection);
    echoing.start();

    std::string octets;
    for (TestFrame frame : wanted.frames) {
      frame.masked = role == Role::Server;
      octets += octets_of(frame);
    }
    const std::size_t piece = wanted.chop == 0 ? octets.size() : wanted.chop;
    for (std::size_t at = 0; at < octets.size() && stream.is_open(); at += piece) {
      peer.say(std::string_view(octets).substr(at, piece));
      if (wanted.chop != 0 && wanted.chop < 64) reactor.run_once(0);
    }
    const Role other = role == Role::Server ? Role::Client : Role::Server;
    peer.hear_until([&](const std::string& heard) {
      if (peer.ended()) return true;
      const std::vector<std::string> frames = frames_in(heard, other);
      if (!frames.empty() && frames.back().starts_with("close")) peer.end();
      return false;
    });
    EXPECT_THAT(frames_in(peer.heard(), other), ElementsAreArray(wanted.answers));
    peer.end();
    rt::turn_until(reactor, [&] { return echoing.ready(); });
  }
};

TEST_P(WebSocketCases, Server) {
  play(Role::Server);
}
TEST_P(WebSocketCases, Client) {
  play(Role::Client);
}

const std::string kGreeting = "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!";

std::vector<Case> group1() {  // lengths
  std::vector<Case> cases;
  for (const std::size_t size : {0U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
    const std::string payload(size, '*');
    cases.push_back({"1.1 " + std::to_string(size), {text(payload), bye()}, {shown("text", payload), "close:1000"}});
    cases.push_back({"1.2 " + std::to_string(size),
                     {binary(std::string(size, '\xfe')), bye()},
                     {shown("binary", std::string(size, '\xfe')), "close:1000"}});
  }
  const std::string payload(65536, '*');
  cases.push_back({"1.1.8", {text(payload), bye()}, {shown("text", payload), "close:1000"}, 997});
  cases.push_back({"1.2.8", {binary(payload), bye()}, {shown("binary", payload), "close:1000"}, 997});
  return cases;
}

std::vector<Case> group2() {  // pings and pongs
  const std::string odd = "\x00\xff\xfe\xfd\xfc\xfb\x00\xff"s;
  const std::string most(125, '\xfe');
  std::vector<Case> cases = {
      {"2.1", {ping(), bye()}, {"pong:", "close:1000"}},
      {"2.2", {ping("Hello, world!"), bye()}, {"pong:Hello, world!", "close:1000"}},
      {"2.3", {ping(odd), bye()}, {"pong:" + odd, "close:1000"}},
      {"2.4", {ping(most), bye()}, {"pong:" + most, "close:1000"}},
      {"2.5", {ping(most + "\xfe")}, {"close:1002"}},
      {"2.6", {ping(most), bye()}, {"pong:" + most, "close:1000"}, 1},
      {"2.7", {pong(), bye()}, {"close:1000"}},
      {"2.8", {pong("unsolicited"), bye()}, {"close:1000"}},
      {"2.9", {pong("unsolicited"), ping("ping"), bye()}, {"pong:ping", "close:1000"}},
  };
  Case ten{"2.10", {}, {}};
  for (int i = 0; i < 10; ++i) {
    ten.frames.push_back(ping("payload-" + std::to_string(i)));
    ten.answers.push_back("pong:payload-" + std::to_string(i));
  }
  ten.frames.push_back(bye());
  ten.answers.emplace_back("close:1000");
  cases.push_back(ten);
  ten.id = "2.11";
  ten.chop = 1;
  cases.push_back(ten);
  return cases;
}

std::vector<Case> group3() {  // reserved bits
  const std::string hello = "Hello, world!";
  const std::vector<std::string> answered = {"text:" + hello, "close:1002"};
  return {
      {"3.1", {reserved(text(hello), 1)}, {"close:1002"}},
      {"3.2", {text(hello), reserved(text(hello), 2), ping()}, answered},
      {"3.3", {text(hello), reserved(text(hello), 3), ping()}, answered, 19},
      {"3.4", {text(hello), reserved(text(hello), 4), ping()}, answered, 1},
      {"3.5", {reserved(binary(hello), 5)}, {"close:1002"}},
      {"3.6", {reserved(ping(hello), 6)}, {"close:1002"}},
      {"3.7", {reserved(bye(), 7)}, {"close:1002"}},
  };
}

std::vector<Case> group4() {  // opcodes
  std::vector<Case> cases;
  const std::string hello = "Hello, world!";
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    const TestFrame unknown{.opcode = static_cast<Opcode>(opcode), .payload = opcode % 2 == 0 ? hello : ""};
    cases.push_back({"4 first " + std::to_string(opcode), {unknown}, {"close:1002"}});
    cases.push_back({"4 later " + std::to_string(opcode),
                     {text(hello), unknown, ping()},
                     {"text:" + hello, "close:1002"},
                     opcode % 3 == 0 ? 1U : 0U});
  }
  return cases;
}

std::vector<Case> group5() {  // fragments
  const std::vector<std::string> whole = {"text:fragment1fragment2", "close:1000"};
  const std::vector<std::string> ponged = {"pong:ping", "text:fragment1fragment2", "close:1000"};
  const std::vector<TestFrame> two = {text("fragment1", false), more("fragment2"), bye()};
  const std::vector<TestFrame> pinged = {text("fragment1", false), ping("ping"), more("fragment2"), bye()};
  const std::vector<std::string> refused = {"close:1002"};
  std::vector<Case> cases = {
      {"5.1", {ping("fragment1", false), more("fragment2")}, refused},
      {"5.2", {pong("fragment1", false), more("fragment2")}, refused},
      {"5.3", two, whole},
      {"5.4", two, whole, 20},
      {"5.5", two, whole, 1},
      {"5.6", pinged, ponged},
      {"5.7", pinged, ponged, 20},
      {"5.8", pinged, ponged, 1},
      {"5.9", {more("nothing to continue"), text("Hello")}, refused},
      {"5.10", {more("nothing to continue"), text("Hello")}, refused, 25},
      {"5.11", {more("nothing to continue"), text("Hello")}, refused, 1},
      {"5.12", {more("nothing to continue", false), text("Hello")}, refused},
      {"5.13", {more("nothing to continue", false), text("Hello")}, refused, 25},
      {"5.14", {more("nothing to continue", false), text("Hello")}, refused, 1},
      {"5.15",
       {text("fragment1", false), more("fragment2"), more("fragment3", false), text("fragment4")},
       {"text:fragment1fragment2", "close:1002"}},
      {"5.16", {more("fragment1", false), text("fragment2", false), more("fragment3")}, refused},
      {"5.17", {more("fragment1"), text("fragment2", false), more("fragment3")}, refused},
      {"5.18", {text("fragment1", false), text("fragment2")}, refused},
      {"5.19",
       {text("fragment1", false), more("fragment2", false), ping("pongme 1!"), more("fragment3", false),
        more("fragment4", false), ping("pongme 2!"), more("fragment5"), bye()},
       {"pong:pongme 1!", "pong:pongme 2!", "text:fragment1fragment2fragment3fragment4fragment5", "close:1000"}},
  };
  Case quick = cases.back();
  quick.id = "5.20";
  quick.chop = 7;
  cases.push_back(quick);
  return cases;
}

Case valid_text(std::string id, const std::string& payload, std::size_t chop = 0) {
  return {std::move(id), {text(payload), bye()}, {"text:" + payload, "close:1000"}, chop};
}
Case invalid_text(std::string id, const std::string& payload, std::size_t chop = 0) {
  return {std::move(id), {text(payload), ping("too late")}, {"close:1007"}, chop};
}

std::vector<TestFrame> octet_by_octet(const std::string& payload) {
  std::vector<TestFrame> frames;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    TestFrame frame = i == 0 ? text(payload.substr(0, 1), false) : more(payload.substr(i, 1), false);
    frame.final = i + 1 == payload.size();
    frames.push_back(std::move(frame));
  }
  return frames;
}

/// UTF-8 and its fragments: 6.1 to 6.4.
std::vector<Case> group6_fragments() {
  const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
  const std::string broken = kosme + "\xed\xa0\x80" + "edited";
  std::vector<Case> cases = {
      valid_text("6.1.1", ""),
      {"6.1.2", {text("", false), more("", false), more(""), bye()}, {"text:", "close:1000"}},
      {"6.1.3", {text("", false), more("middle", false), more(""), bye()}, {"text:middle", "close:1000"}},
      valid_text("6.2.1", kGreeting),
      {"6.2.2",
       {text(kGreeting.substr(0, 12), false), more(kGreeting.substr(12)), bye()},
       {"text:" + kGreeting, "close:1000"}},
      {"6.2.3", octet_by_octet(kGreeting), {"text:" + kGreeting, "close:1000"}},
      {"6.2.4", octet_by_octet(kosme), {"text:" + kosme, "close:1000"}},
      invalid_text("6.3.1", broken),
      {"6.3.2", octet_by_octet(broken), {"close:1007"}},
      // Refused before the message, or even the frame, is complete.
      {"6.4.1", {text(kosme, false), more("\xf4\x90\x80\x80", false)}, {"close:1007"}},
      {"6.4.2", {text(kosme + "\xf4", false), more("\x90", false)}, {"close:1007"}},
      invalid_text("6.4.3", kosme + "\xf4\x90\x80\x80" + "edited", 1),
      invalid_text("6.4.4", kosme + "\xf4\x90", 1),
  };
  cases[5].frames.push_back(bye());
  cases[6].frames.push_back(bye());
  return cases;
}

/// Which sequences are UTF-8: 6.5 to 6.23.
std::vector<Case> group6_sequences() {
  std::vector<Case> cases;
  const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
  int number = 0;
  const auto id = [&](const char* group) { return std::string(group) + "." + std::to_string(++number); };
  for (std::size_t size = 1; size <= kosme.size(); ++size) {
    const bool whole = size == 2 || size == 5 || size == 7 || size == 9 || size == 11;
    cases.push_back(whole ? valid_text(id("6.6"), kosme.substr(0, size))
                          : invalid_text(id("6.6"), kosme.substr(0, size)));
  }
  for (const std::string& payload :
       {"\x00"s, "\xc2\x80"s, "\xe0\xa0\x80"s, "\xf0\x90\x80\x80"s,                      // 6.7: first of their length
        "\x7f"s, "\xdf\xbf"s, "\xef\xbf\xbf"s, "\xf4\x8f\xbf\xbf"s,                      // 6.9: last of their length
        "\xed\x9f\xbf"s, "\xee\x80\x80"s, "\xef\xbf\xbd"s,                               // 6.11
        "\xef\xbf\xbe"s, "\xf0\x9f\xbf\xbe"s, "\xf3\xaf\xbf\xbf"s, "\xf4\x8f\xbf\xbe"s,  // 6.22: noncharacters
        "\xef\xbf\xb9"s, "\xef\xbf\xbc"s}) {                                             // 6.23: specials
    cases.push_back(valid_text(id("6 valid"), payload));
  }
  for (const std::string& payload : {"\xf8\x88\x80\x80\x80"s,
                                     "\xfc\x84\x80\x80\x80\x80"s,  // 6.8
                                     "\xf7\xbf\xbf\xbf"s,
                                     "\xfb\xbf\xbf\xbf\xbf"s,
                                     "\xfd\xbf\xbf\xbf\xbf\xbf"s,  // 6.10
                                     "\xf4\x90\x80\x80"s,          // 6.11
                                     "\x80"s,
                                     "\xbf"s,
                                     "\x80\xbf"s,
                                     "\x80\xbf\x80\xbf\x80\xbf\x80"s,  // 6.12
                                     "\xc0 \xc1 \xc2 "s,
                                     "\xe0 \xe1 \xe2 "s,
                                     "\xf0 \xf1 \xf2 "s,
                                     "\xf8 \xf9 "s,
                                     "\xfc "s,  // 6.13
                                     "\xc0"s,
                                     "\xe0\x80"s,
                                     "\xf0\x80\x80"s,
                                     "\xdf"s,
                                     "\xef\xbf"s,
                                     "\xf7\xbf\xbf"s,                          // 6.14
                                     "\xc0\xe0\x80\xf0\x80\x80\xdf\xef\xbf"s,  // 6.15
                                     "\xfe"s,
                                     "\xff"s,
                                     "\xfe\xfe\xff\xff"s,  // 6.16
                                     "\xc0\xaf"s,
                                     "\xe0\x80\xaf"s,
                                     "\xf0\x80\x80\xaf"s,
                                     "\xf8\x80\x80\x80\xaf"s,  // 6.17
                                     "\xc1\xbf"s,
                                     "\xe0\x9f\xbf"s,
                                     "\xf0\x8f\xbf\xbf"s,  // 6.18
                                     "\xc0\x80"s,
                                     "\xe0\x80\x80"s,
                                     "\xf0\x80\x80\x80"s,  // 6.19
                                     "\xed\xa0\x80"s,
                                     "\xed\xad\xbf"s,
                                     "\xed\xae\x80"s,
                                     "\xed\xaf\xbf"s,
                                     "\xed\xb0\x80"s,  // 6.20
                                     "\xed\xbe\x80"s,
                                     "\xed\xbf\xbf"s,
                                     "\xed\xa0\x80\xed\xb0\x80"s,  // 6.21
                                     "\xed\xaf\xbf\xed\xbf\xbf"s}) {
    cases.push_back(invalid_text(id("6 invalid"), payload));
    cases.push_back(invalid_text(id("6 invalid"), "a" + payload, 1));
  }
  return cases;
}

std::vector<Case> group7() {  // closing
  const std::string big(256 * 1024, '*');
  std::vector<Case> cases = {
      {"7.1.1", {text("Hello World!"), bye()}, {"text:Hello World!", "close:1000"}},
      {"7.1.2", {bye(), bye()}, {"close:1000"}},
      {"7.1.3", {bye(), ping()}, {"close:1000"}},
      {"7.1.4", {bye(), text("Hello World!")}, {"close:1000"}},
      {"7.1.5", {text("fragment1", false), bye(), more("fragment2")}, {"close:1000"}},
      {"7.1.6", {text(big), bye(), ping()}, {shown("text", big), "close:1000"}},
      {"7.3.1", {close("")}, {"close:"}},
      {"7.3.2", {close("a")}, {"close:1002"}},
      {"7.3.3", {close(close_payload(1000))}, {"close:1000"}},
      {"7.3.4", {close(close_payload(1000, "Hello World!"))}, {"close:1000"}},
      {"7.3.5", {close(close_payload(1000, std::string(123, '*')))}, {"close:1000"}},
      {"7.3.6", {close(close_payload(1000, std::string(124, '*')))}, {"close:1002"}},
      {"7.5.1",
       {close(close_payload(1000,
                            "\xce\xba\xed\xa0\x80"
                            "edited"))},
       {"close:1007"}},
  };
  for (const unsigned code :
       {1000U, 1001U, 1002U, 1003U, 1007U, 1008U, 1009U, 1010U, 1011U, 3000U, 3999U, 4000U, 4999U})
    cases.push_back({"7.7 " + std::to_string(code), {close(close_payload(code))}, {"close:" + std::to_string(code)}});
  for (const unsigned code : {0U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U, 5000U, 65535U})
    cases.push_back({"7.9 " + std::to_string(code), {close(close_payload(code))}, {"close:1002"}});
  return cases;
}

/// Much in one message: 9.1 to 9.6. The rest of the group varies only figures of those.
std::vector<Case> group9() {
  std::vector<Case> cases;
  for (const std::size_t size : {256U << 10U, 1U << 20U, 4U << 20U, 16U << 20U}) {
    const std::string payload(size, '*');
    cases.push_back({"9.1 " + std::to_string(size), {text(payload), bye()}, {shown("text", payload), "close:1000"}});
    cases.push_back(
        {"9.2 " + std::to_string(size), {binary(payload), bye()}, {shown("binary", payload), "close:1000"}});
  }
  for (const std::size_t piece : {64U, 1024U, 65536U}) {
    const std::string payload(1U << 20U, '*');
    Case fragments{"9.3 " + std::to_string(piece), {}, {shown("text", payload), "close:1000"}};
    for (std::size_t at = 0; at < payload.size(); at += piece) {
      const bool last = at + piece >= payload.size();
      fragments.frames.push_back(at == 0 ? text(payload.substr(0, piece), last)
                                         : more(payload.substr(at, piece), last));
    }
    fragments.frames.push_back(bye());
    cases.push_back(std::move(fragments));
  }
  for (const std::size_t chop : {64U, 256U, 2048U}) {
    const std::string payload(1U << 20U, '*');
    cases.push_back(
        {"9.5 " + std::to_string(chop), {text(payload), bye()}, {shown("text", payload), "close:1000"}, chop});
  }
  return cases;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.id;
  for (char& c : name) {
    if ((c < '0' || c > '9') && (c < 'a' || c > 'z')) c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Lengths, WebSocketCases, testing::ValuesIn(group1()), name_of);
INSTANTIATE_TEST_SUITE_P(Pings, WebSocketCases, testing::ValuesIn(group2()), name_of);
INSTANTIATE_TEST_SUITE_P(ReservedBits, WebSocketCases, testing::ValuesIn(group3()), name_of);
INSTANTIATE_TEST_SUITE_P(Opcodes, WebSocketCases, testing::ValuesIn(group4()), name_of);
INSTANTIATE_TEST_SUITE_P(Fragments, WebSocketCases, testing::ValuesIn(group5()), name_of);
INSTANTIATE_TEST_SUITE_P(TextFragments, WebSocketCases, testing::ValuesIn(group6_fragments()), name_of);
INSTANTIATE_TEST_SUITE_P(TextSequences, WebSocketCases, testing::ValuesIn(group6_sequences()), name_of);
INSTANTIATE_TEST_SUITE_P(Closing, WebSocketCases, testing::ValuesIn(group7()), name_of);
INSTANTIATE_TEST_SUITE_P(Large, WebSocketCases, testing::ValuesIn(group9()), name_of);

}  // namespace
}  // namespace sluice::http::websocket
