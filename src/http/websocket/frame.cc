// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/frame.h"

#include <bit>
#include <cstring>

#include "base/random.h"

namespace sluice::http::websocket {
namespace {

constexpr std::uint8_t kFinal = 0x80, kReserved = 0x70, kOpcode = 0x0f;  // first octet
constexpr std::uint8_t kMasked = 0x80, kLength = 0x7f;                   // second octet
constexpr std::uint8_t kLength16 = 126, kLength64 = 127;

HeaderOutcome malformed(const char* why) {
  return {HeaderOutcome::State::Malformed, 0, why};
}

std::uint8_t octet(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint64_t big_endian(std::string_view octets) {
  std::uint64_t value = 0;
  for (const char c : octets) value = value << 8U | static_cast<std::uint8_t>(c);
  return value;
}

bool is_known(std::uint8_t opcode) {
  return opcode <= 2 || (opcode >= 8 && opcode <= 10);
}

std::size_t length_octets(std::uint8_t short_length) {
  return short_length == kLength64 ? 8 : short_length == kLength16 ? 2 : 0;
}

/// What the first two octets already tell; null: nothing is wrong.
const char* judge_start(std::uint8_t first, std::uint8_t second, Role receiver) {
  if ((first & kReserved) != 0) return "reserved bits without an extension";
  if (!is_known(first & kOpcode)) return "unknown opcode";
  if (is_control(static_cast<Opcode>(first & kOpcode))) {
    if ((first & kFinal) == 0) return "fragmented control frame";
    if ((second & kLength) > kMaxControlPayload) return "control frame over 125 octets";
  }
  const bool masked = (second & kMasked) != 0;
  if (receiver == Role::Server && !masked) return "frame of a client without a mask";
  if (receiver == Role::Client && masked) return "frame of a server with a mask";
  return nullptr;
}

/// The key as it meets the octets from `offset` on, twice over.
std::uint64_t key_word(MaskKey key, std::uint64_t offset) {
  std::array<std::uint8_t, 8> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = key[(offset + i) % key.size()];
  return std::bit_cast<std::uint64_t>(octets);
}

}  // namespace

HeaderOutcome parse_header(std::string_view bytes, Role receiver, FrameHeader& out) {
  if (bytes.empty()) return {};
  if ((octet(bytes, 0) & kReserved) != 0) return malformed("reserved bits without an extension");
  if (bytes.size() < 2) return {};
  const std::uint8_t first = octet(bytes, 0);
  const std::uint8_t second = octet(bytes, 1);
  if (const char* why = judge_start(first, second, receiver)) return malformed(why);

  const std::size_t extended = length_octets(second & kLength);
  out.masked = (second & kMasked) != 0;
  const std::size_t size = 2 + extended + (out.masked ? out.key.size() : 0);
  if (bytes.size() < 2 + extended) return {};
  out.length = extended == 0 ? second & kLength : big_endian(bytes.substr(2, extended));
  if ((extended == 2 && out.length < kLength16) || (extended == 8 && out.length <= UINT16_MAX)) {
    return malformed("length not in its shortest form");
  }
  if (out.length >> 63U != 0) return malformed("length over 63 bits");
  if (bytes.size() < size) return {};
  out.final = (first & kFinal) != 0;
  out.opcode = static_cast<Opcode>(first & kOpcode);
  if (out.masked) std::memcpy(out.key.data(), bytes.data() + 2 + extended, out.key.size());
  return {HeaderOutcome::State::Complete, size, ""};
}

std::size_t write_header(const FrameHeader& header, std::span<char, FrameHeader::kMaxSize> out) {
  std::size_t size = 0;
  const auto put = [&](std::uint64_t value) { out[size++] = static_cast<char>(static_cast<std::uint8_t>(value)); };
  put(static_cast<std::uint8_t>(header.opcode) | (header.final ? kFinal : 0U));
  const std::uint8_t short_length = header.length > UINT16_MAX   ? kLength64
                                    : header.length >= kLength16 ? kLength16
                                                                 : static_cast<std::uint8_t>(header.length);
  put(short_length | (header.masked ? kMasked : 0U));
  for (std::size_t left = length_octets(short_length); left > 0; --left) put(header.length >> (8 * (left - 1)));
  if (header.masked) {
    for (const std::uint8_t piece : header.key) put(piece);
  }
  return size;
}

void mask(std::span<char> octets, MaskKey key, std::uint64_t offset) {
  copy_masked({octets.data(), octets.size()}, octets.data(), key, offset);
}

void copy_masked(std::string_view from, char* to, MaskKey key, std::uint64_t offset) {
  // Eight octets are two turns of the key, so the word stays the same all along.
  const std::uint64_t word = key_word(key, offset);
  std::size_t at = 0;
  for (; at + sizeof word <= from.size(); at += sizeof word) {
    std::uint64_t piece = 0;
    std::memcpy(&piece, from.data() + at, sizeof piece);
    piece ^= word;
    std::memcpy(to + at, &piece, sizeof piece);
  }
  for (; at < from.size(); ++at) {
    to[at] = static_cast<char>(static_cast<std::uint8_t>(from[at]) ^ key[(offset + at) % key.size()]);
  }
}

MaskKey new_mask_key() {
  MaskKey key;
  fill_random(std::as_writable_bytes(std::span(key)));
  return key;
}

}  // namespace sluice::http::websocket
