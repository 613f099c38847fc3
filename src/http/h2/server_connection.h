// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "http/connection.h"
#include "http/h2/server_exchange.h"
#include "http/h2/session.h"
#include "http/h2/stream_ids.h"
#include "http/server_stream.h"
#include "http/time_spent.h"
#include "net/stream.h"
#include "rt/timer_wheel.h"

namespace sluice::http::h2 {

/// An HTTP/2 connection of a client: runs one exchange per stream.
class ServerConnection final : public Connection, public Session, private rt::Timer {
 public:
  static constexpr std::int32_t kStreamWindow = 256 * 1024;
  static constexpr std::int32_t kConnectionWindow = 1024 * 1024;

  /// `stream` is connected (and past its TLS handshake); everything given outlives the connection.
  ServerConnection(std::unique_ptr<net::Stream> stream, const ServerOptions& options, Handler& handler,
                   ExchangePool& pool, ConnectionInfo info);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;
  ~ServerConnection() override;

  Task<void> serve() override;
  /// Tells the client to open no more streams (GOAWAY, twice: RFC 9113, 6.8), finishes those it has, then closes.
  /// Graceful whatever `idle` says: GOAWAY first says that this is the end, then which request was the last.
  void drain(Idle idle = Idle::Keep) override;
  [[nodiscard]] bool is_idle() const override { return idle_; }
  void seed(std::string_view bytes) override { input_.seed(bytes); }

  // For exchanges.
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const ConnectionInfo& info() const { return info_; }
  [[nodiscard]] Handler& handler() const { return handler_; }
  /// The client may send no content now: what its streams hold fills the connection's window.
  [[nodiscard]] bool is_window_full() const;
  /// For how long in all that has been so.
  [[nodiscard]] std::int64_t held_back_ms() const;

 private:
  enum class Phase : std::uint8_t { Fresh, Serving, Draining, Failed, Lingering };

  void begin_request(std::int32_t id) override;
  void control_frame(const nghttp2_frame& frame) override;
  void reset_sent(std::int32_t id) override;
  bool is_suspect(const FrameHeader& frame) override;
  void judge(const FrameHeader& frame) override;
  bool take_input(std::string_view bytes) override;
  void attend(SessionStream& stream) override;
  void before_gathering() override;
  void settled() override { watch_idleness(); }
  void fail(std::uint32_t code, std::string_view why) override;
  [[nodiscard]] bool has_failed() const override { return phase_ == Phase::Failed || phase_ == Phase::Lingering; }
  void finished() override;
  [[nodiscard]] std::int64_t send_timeout_ms() const override { return options_.send_timeout_ms; }

  void open_window();
  void watch_window();
  void destroy(ServerExchange& exchange) noexcept;
  void destroy_all() noexcept;
  void end_drain();
  void watch_idleness();
  void expire() override;

  const ServerOptions& options_;
  Handler& handler_;
  ExchangePool& pool_;
  ConnectionInfo info_;
  StreamIds stream_ids_;
  StreamIds::Fault suspicion_ = StreamIds::Fault::None;
  Phase phase_ = Phase::Fresh;
  bool idle_ = false;
  bool goaway_final_ = false;
  std::uint64_t discarded_ = 0;  // octets, while lingering
  TimeSpent held_back_;          // while the client might not send
  Task<void> writing_ = Task<void>::done();
};

}  // namespace sluice::http::h2
