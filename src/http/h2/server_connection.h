// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "http/connection.h"
#include "http/h2/frame_budget.h"
#include "http/h2/frame_walk.h"
#include "http/h2/server_exchange.h"
#include "http/h2/stream_ids.h"
#include "http/input_buffer.h"
#include "http/server_stream.h"
#include "net/stream.h"
#include "rt/timer_wheel.h"

namespace sluice::http::h2 {

/// An HTTP/2 connection of a client. nghttp2 turns octets into events and answers into frames; this object moves the
/// octets, runs one exchange per stream, and holds the client to its budgets.
///
/// Two coroutines: serve() reads, write_loop() writes. Whatever makes frames only gathers them in the output buffer and
/// asks for the writer, which runs once at the end of the loop turn, so that all frames of one turn leave in one send.
/// Nothing is resumed or destroyed while nghttp2 is on the stack: its callbacks note what happened, and settle() acts.
class ServerConnection final : public Connection, private rt::Timer {
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
  void drain() override;
  void seed(std::string_view bytes) override { input_.seed(bytes); }

  // For exchanges.
  [[nodiscard]] nghttp2_session* session() const { return session_; }
  [[nodiscard]] rt::Reactor& reactor() const { return stream_->reactor(); }
  [[nodiscard]] const ServerOptions& options() const { return options_; }
  [[nodiscard]] const ConnectionInfo& info() const { return info_; }
  [[nodiscard]] Handler& handler() const { return handler_; }
  /// Puts every frame that may be sent now into the output buffer; the writer sends it at the end of the turn.
  void gather();
  /// The socket does not keep up: no more content, please.
  [[nodiscard]] bool output_full() const;
  /// The client may send no content now: what its streams hold fills the connection's window.
  [[nodiscard]] bool is_window_full() const;
  /// For how long in all that has been so.
  [[nodiscard]] std::int64_t held_back_ms() const;
  /// Has `exchange` looked at when nothing of nghttp2 is on the stack.
  void needs_attention(ServerExchange& exchange);

 private:
  struct Callbacks;
  struct WriterPause;
  enum class Phase : std::uint8_t { Fresh, Serving, Draining, Failed, Lingering };

  void open_session();
  void receive(std::string_view bytes);
  void feed(std::string_view bytes);
  void judge(const FrameHeader& header, StreamIds::Fault fault);
  void fail(std::uint32_t code, std::string_view why);
  [[nodiscard]] bool is_clients_fault(const nghttp2_frame& reset) const;
  void open_window();
  void watch_window();
  void settle();
  void attend(ServerExchange& exchange);
  void add_exchange(std::int32_t id);
  void destroy(ServerExchange& exchange) noexcept;
  void ask_for_writer();
  Task<void> write_loop();
  void drop_sent();
  Task<bool> flush_layer();
  void end_drain();
  void linger();
  void hang_up() noexcept;
  void watch_idleness();
  void expire() override;
  [[nodiscard]] bool is_finished() const;
  [[nodiscard]] std::string_view unsent() const { return std::string_view(output_).substr(output_sent_); }

  std::unique_ptr<net::Stream> stream_;
  InputBuffer input_;
  const ServerOptions& options_;
  Handler& handler_;
  ExchangePool& pool_;
  ConnectionInfo info_;
  FrameWalk frames_;
  FrameBudget budget_;
  StreamIds stream_ids_;
  nghttp2_session* session_ = nullptr;
  Phase phase_ = Phase::Fresh;
  std::uint32_t fault_ = NGHTTP2_NO_ERROR;  // what the client did that nghttp2 lets pass: the connection ends with it
  bool in_session_ = false;                 // nghttp2 is on the stack
  bool closing_ = false;                    // being destroyed
  bool writer_wanted_ = false;
  bool idle_ = false;
  bool goaway_final_ = false;
  std::int64_t held_since_ms_ = -1;
  std::int64_t held_ms_ = 0;
  std::string output_;
  std::size_t output_sent_ = 0;
  std::vector<ServerExchange*> exchanges_;
  std::vector<ServerExchange*> attention_;
  std::vector<ServerExchange*> attended_;
  std::coroutine_handle<> writer_;
  Task<void> writing_ = Task<void>::done();
};

}  // namespace sluice::http::h2
