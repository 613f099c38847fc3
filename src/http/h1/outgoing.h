// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/body.h"
#include "http/message.h"
#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::http::h1 {

/// Sends a head that has been put together in the reactor's output buffer, then a body, on an HTTP/1 connection.
/// What is at hand at once (head and first piece) leaves in one system call; the rest is pulled as the peer takes it,
/// by splice where both sides are plain sockets. `framing` is that of the wire: Length, Chunked, UntilClose or None.
///
/// `sent` counts octets as they leave. Errors of the source keep their blame; those of the sink get `sink_blame`.
struct Outgoing {
  // A small piece is put behind its head, so that one plain send() takes both.
  static constexpr std::size_t kBehindHead = 4 * 1024;
  /// What a head may take of the reactor's output buffer.
  static constexpr std::size_t kHeadRoom = rt::Reactor::kScratch - kBehindHead;

  net::Stream& sink;
  std::int64_t timeout_ms;  // between two writes
  Blame sink_blame;
  std::uint64_t sent = 0;

  /// Born ready when everything left at once. `head` must lie in the reactor's output buffer, which is free for use
  /// behind it. A null body sends the head alone.
  Task<Result<>> send(std::string_view head, BodyReader* body, Framing framing);

 private:
  struct Pieces;
  Task<Result<>> send_head_then_body(std::string_view head, BodyReader* body, Task<Result<Chunk>> first,
                                     Framing framing);
  Task<Result<>> relay(BodyReader& body, Framing framing);
  Task<Result<>> send_piece(Chunk chunk, BodyReader& body, Framing framing);
  Task<Result<>> write_all(std::string_view bytes);
  Task<Result<>> splice(BodyReader& body, SpliceSource source);
  [[nodiscard]] std::unexpected<Error> sink_failed(net::Io::State state) const;
};

}  // namespace sluice::http::h1
