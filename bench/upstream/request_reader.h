// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::bench {

/// A request as far as the responder cares: how many bytes it asks for, and whether the connection goes on.
struct Request {
  std::size_t reply_bytes = 0;
  bool keep_alive = true;
};

/// Finds whole HTTP/1.1 requests in a stream of bytes and discards their bodies. It trusts its peer, a proxy of the
/// benchmark, so it is lenient where a server must be strict.
class RequestReader {
 public:
  /// Takes bytes that arrived.
  void feed(std::string_view bytes);
  /// The next complete request, body included; nothing when more bytes are needed.
  std::optional<Request> next();

 private:
  enum class State { Head, Body, ChunkSize, ChunkData, Trailer };

  bool read_head();
  bool read_chunk_size();
  bool skip(std::size_t& left);
  std::optional<std::string_view> take_line();
  [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(used_); }

  std::string buffer_;  // what arrived and is not consumed starts at used_
  std::size_t used_ = 0;
  std::size_t body_left_ = 0;
  State state_ = State::Head;
  Request request_;
};

}  // namespace sluice::bench
