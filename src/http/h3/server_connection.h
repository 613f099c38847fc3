// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nghttp3/nghttp3.h>

#include "http/connection.h"
#include "http/h2/frame_budget.h"
#include "http/h3/server_exchange.h"
#include "http/server_stream.h"
#include "http/time_spent.h"
#include "net/quic/connection.h"
#include "rt/timer_wheel.h"
#include "rt/waiter.h"

namespace sluice::http::h3 {

/// An HTTP/3 connection of a client: nghttp3 between a QUIC connection and one exchange per request.
///
/// Requests are decoded without QPACK's dynamic table: clients then need no memory of ours, and no request waits for
/// another stream.
class ServerConnection final : public Connection, private net::quic::Application, private rt::Timer {
 public:
  /// What a client may send ahead, in octets; as over HTTP/2.
  static constexpr std::uint64_t kStreamWindow = 256 * 1024;
  static constexpr std::uint64_t kConnectionWindow = 1024 * 1024;

  /// Everything given outlives the connection. The handshake takes `handshake_ms` at most.
  ServerConnection(net::quic::Endpoint& endpoint, const net::quic::Arrival& arrival, std::int64_t handshake_ms,
                   const ServerOptions& options, Handler& handler, ExchangePool& pool, ConnectionInfo info);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ~ServerConnection() override;

  Task<void> serve() override;
  /// GOAWAY twice (RFC 9114, 5.2), and the end when the last request is answered; whatever `idle` says, as over HTTP/2.
  void drain(Idle idle) override;
  [[nodiscard]] bool is_idle() const override {
    return phase_ == Phase::Serving && !drain_wanted_ && !has_live_exchanges();
  }
  void seed(std::string_view /*bytes*/) override {}
  [[nodiscard]] net::quic::Connection& transport() { return transport_; }

  // For exchanges.
  [[nodiscard]] nghttp3_conn* session() const { return session_; }
  [[nodiscard]] rt::Reactor& reactor() const { return transport_.reactor(); }
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const ConnectionInfo& info() const { return info_; }
  [[nodiscard]] Handler& handler() const { return handler_; }
  [[nodiscard]] ServerExchange* find(std::int64_t id) const;
  void ask_to_send() { transport_.ask_to_send(); }
  /// Has `exchange` looked at when nothing of the session is on the stack.
  void needs_attention(ServerExchange& exchange);
  void give_up(std::int64_t id, std::uint64_t code);
  void stop_reading(std::int64_t id);
  /// Content has been read: the client may send as much again.
  void consumed(const ServerExchange& exchange, std::size_t octets);
  /// The client may send no content now: what its streams hold fills the connection's window.
  [[nodiscard]] bool is_window_full() const;
  /// For how long in all that has been so.
  [[nodiscard]] std::int64_t held_back_ms() const;
  // Octets of responses that are kept until the client acknowledges them.
  void keep(std::size_t octets) { kept_ += octets; }
  void release(std::size_t octets) { kept_ -= octets; }
  [[nodiscard]] std::size_t kept() const { return kept_; }

 private:
  struct Callbacks;
  friend struct Callbacks;
  enum class Phase : std::uint8_t { Fresh, Serving, Noticed, Draining, Over };

  // net::quic::Application
  bool established() override;
  bool stream_opened(std::int64_t id) override;
  bool stream_data(std::int64_t id, std::string_view octets, bool last) override;
  bool stream_acknowledged(std::int64_t id, std::uint64_t octets) override;
  bool stream_closed(std::int64_t id, std::uint64_t code) override;
  void stream_reset(std::int64_t id) override;
  bool stream_unblocked(std::int64_t id) override;
  void peer_moved() override { info_.peer = transport_.peer(); }
  [[nodiscard]] std::uint64_t fault() const override { return fault_; }
  bool next_piece(Piece& piece) override;
  bool piece_taken(std::int64_t stream, std::size_t octets, bool last) override;
  void piece_blocked(std::int64_t stream) override;
  void piece_refused(std::int64_t stream) override;
  void settled() override;
  void ended() override;

  void expire() override;
  [[nodiscard]] bool open_session();
  /// Ends the connection for what the session complains about.
  [[nodiscard]] bool judge(int outcome);
  /// A stream failed because of what the client did: it may do so now and then.
  void note_reset();
  void attend(ServerExchange& exchange);
  void attend_all();
  [[nodiscard]] bool has_live_exchanges() const;
  void note_idleness();
  void destroy(ServerExchange& exchange) noexcept;
  void destroy_all() noexcept;
  void give_notice();
  void end_drain();
  void end_late_heads();
  void watch_window();
  void arm_timer();

  const ServerOptions& options_;
  Handler& handler_;
  ExchangePool& pool_;
  ConnectionInfo info_;
  net::quic::Connection transport_;
  nghttp3_conn* session_ = nullptr;
  std::unordered_map<std::int64_t, ServerExchange*> exchanges_;
  std::vector<ServerExchange*> attention_;
  std::vector<ServerExchange*> attended_;  // null: has gone meanwhile
  h2::FrameBudget budget_;
  rt::Waiter over_;
  Phase phase_ = Phase::Fresh;
  bool drain_wanted_ = false;
  bool flood_ = false;
  bool idle_ = true;  // as of the last turn
  std::uint64_t fault_ = NGHTTP3_H3_INTERNAL_ERROR;
  std::uint64_t streams_granted_;
  std::int64_t idle_since_ms_;
  std::int64_t notice_ends_ms_ = 0;
  std::size_t unread_ = 0;  // octets of content that nobody has read yet
  std::size_t kept_ = 0;
  TimeSpent held_back_;  // while the client might not send
};

}  // namespace sluice::http::h3
