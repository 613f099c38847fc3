// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

// Frames of RFC 6455, section 5. No I/O: this is shown octets and says what they are.
namespace sluice::http::websocket {

/// Which end of a connection we are.
enum class Role : std::uint8_t { Client, Server };

enum class Opcode : std::uint8_t { Continuation = 0, Text = 1, Binary = 2, Close = 8, Ping = 9, Pong = 10 };

[[nodiscard]] constexpr bool is_control(Opcode opcode) {
  return static_cast<std::uint8_t>(opcode) >= 8;
}

/// What a control frame may carry. RFC 6455, 5.5.
inline constexpr std::size_t kMaxControlPayload = 125;

using MaskKey = std::array<std::uint8_t, 4>;

/// What stands before each payload. RFC 6455, 5.2.
struct FrameHeader {
  static constexpr std::size_t kMaxSize = 14;  // octets

  bool final = true;
  Opcode opcode = Opcode::Binary;
  bool masked = false;
  MaskKey key{};             // of a masked frame
  std::uint64_t length = 0;  // octets of payload; below 2^63
};

struct HeaderOutcome {
  enum class State : std::uint8_t { Incomplete, Complete, Malformed };
  State state = State::Incomplete;
  std::size_t consumed = 0;  // octets of the header, when Complete
  const char* why = "";      // when Malformed; static text

  [[nodiscard]] bool complete() const { return state == State::Complete; }
  [[nodiscard]] bool malformed() const { return state == State::Malformed; }
};

/// Parses and judges one frame header as `receiver` must: no reserved bits (we offer no extensions), known opcodes,
/// whole and short control frames, lengths in their shortest form, a mask from clients and none from servers. Says
/// Malformed as early as the octets allow.
[[nodiscard]] HeaderOutcome parse_header(std::string_view bytes, Role receiver, FrameHeader& out);

/// Writes the header in its shortest form; returns how many octets it took.
std::size_t write_header(const FrameHeader& header, std::span<char, FrameHeader::kMaxSize> out);

/// Masks octets in place, or unmasks them: it is the same. `offset` is where in the payload they begin.
/// RFC 6455, 5.3.
void mask(std::span<char> octets, MaskKey key, std::uint64_t offset);

/// Copies octets and masks the copy.
void copy_masked(std::string_view from, char* to, MaskKey key, std::uint64_t offset);

/// A key that nobody can foresee. RFC 6455, 10.3.
[[nodiscard]] MaskKey new_mask_key();

}  // namespace sluice::http::websocket
