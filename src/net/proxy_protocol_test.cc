// SPDX-License-Identifier: Apache-2.0
#include "net/proxy_protocol.h"

#include <array>
#include <random>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "rt/reactor.h"
#include "rt/test_loop.h"

namespace sluice::net {
namespace {

const std::string kMagic("\r\n\r\n\0\r\nQUIT\n", 12);

std::string binary(char version_command, char family, const std::string& payload) {
  std::string text = kMagic + version_command + family;
  text += static_cast<char>(payload.size() >> 8);
  text += static_cast<char>(payload.size() & 0xFF);
  return text + payload;
}
const std::string kV4("\x7f\x00\x00\x01\x0a\x01\x02\x03\x1f\x90\x00\x50", 12);

TEST(ProxyHeaderTest, ReadsTextWithIpv4) {
  auto header = parse_proxy_header("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\nGET /");
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->source.to_string(), "192.0.2.1:56324");
  EXPECT_EQ((*header)->destination.to_string(), "198.51.100.1:443");
  EXPECT_EQ((*header)->size, 45U);
}

TEST(ProxyHeaderTest, ReadsTextWithIpv6) {
  auto header = parse_proxy_header("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->source.to_string(), "[2001:db8::1]:1");
  EXPECT_EQ((*header)->destination.port(), 65535);
}

TEST(ProxyHeaderTest, UnknownSendersHaveNoAddress) {
  for (const char* text : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 what ever\r\n"}) {
    auto header = parse_proxy_header(text);
    ASSERT_TRUE(header && *header) << text;
    EXPECT_FALSE((*header)->source.is_set());
  }
}

TEST(ProxyHeaderTest, EveryPrefixOfAValidHeaderWantsMore) {
  const std::string text = "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n";
  const std::string octets = binary('\x21', '\x11', kV4);
  for (const std::string& whole : {text, octets}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      auto header = parse_proxy_header(std::string_view(whole).substr(0, size));
      ASSERT_TRUE(header.has_value()) << size;
      EXPECT_FALSE(header->has_value()) << size;
    }
  }
}

TEST(ProxyHeaderTest, MalformedTextIsRefused) {
  for (const char* text : {
           "GET / HTTP/1.1\r\n\r\n",
           "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
           "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n",
           "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
           "PROXY TCP4 ::1 ::1 1 2\r\n",
           "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
           "PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n",
           "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
           "PROXY TCP4 1.1.1.1\r 2.2.2.2 1 2\r\n",
           "PROXY \r\n",
           "PROXY TCP4  1.1.1.1 2.2.2.2 1\r\n",
           "\n",
           "PX",
           "PROXY UNKNOWNX\r\n",
       }) {
    EXPECT_FALSE(parse_proxy_header(text)) << text;
  }
}

TEST(ProxyHeaderTest, TextIsLimitedTo107Octets) {
  EXPECT_TRUE(parse_proxy_header("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"));
  EXPECT_FALSE(parse_proxy_header("PROXY UNKNOWN " + std::string(500, 'x')));
}

TEST(ProxyHeaderTest, ReadsBinaryAddresses) {
  auto header = parse_proxy_header(binary('\x21', '\x11', kV4) + "rest");
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->source.to_string(), "127.0.0.1:8080");
  EXPECT_EQ((*header)->destination.to_string(), "10.1.2.3:80");
  EXPECT_EQ((*header)->size, 28U);
  std::string v6(36, '\0');
  v6[15] = 1;
  v6[31] = 2;
  v6[33] = 9;
  header = parse_proxy_header(binary('\x21', '\x21', v6));
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->source.to_string(), "[::1]:9");
}

TEST(ProxyHeaderTest, LocalAndUnixSendersHaveNoAddress) {
  for (const std::string& text : {binary('\x20', '\0', ""), binary('\x20', '\x11', kV4), binary('\x21', '\0', ""),
                                  binary('\x21', '\x31', std::string(216, 'u'))}) {
    auto header = parse_proxy_header(text);
    ASSERT_TRUE(header && *header);
    EXPECT_FALSE((*header)->source.is_set());
    EXPECT_EQ((*header)->size, text.size());
  }
}

