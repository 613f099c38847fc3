// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/arena.h"
#include "http/connection.h"
#include "http/exchange_pool.h"
#include "http/h1/body.h"
#include "http/h1/outgoing.h"
#include "http/h1/parser.h"
#include "http/input_buffer.h"
#include "http/server_stream.h"
#include "net/stream.h"

namespace sluice::http::h1 {

class ServerConnection;

/// One request on an HTTP/1 connection. Recycled: an idle connection has none.
class ServerExchange final : public ServerStream, private IncomingBody::FirstWait {
 public:
  ServerExchange(ServerConnection& connection, std::int64_t started_ns);

  [[nodiscard]] rt::Reactor& reactor() const override;
  [[nodiscard]] Arena& arena() override { return arena_; }
  [[nodiscard]] RequestHead& request() override { return request_; }
  [[nodiscard]] BodyReader* body() override { return request_.framing.has_body() ? &body_ : nullptr; }
  [[nodiscard]] const ConnectionInfo& connection() const override;
  [[nodiscard]] std::int64_t started_ns() const override { return started_ns_; }
  Task<Result<>> respond(ResponseHead& head, BodyReader* body) override;
  Task<Result<>> inform(int status) override;
  Task<Result<net::Stream*>> switch_protocols(ResponseHead& head, std::string_view& early) override;
  void close_after_response() override { keep_alive_ = false; }
  [[nodiscard]] bool response_started() const override { return response_started_; }
  [[nodiscard]] std::uint64_t octets_received() const override { return head_octets_ + body_.octets_read(); }
  [[nodiscard]] std::uint64_t octets_sent() const override { return outgoing_.sent; }
  [[nodiscard]] std::uint64_t head_octets_received() const override { return head_octets_; }
  [[nodiscard]] std::uint64_t head_octets_sent() const override { return response_head_octets_; }

 private:
  friend class ServerConnection;
  Task<Result<>> before_first_wait() override;
  [[nodiscard]] Framing wire_framing(const ResponseHead& head, const BodyReader* body);

  ServerConnection& connection_;
  InlineArena<4 * 1024> arena_;  // enough for most; a WebSocket keeps it for as long as it is open
  RequestHead request_;
  IncomingBody body_;
  Outgoing outgoing_;
  std::int64_t started_ns_;
  std::size_t head_octets_ = 0;
  std::size_t response_head_octets_ = 0;
  bool keep_alive_ = true;
  bool response_started_ = false;
  bool response_complete_ = false;
  bool expects_continue_ = false;
  bool tunnel_ = false;
};

using ExchangePool = http::ExchangePool<ServerExchange>;

/// An HTTP/1 connection of a client: reads requests, gives each to the handler, and keeps the order of responses by
/// handling one at a time (pipelined requests wait in the socket).
class ServerConnection final : public Connection {
 public:
  /// `stream` is connected (and past its TLS handshake); everything given outlives the connection.
  ServerConnection(std::unique_ptr<net::Stream> stream, const ServerOptions& options, Handler& handler,
                   ExchangePool& pool, ConnectionInfo info);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ~ServerConnection() override;

  Task<void> serve() override;
  void drain(Idle idle) override;
  [[nodiscard]] bool is_idle() const override { return idle_; }
  void seed(std::string_view bytes) override { input_.seed(bytes); }

 private:
  friend class ServerExchange;
  enum class HeadState : std::uint8_t { NeedMore, Ready, Malformed };
  struct Refusal {
    int status = 0;
    const char* why = "";
  };

  [[nodiscard]] HeadState try_head();
  [[nodiscard]] HeadState judge(ParseOutcome outcome);
  ServerExchange& new_exchange();
  void end_exchange() noexcept;
  [[nodiscard]] bool decide_persistence();
  Task<bool> finish_request();
  Task<bool> settle_request();
  Task<void> linger();
  [[nodiscard]] rt::Reactor& reactor() const { return stream_->reactor(); }

  std::unique_ptr<net::Stream> stream_;
  InputBuffer input_;
  const ServerOptions& options_;
  Handler& handler_;
  ExchangePool& pool_;
  ConnectionInfo info_;
  ServerExchange* exchange_ = nullptr;
  Refusal refusal_;
  std::int64_t head_started_ns_ = 0;
  bool draining_ = false;
  bool close_idle_ = false;
  bool idle_ = false;
};

}  // namespace sluice::http::h1
