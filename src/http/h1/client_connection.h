// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "http/client_stream.h"
#include "http/h1/body.h"
#include "http/h1/outgoing.h"
#include "http/h1/parser.h"
#include "http/input_buffer.h"
#include "net/stream.h"
#include "rt/reactor.h"

namespace sluice::http::h1 {

/// A connection to an upstream, used for one request at a time.
class ClientConnection {
 public:
  explicit ClientConnection(rt::Reactor& reactor) : ClientConnection(reactor, std::make_unique<net::Stream>()) {}
  /// `stream` may be connected already.
  ClientConnection(rt::Reactor& reactor, std::unique_ptr<net::Stream> stream)
      : owned_(std::move(stream)), stream_(*owned_), input_(reactor) {}
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  [[nodiscard]] net::Stream& stream() { return stream_; }
  /// An idle connection on which the peer sent something or closed is of no use.
  [[nodiscard]] bool is_stale() const { return !stream_.is_open() || !input_.empty() || stream_.source().readable(); }
  /// As is_stale(), after asking the kernel where the last read could not tell whether it left anything (splice).
  [[nodiscard]] bool is_quiet();
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  void count_request() { ++requests_; }

 private:
  friend class ClientExchange;
  std::unique_ptr<net::Stream> owned_;
  net::Stream& stream_;
  InputBuffer input_;
  std::uint64_t requests_ = 0;
};

/// One request on a client connection. The connection outlives it.
class ClientExchange final : public ClientStream {
 public:
  /// What an upstream may take; it is judged as strictly as a client, but may send larger heads (many cookies).
  struct Limits {
    std::int64_t send_ms;
    std::int64_t read_ms;
    std::size_t head_octets = 56 * 1024;  // of a response; together with our own fields it has to fit kHeadRoom
  };
  ClientExchange(ClientConnection& connection, Arena& arena, Limits limits);

  /// The content will go to a plain socket: what comes together with the head is kept small, so that the rest of a
  /// large response can be spliced instead of copied.
  void leave_content_for_splicing() { first_read_ = connection_.stream_.is_plain() ? kHeadRead : first_read_; }

  Task<Result<>> send(const RequestHead& head, BodyReader* body) override;
  Task<Result<>> receive(ResponseHead& head) override;
  [[nodiscard]] BodyReader* body() override { return framing_.has_body() ? &body_ : nullptr; }
  [[nodiscard]] bool received_anything() const override { return received_anything_; }
  [[nodiscard]] bool reusable() const override { return keep_alive_ && head_complete_ && body_.complete() && sent_; }
  [[nodiscard]] net::Stream* take_tunnel(std::string_view& early) override;

 private:
  static constexpr std::size_t kHeadRead = 16 * 1024;  // most responses fit whole
  enum class HeadState : std::uint8_t { NeedMore, Ready, Failed };
  [[nodiscard]] Result<HeadState> try_head(ResponseHead& head);
  [[nodiscard]] Result<> skip_interim(std::string_view text);
  Task<Result<>> wait_and_receive(ResponseHead& head);
  [[nodiscard]] bool decide_persistence(const ResponseHead& head) const;
  [[nodiscard]] std::unexpected<Error> closed_early() const;

  ClientConnection& connection_;
  Arena& arena_;
  std::int64_t read_timeout_ms_;
  HeadLimits limits_;
  IncomingBody body_;
  Outgoing outgoing_;
  std::string_view method_;
  Framing framing_;
  unsigned interim_heads_ = 0;
  std::size_t first_read_ = rt::Reactor::kScratch;
  bool sent_ = false;
  bool keep_alive_ = false;
  bool received_anything_ = false;
  bool head_complete_ = false;
};

}  // namespace sluice::http::h1
