// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "http/websocket/frame.h"

// For tests: frames as a peer puts them together, right or wrong.
namespace sluice::http::websocket {

inline constexpr MaskKey kTestKey = {0x37, 0xfa, 0x21, 0x3d};

struct TestFrame {
  Opcode opcode = Opcode::Text;
  std::string payload;
  bool final = true;
  bool masked = true;
  int reserved = 0;  // bits, 1 to 7
};

inline std::string octets_of(const TestFrame& frame) {
  std::array<char, FrameHeader::kMaxSize> head{};
  const std::size_t size = write_header({.final = frame.final,
                                         .opcode = frame.opcode,
                                         .masked = frame.masked,
                                         .key = kTestKey,
                                         .length = frame.payload.size()},
                                        head);
  std::string octets(head.data(), size);
  octets[0] = static_cast<char>(static_cast<unsigned char>(octets[0]) | static_cast<unsigned>(frame.reserved) << 4U);
  octets += frame.payload;
  if (frame.masked) mask({octets.data() + size, frame.payload.size()}, kTestKey, 0);
  return octets;
}

/// As a client sends it.
inline std::string client_frame(Opcode opcode, std::string_view payload, bool final = true) {
  return octets_of({.opcode = opcode, .payload = std::string(payload), .final = final});
}
/// As a server sends it.
inline std::string server_frame(Opcode opcode, std::string_view payload, bool final = true) {
  return octets_of({.opcode = opcode, .payload = std::string(payload), .final = final, .masked = false});
}
inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xffU)}.append(reason);
}

}  // namespace sluice::http::websocket
