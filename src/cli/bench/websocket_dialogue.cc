// SPDX-License-Identifier: Apache-2.0
#include "cli/bench/websocket_dialogue.h"

#include <array>
#include <utility>

#include "base/base64.h"
#include "base/random.h"
#include "cli/bench/http_dialogue.h"
#include "http/websocket/frame.h"
#include "http/websocket/handshake.h"

namespace sluice::cli::bench {
namespace {

using http::websocket::FrameHeader;
using http::websocket::Opcode;

void append_frame(Opcode opcode, std::string_view payload, std::string& out) {
  FrameHeader header;
  header.opcode = opcode;
  header.masked = true;
  header.key = http::websocket::new_mask_key();
  header.length = payload.size();
  std::array<char, FrameHeader::kMaxSize> octets;
  out.append(octets.data(), http::websocket::write_header(header, octets));
  const std::size_t at = out.size();
  out.resize(at + payload.size());
  http::websocket::copy_masked(payload, out.data() + at, header.key, 0);
}

/// Sec-WebSocket-Key. RFC 6455, 4.1.
std::string new_key() {
  std::array<std::byte, 16> octets;
  fill_random(octets);
  return base64_encode({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

}  // namespace

WebSocketDialogue::WebSocketDialogue(std::string request, std::size_t size)
    : request_(std::move(request)), payload_(size, 'x') {}

void WebSocketDialogue::open(std::string& out) {
  const std::string key = new_key();
  accept_ = http::websocket::accept_value(key);
  upgraded_ = false;
  arrived_.clear();
  question_.clear();
  out += request_ + "Sec-WebSocket-Key: " + key + "\r\n\r\n";
}

void WebSocketDialogue::ask(std::uint64_t, std::string& out) {
  append_frame(Opcode::Binary, payload_, upgraded_ ? out : question_);
}

Dialogue::Progress WebSocketDialogue::take(std::string_view octets, std::string& out) {
  arrived_.append(octets);
  if (upgraded_) return take_frame(out);
  const auto end = arrived_.find("\r\n\r\n");
  if (end == std::string::npos) return Progress::Pending;
  const std::string_view head = std::string_view(arrived_).substr(0, end);
  if (!head.starts_with("HTTP/1.1 101 ")) return failed(arrived_.substr(0, arrived_.find("\r\n")));
  if (field(head, "sec-websocket-accept") != accept_) return failed("a handshake answered without its key");
  upgraded_ = true;
  arrived_.erase(0, end + 4);
  out += std::exchange(question_, {});
  return take_frame(out);
}

Dialogue::Progress WebSocketDialogue::take_frame(std::string& out) {
  for (;;) {
    FrameHeader header;
    const auto outcome = http::websocket::parse_header(arrived_, http::websocket::Role::Client, header);
    if (outcome.malformed()) return failed(std::string("a malformed frame: ") + outcome.why);
    if (!outcome.complete() || arrived_.size() - outcome.consumed < header.length) return Progress::Pending;
    const std::string payload = arrived_.substr(outcome.consumed, header.length);
    arrived_.erase(0, outcome.consumed + header.length);
    switch (header.opcode) {
      case Opcode::Ping:
        append_frame(Opcode::Pong, payload, out);
        break;
      case Opcode::Pong:
        break;
      case Opcode::Close:
        return failed("the server closed the WebSocket");
      default:
        if (payload != payload_ || !header.final) return failed("another message came back than was sent");
        return Progress::Done;
    }
  }
}

}  // namespace sluice::cli::bench
