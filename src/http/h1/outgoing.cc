// SPDX-License-Identifier: Apache-2.0
#include "http/h1/outgoing.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>

#include "http/turn_share.h"
#include "net/pipe_pool.h"
#include "rt/reactor.h"

namespace sluice::http::h1 {
namespace {

// Below this, copying through the warm buffer is cheaper than the two system calls of a splice (engine.md, section 2).
constexpr std::uint64_t kSpliceFrom = 32 * 1024;

bool wants_splice(const std::optional<SpliceSource>& source) {
  return source && source->length >= kSpliceFrom;
}

std::string trailer_section(const BodyReader& body) {
  std::string text;
  if (const Headers* trailers = body.trailers()) {
    for (const Field& field : *trailers) {
      text.append(field.name).append(": ").append(field.value).append("\r\n");
    }
  }
  return text;
}

}  // namespace

/// One piece of content with what its framing puts around it, as parts of one system call.
struct Outgoing::Pieces {
  std::array<iovec, 7> parts;  // head, size line, content, its end, last chunk, trailers, end
  std::size_t count = 0;
  std::size_t total = 0;
  std::array<char, 20> size_line;
  std::string trailers;

  void add(std::string_view bytes) {
    if (bytes.empty()) return;
    parts[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
    total += bytes.size();
  }
  void add_chunk(const Chunk& chunk, const BodyReader& body, Framing framing) {
    if (framing.kind != Framing::Kind::Chunked) {
      add(chunk.bytes);
      return;
    }
    if (!chunk.bytes.empty()) {
      char* end = std::to_chars(size_line.data(), size_line.data() + 16, chunk.bytes.size(), 16).ptr;
      *end++ = '\r';
      *end++ = '\n';
      add({size_line.data(), static_cast<std::size_t>(end - size_line.data())});
      add(chunk.bytes);
      add("\r\n");
    }
    if (chunk.last) {
      add("0\r\n");
      trailers = trailer_section(body);
      add(trailers);
      add("\r\n");
    }
  }
  [[nodiscard]] std::string copy_from(std::size_t skip) const {
    std::string rest;
    rest.reserve(total - skip);
    for (std::size_t i = 0; i < count; ++i) {
      std::string_view part(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      std::size_t gone = std::min(skip, part.size());
      skip -= gone;
      rest.append(part.substr(gone));
    }
    return rest;
  }
};

std::unexpected<Error> Outgoing::sink_failed(net::Io::State state) const {
  if (state == net::Io::State::Closed) return fail(Errc::Closed, "connection closed by the receiver", sink_blame);
  return fail(Errc::Io, std::string("send: ") + std::strerror(errno), sink_blame);
}

Task<Result<>> Outgoing::send(std::string_view head, BodyReader* body, Framing framing) {
  Pieces pieces;
  bool last = true;
  if (body != nullptr && framing.kind != Framing::Kind::None) {
    Task<Result<Chunk>> first = body->read();
    if (!first.ready()) return send_head_then_body(head, body, std::move(first), framing);
    Result<Chunk> chunk = first.take();
    if (!chunk) return Result<>(std::unexpected(std::move(chunk).error()));
    last = chunk->last;
    char* behind = const_cast<char*>(head.data()) + head.size();
    if (framing.kind != Framing::Kind::Chunked && chunk->bytes.size() <= kBehindHead) {
      if (!chunk->bytes.empty()) std::memcpy(behind, chunk->bytes.data(), chunk->bytes.size());
      pieces.add({head.data(), head.size() + chunk->bytes.size()});
    } else {
      pieces.add(head);
      pieces.add_chunk(*chunk, *body, framing);
    }
  } else {
    pieces.add(head);
  }

  net::Io io = sink.write({pieces.parts.data(), pieces.count});
  if (!io.moved() && !io.blocked()) return Result<>(sink_failed(io.state));
  sent += io.octets;
  if (io.octets == pieces.total) {
    if (last) return Result<>{};
    return relay(*body, framing);
  }
  // A string parameter of a coroutine is moved into its frame: the octets there outlive this turn.
  struct Launch {
    static Task<Result<>> run(Outgoing& self, std::string rest, BodyReader* body, Framing framing, bool last) {
      CO_TRY(co_await self.write_all(rest));
      if (last) co_return Result<>{};
      co_return co_await self.relay(*body, framing);
    }
  };
  return Launch::run(*this, pieces.copy_from(io.octets), body, framing, last);
}

Task<Result<>> Outgoing::send_head_then_body(std::string_view head, BodyReader* body, Task<Result<Chunk>> first,
                                             Framing framing) {
  std::string kept(head);
  CO_TRY(co_await write_all(kept));
  CO_TRY(Chunk chunk, co_await first);
  first.reset();
  CO_TRY(co_await send_piece(chunk, *body, framing));
  if (chunk.last) co_return Result<>{};
  co_return co_await relay(*body, framing);
}

Task<Result<>> Outgoing::relay(BodyReader& body, Framing framing) {
  TurnShare share;
  for (;;) {
    if (framing.kind == Framing::Kind::Length && sink.is_plain()) {
      if (auto source = body.splice_source(); wants_splice(source)) co_return co_await splice(body, *source);
    }
    CO_TRY(Chunk chunk, co_await body.read());
    CO_TRY(co_await send_piece(chunk, body, framing));
    if (chunk.last) co_return Result<>{};
    if (share.spend(sink.reactor())) co_await TurnShare::rest(sink.reactor());
  }
}

Task<Result<>> Outgoing::send_piece(Chunk chunk, BodyReader& body, Framing framing) {
  Pieces pieces;
  pieces.add_chunk(chunk, body, framing);
  if (pieces.total == 0) return Result<>{};
  net::Io io = sink.write({pieces.parts.data(), pieces.count});
  if (!io.moved() && !io.blocked()) return Result<>(sink_failed(io.state));
  sent += io.octets;
  if (io.octets == pieces.total) return Result<>{};
  struct Launch {
    static Task<Result<>> run(Outgoing& self, std::string rest) { co_return co_await self.write_all(rest); }
  };
  return Launch::run(*this, pieces.copy_from(io.octets));
}

Task<Result<>> Outgoing::write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    net::Io io = sink.write(bytes);
    if (!io.moved() && !io.blocked()) co_return sink_failed(io.state);
    bytes.remove_prefix(io.octets);
    sent += io.octets;
    if (bytes.empty()) break;
    if (co_await sink.writable(sink.reactor().after_ms(timeout_ms)) == rt::Wake::TimedOut) {
      co_return fail(Errc::Timeout, "timed out while sending", sink_blame);
    }
  }
  co_return Result<>{};
}

Task<Result<>> Outgoing::splice(BodyReader& body, SpliceSource source) {
  net::SplicePipe pipe;
  net::Stream& from = *source.stream;
  std::uint64_t left = source.length;
  std::size_t held = 0;  // in the pipe
  TurnShare share;
  if (!pipe.is_open()) co_return fail(Errc::Unavailable, "no pipe for splicing: out of descriptors", Blame::System);
  while (left > 0 || held > 0) {
    if (left > 0 && held == 0) {
      ssize_t got = ::splice(from.fd(), nullptr, pipe.write_end(), nullptr,
                             static_cast<std::size_t>(std::min<std::uint64_t>(left, net::SplicePipe::kCapacity)),
                             SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (got > 0) {
        held = static_cast<std::size_t>(got);
        left -= held;
        pipe.set_held(held);
        body.spliced(held);
        if (share.spend(from.reactor())) co_await TurnShare::rest(from.reactor());
      } else if (got < 0 && errno == EAGAIN) {
        from.source().clear_readable();
        if (from.source().peer_closed())
          co_return fail(Errc::Closed, "connection closed in the middle of a message", source.blame);
        const rt::Clock& clock = from.reactor().clock();
        rt::Deadline until = source.patience->begin_wait(clock);
        while (co_await from.readable(until) == rt::Wake::TimedOut) {
          until = source.patience->wait_end();  // the rate may not matter any more
          if (!until.passed(clock)) continue;
          co_return fail(Errc::Timeout, "timed out waiting for content", source.blame);
        }
        source.patience->ended_wait(clock);
        continue;
      } else if (got == 0 || errno != EINTR) {
        co_return fail(Errc::Closed, "connection closed in the middle of a message", source.blame);
      }
    }
    while (held > 0) {
      ssize_t put = ::splice(pipe.read_end(), nullptr, sink.fd(), nullptr, held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      if (put > 0) {
        held -= static_cast<std::size_t>(put);
        sent += static_cast<std::size_t>(put);
        pipe.set_held(held);
      } else if (put < 0 && errno == EAGAIN) {
        sink.source().clear_writable();
        if (co_await sink.writable(sink.reactor().after_ms(timeout_ms)) == rt::Wake::TimedOut) {
          co_return fail(Errc::Timeout, "timed out while sending", sink_blame);
        }
      } else if (put == 0 || errno != EINTR) {
        co_return sink_failed(errno == EPIPE ? net::Io::State::Closed : net::Io::State::Failed);
      }
    }
  }
  co_return Result<>{};
}

}  // namespace sluice::http::h1
