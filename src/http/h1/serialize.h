// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sluice::http::h1 {

/// Puts a head together in a buffer that the caller lends. Writing past its end is remembered, not done.
class HeadWriter {
 public:
  HeadWriter(char* buffer, std::size_t capacity) : begin_(buffer), at_(buffer), end_(buffer + capacity) {}

  void text(std::string_view bytes) {
    if (static_cast<std::size_t>(end_ - at_) < bytes.size()) {
      overflow_ = true;
      return;
    }
    __builtin_memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void number(std::uint64_t value);
  void field(std::string_view name, std::string_view value) {
    text(name);
    text(": ");
    text(value);
    text("\r\n");
  }
  [[nodiscard]] std::string_view written() const { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }
  [[nodiscard]] bool overflow() const { return overflow_; }
  [[nodiscard]] char* position() const { return at_; }
  [[nodiscard]] std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  void advance(std::size_t octets) { at_ += octets; }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool overflow_ = false;
};

enum class Persistence : bool { Close, KeepAlive };

/// Writes a whole request head. Framing fields follow `head.framing`; those among its headers are ignored.
void write_request_head(HeadWriter& out, const RequestHead& head);

/// Writes a whole response head. `framing` is what will really be used on the wire.
void write_response_head(HeadWriter& out, const ResponseHead& head, Framing framing, Persistence persistence);

}  // namespace sluice::http::h1