TEST(ProxyHeaderTest, ExtensionsAreSkippedButMustFit) {
  const std::string good("\x01\x00\x02h2\x04\x00\x00", 8);
  auto header = parse_proxy_header(binary('\x21', '\x11', kV4 + good));
  ASSERT_TRUE(header && *header);
  EXPECT_EQ((*header)->size, 36U);
  for (const std::string& bad :
       {std::string("\x01", 1), std::string("\x01\x00\x05h2", 5), std::string("\x01\xff\xff", 3)}) {
    EXPECT_FALSE(parse_proxy_header(binary('\x21', '\x11', kV4 + bad)));
  }
}

TEST(ProxyHeaderTest, MalformedBinaryIsRefused) {
  EXPECT_FALSE(parse_proxy_header(binary('\x31', '\x11', kV4)));                  // version
  EXPECT_FALSE(parse_proxy_header(binary('\x22', '\x11', kV4)));                  // command
  EXPECT_FALSE(parse_proxy_header(binary('\x21', '\x41', kV4)));                  // family
  EXPECT_FALSE(parse_proxy_header(binary('\x21', '\x13', kV4)));                  // transport
  EXPECT_FALSE(parse_proxy_header(binary('\x21', '\x11', kV4.substr(0, 11))));    // cut off
  EXPECT_FALSE(parse_proxy_header(kMagic + std::string("\x21\x11\x7f\xff", 4)));  // longer than we take
  EXPECT_FALSE(parse_proxy_header(kMagic.substr(0, 11) + "X"));
}

TEST(ProxyHeaderTest, RandomOctetsNeverClaimMoreThanThereIs) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    std::string text = round % 3 == 0 ? kMagic : round % 3 == 1 ? "PROXY TCP4 " : "";
    for (auto left = random() % 80; left > 0; --left) text += static_cast<char>(random() % (round % 2 == 0 ? 256 : 64));
    auto header = parse_proxy_header(text);
    if (header && *header) {
      EXPECT_LE((*header)->size, text.size());
    }
  }
}

class ProxyStreamTest : public testing::Test {
 public:
  void SetUp() override {
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    stream.attach(reactor, fds[0]);
    peer.attach(reactor, fds[1]);
  }
  std::string rest() {
    std::array<char, 256> piece{};
    Io io = stream.read(piece);
    return {piece.data(), io.octets};
  }
  rt::Reactor reactor;
  Stream stream;
  Stream peer;
};

TEST_F(ProxyStreamTest, LeavesWhatFollowsInTheSocket) {
  peer.write("PROXY TCP4 192.0.2.1 198.51.100.1 5 443\r\nGET / HTTP/1.1\r\n");
  auto header = rt::run(reactor, read_proxy_header(stream, reactor.after_ms(2000)));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->source.to_string(), "192.0.2.1:5");
  EXPECT_EQ(rest(), "GET / HTTP/1.1\r\n");
}

TEST_F(ProxyStreamTest, WaitsForHeadersThatComeInPieces) {
  const std::string text = binary('\x21', '\x11', kV4) + "x";
  auto reading = read_proxy_header(stream, reactor.after_ms(2000));
  reading.start();
  for (char c : text) {
    EXPECT_FALSE(reading.ready());
    peer.write({&c, 1});
    reactor.run_once(5);
    if (reading.ready()) break;
  }
  ASSERT_TRUE(reading.ready());
  ASSERT_TRUE(reading.take());
}

TEST_F(ProxyStreamTest, OtherProtocolsAreRefused) {
  peer.write("GET / HTTP/1.1\r\n\r\n");
  auto header = rt::run(reactor, read_proxy_header(stream, reactor.after_ms(2000)));
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, Errc::Invalid);
  EXPECT_EQ(header.error().blame, Blame::Client);
}

TEST_F(ProxyStreamTest, AHeaderThatNeverEndsTimesOut) {
  peer.write("PROXY TCP4");
  auto header = rt::run(reactor, read_proxy_header(stream, reactor.after_ms(30)));
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, Errc::Timeout);
}

TEST_F(ProxyStreamTest, AConnectionThatEndsWithinTheHeaderIsClosed) {
  peer.write("PROXY TCP4");
  peer.shut_down_write();
  auto header = rt::run(reactor, read_proxy_header(stream, reactor.after_ms(2000)));
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code, Errc::Closed);
}

}  // namespace
}  // namespace sluice::net
