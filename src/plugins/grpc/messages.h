// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

// How gRPC, and gRPC-Web with it, puts messages into content: an octet of flags, four of length, the message.
namespace sluice::plugins::grpc {

inline constexpr std::uint8_t kMessage = 0x00;
inline constexpr std::uint8_t kCompressed = 0x01;
inline constexpr std::uint8_t kTrailers = 0x80;  // only gRPC-Web

/// The largest message that is taken apart: 10 MiB, as all that is buffered.
inline constexpr std::size_t kMostOctets = std::size_t{10} << 20U;

void append_frame(std::string& out, std::uint8_t flags, std::string_view payload);

/// Finds the messages in content that comes in pieces.
class MessageSplitter {
 public:
  void append(std::string_view bytes) {
    bytes_.erase(0, at_);
    at_ = 0;
    bytes_.append(bytes);
  }
  /// The next whole message, valid until append(); nothing: more has to come. Errors: too large, or compressed, which
  /// nobody asked for.
  Result<std::optional<std::string_view>> next();
  /// No message has begun.
  [[nodiscard]] bool empty() const { return at_ == bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace sluice::plugins::grpc
