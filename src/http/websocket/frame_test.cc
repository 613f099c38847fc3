// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/frame.h"

#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "http/websocket/test_frames.h"

namespace sluice::http::websocket {
namespace {

using namespace std::string_literals;

HeaderOutcome parse(std::string_view bytes, Role receiver, FrameHeader& out) {
  return parse_header(bytes, receiver, out);
}

/// The whole frame as its receiver reads it.
std::string payload_of(std::string frame, Role receiver, FrameHeader& header) {
  const HeaderOutcome outcome = parse(frame, receiver, header);
  EXPECT_TRUE(outcome.complete()) << outcome.why;
  frame.erase(0, outcome.consumed);
  EXPECT_EQ(frame.size(), header.length);
  if (header.masked) mask(frame, header.key, 0);
  return frame;
}

// RFC 6455, 5.7.
TEST(WebSocketFrame, ReadsTheUnmaskedTextOfTheRfc) {
  FrameHeader header;
  EXPECT_EQ(payload_of("\x81\x05Hello", Role::Client, header), "Hello");
  EXPECT_TRUE(header.final);
  EXPECT_EQ(header.opcode, Opcode::Text);
}

TEST(WebSocketFrame, ReadsTheMaskedTextOfTheRfc) {
  FrameHeader header;
  EXPECT_EQ(payload_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Role::Server, header), "Hello");
  EXPECT_TRUE(header.masked);
}

TEST(WebSocketFrame, ReadsTheFragmentsOfTheRfc) {
  FrameHeader header;
  EXPECT_EQ(payload_of("\x01\x03Hel", Role::Client, header), "Hel");
  EXPECT_FALSE(header.final);
  EXPECT_EQ(payload_of("\x80\x02lo", Role::Client, header), "lo");
  EXPECT_TRUE(header.final);
  EXPECT_EQ(header.opcode, Opcode::Continuation);
}

TEST(WebSocketFrame, ReadsThePingAndThePongOfTheRfc) {
  FrameHeader header;
  EXPECT_EQ(payload_of("\x89\x05Hello", Role::Client, header), "Hello");
  EXPECT_EQ(header.opcode, Opcode::Ping);
  EXPECT_EQ(payload_of("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", Role::Server, header), "Hello");
  EXPECT_EQ(header.opcode, Opcode::Pong);
}

TEST(WebSocketFrame, ReadsTheLongLengthsOfTheRfc) {
  FrameHeader header;
  EXPECT_TRUE(parse("\x82\x7E\x01\x00"s, Role::Client, header).complete());
  EXPECT_EQ(header.length, 256U);
  EXPECT_TRUE(parse("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s, Role::Client, header).complete());
  EXPECT_EQ(header.length, 65536U);
}

TEST(WebSocketFrame, ReadsWhatItWrites) {
  for (const std::uint64_t length : {0ULL, 1ULL, 125ULL, 126ULL, 65535ULL, 65536ULL, (1ULL << 63U) - 1}) {
    for (const Role sender : {Role::Client, Role::Server}) {
      const FrameHeader header{.final = length != 1,
                               .opcode = length == 1 ? Opcode::Continuation : Opcode::Text,
                               .masked = sender == Role::Client,
                               .key = kTestKey,
                               .length = length};
      std::array<char, FrameHeader::kMaxSize> octets{};
      const std::size_t size = write_header(header, octets);
      const Role receiver = sender == Role::Client ? Role::Server : Role::Client;
      FrameHeader read;
      const HeaderOutcome outcome = parse({octets.data(), size}, receiver, read);
      ASSERT_TRUE(outcome.complete()) << length << ' ' << outcome.why;
      EXPECT_EQ(outcome.consumed, size);
      EXPECT_EQ(read.length, length);
      EXPECT_EQ(read.final, header.final);
      EXPECT_EQ(read.opcode, header.opcode);
      EXPECT_EQ(read.masked, header.masked);
      for (std::size_t cut = 0; cut < size; ++cut) {
        EXPECT_EQ(parse({octets.data(), cut}, receiver, read).state, HeaderOutcome::State::Incomplete) << cut;
      }
    }
  }
}

struct BadHeader {
  std::string octets;
  Role receiver;
  const char* why;
};

TEST(WebSocketFrame, RefusesWhatTheRfcForbids) {
  const BadHeader cases[] = {
      {"\xc1\x00"s, Role::Client, "reserved bits"},
      {"\xa1\x00"s, Role::Client, "reserved bits"},
      {"\x91"s, Role::Client, "reserved bits"},  // told by the first octet
      {"\x83\x00"s, Role::Client, "unknown opcode"},
      {"\x87\x00"s, Role::Client, "unknown opcode"},
      {"\x8b\x00"s, Role::Client, "unknown opcode"},
      {"\x8f\x00"s, Role::Client, "unknown opcode"},
      {"\x09\x00"s, Role::Client, "fragmented control"},
      {"\x89\x7e\x00\x7e"s, Role::Client, "over 125"},
      {"\x88\x7f"s, Role::Client, "over 125"},
      {"\x81\x85"s, Role::Client, "with a mask"},
      {"\x81\x05"s, Role::Server, "without a mask"},
      {"\x82\x7e\x00\x7d"s, Role::Client, "shortest form"},
      {"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s, Role::Client, "shortest form"},
      {"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"s, Role::Client, "63 bits"},
  };
  for (const BadHeader& bad : cases) {
    FrameHeader header;
    const HeaderOutcome outcome = parse(bad.octets, bad.receiver, header);
    EXPECT_TRUE(outcome.malformed()) << bad.why;
    EXPECT_NE(std::string_view(outcome.why).find(bad.why), std::string_view::npos) << outcome.why;
  }
}

TEST(WebSocketFrame, MasksInPiecesAsInOne) {
  std::string text(100, '\0');
  std::iota(text.begin(), text.end(), '\0');
  std::string expected = text;
  for (std::size_t i = 0; i < expected.size(); ++i)
    expected[i] = static_cast<char>(static_cast<unsigned char>(expected[i]) ^ kTestKey[i % 4]);
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    std::string masked = text;
    mask({masked.data(), cut}, kTestKey, 0);
    mask({masked.data() + cut, masked.size() - cut}, kTestKey, cut);
    EXPECT_EQ(masked, expected) << cut;
  }
}

TEST(WebSocketFrame, MaskKeysDiffer) {
  EXPECT_NE(new_mask_key(), new_mask_key());
}

}  // namespace
}  // namespace sluice::http::websocket
