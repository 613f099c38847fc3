// SPDX-License-Identifier: Apache-2.0
#include "http/h2/server_connection.h"

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::http::h2 {
namespace {

constexpr std::int64_t kDrainNoticeMs = 1'000;  // between the two GOAWAYs, unless the client answers the ping sooner
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::uint64_t kLingerOctets = 16 * 1024 * 1024;
constexpr std::array<std::uint8_t, 8> kDrainPing{'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

}  // namespace

ServerConnection::ServerConnection(std::unique_ptr<net::Stream> stream, const ServerOptions& options, Handler& handler,
                                   ExchangePool& pool, ConnectionInfo info)
    : Session(End::Server, std::move(stream), FrameBudget(options.max_streams)),
      options_(options),
      handler_(handler),
      pool_(pool),
      info_(std::move(info)) {
  open(std::array<nghttp2_settings_entry, 4>{{
           {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_streams},
           {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
           {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.head.head_octets)},
           {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
       }},
       kConnectionWindow);
}

ServerConnection::~ServerConnection() {
  closing_ = true;
  writing_.reset();
  destroy_all();
}

Task<void> ServerConnection::serve() {
  watch_idleness();
  writing_ = write_loop();
  writing_.start();
  return read_loop();
}

// --- exchanges --------------------------------------------------------------------------------------------------

void ServerConnection::begin_request(std::int32_t id) {
  enter(*::new (pool_.take()) ServerExchange(*this, id, reactor().clock().mono_ns()));
}

void ServerConnection::destroy(ServerExchange& exchange) noexcept {
  leave(exchange);
  const std::size_t unread = exchange.unread();
  exchange.~ServerExchange();
  pool_.put(&exchange);
  if (unread != 0 && !closing_) nghttp2_session_consume_connection(session_, unread);
}

void ServerConnection::destroy_all() noexcept {
  while (!streams_.empty()) destroy(static_cast<ServerExchange&>(*streams_.back()));
}

void ServerConnection::attend(SessionStream& stream) {
  auto& exchange = static_cast<ServerExchange&>(stream);
  if (!exchange.is_over()) {
    const bool first = !exchange.has_started();
    exchange.attend();
    if (first && exchange.has_started() && ++info_.requests == options_.max_requests) drain();
  }
  if (exchange.is_over()) destroy(exchange);
}

/// What the session resets by itself is malformed, or one stream too many: an honest client keeps to the limit as soon
/// as it knows it, and the budget leaves room for what it asked before. What an exchange resets failed behind us.
void ServerConnection::reset_sent(std::int32_t id) {
  auto* of = static_cast<SessionStream*>(nghttp2_session_get_stream_user_data(session_, id));
  if (of != nullptr && static_cast<ServerExchange*>(of)->was_reset_by_us()) return;
  if (budget_.reset_sent(reactor().clock().mono_ms())) return;
  fault_ = NGHTTP2_ENHANCE_YOUR_CALM;  // settle() ends the connection
}

// --- input ------------------------------------------------------------------------------------------------------

bool ServerConnection::take_input(std::string_view bytes) {
  if (phase_ == Phase::Lingering) {
    discarded_ += bytes.size();
    return discarded_ <= kLingerOctets;
  }
  receive(bytes);
  if (phase_ == Phase::Fresh) {
    phase_ = Phase::Serving;
    idle_ = false;  // another time-out applies from now on
    disarm();
  }
  return true;
}

bool ServerConnection::is_suspect(const FrameHeader& frame) {
  suspicion_ = stream_ids_.receive(frame);
  return suspicion_ != StreamIds::Fault::None;
}

void ServerConnection::judge(const FrameHeader& frame) {
  if (suspicion_ == StreamIds::Fault::Forbidden) {
    fault_ = NGHTTP2_PROTOCOL_ERROR;
  } else if (nghttp2_session_find_stream(session_, frame.stream) == nullptr) {
    fault_ = NGHTTP2_STREAM_CLOSED;
  }
}

void ServerConnection::control_frame(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_PING || (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0) return;
  if (std::equal(kDrainPing.begin(), kDrainPing.end(), frame.ping.opaque_data)) end_drain();
}

/// Ends the connection with GOAWAY; what was under way is cancelled once that has been sent.
void ServerConnection::fail(std::uint32_t code, std::string_view why) {
  phase_ = Phase::Failed;
  static log::Counted refused(log::Level::Info, "http2.connection_refused");
  refused.hit({{"client", info_.peer.to_string()}, {"why", why}});
  nghttp2_session_terminate_session(session_, code);
  ask_for_writer();
}

// --- windows ----------------------------------------------------------------------------------------------------

void ServerConnection::before_gathering() {
  open_window();
  watch_window();
}

/// nghttp2 opens the connection's window when half of it has been read. With more than that held by streams that nobody
/// reads, that never comes, and no other stream of the client could go on.
void ServerConnection::open_window() {
  if (!is_window_full()) return;
  std::size_t unread = 0;
  for (const SessionStream* stream : streams_) unread += stream->unread();
  const auto received = static_cast<std::size_t>(nghttp2_session_get_effective_recv_data_length(session_));
  if (received <= unread) return;
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(received - unread));
}

bool ServerConnection::is_window_full() const {
  return nghttp2_session_get_effective_recv_data_length(session_) >=
         nghttp2_session_get_effective_local_window_size(session_);
}

/// Called whenever the window may have filled up or been opened.
void ServerConnection::watch_window() {
  held_back_.note(is_window_full(), reactor().clock().mono_ms());
}

std::int64_t ServerConnection::held_back_ms() const {
  return held_back_.total_ms(reactor().clock().mono_ms());
}

// --- the end ----------------------------------------------------------------------------------------------------

void ServerConnection::drain(Idle /*idle*/) {
  if (phase_ != Phase::Fresh && phase_ != Phase::Serving) return;
  phase_ = Phase::Draining;
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kDrainPing.data());
  reactor().timers().arm(*this, reactor().after_ms(kDrainNoticeMs).at_ms);
  ask_for_writer();
}

/// The second GOAWAY: the client knows by now, so no request can be on its way any more.
void ServerConnection::end_drain() {
  if (phase_ != Phase::Draining || std::exchange(goaway_final_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  ask_for_writer();
}

/// Closes so that the client can read what was sent last: half-close, then discard for a short time. Closing with
/// unread octets would make the kernel reset the connection, and GOAWAY could be lost.
void ServerConnection::finished() {
  phase_ = Phase::Lingering;
  closing_ = true;
  destroy_all();
  stream_->shut_down_write();
  reactor().timers().arm(*this, reactor().after_ms(kLingerMs).at_ms);
}

/// Without streams a connection lasts as long as keep-alive allows. Only a request restarts that time.
void ServerConnection::watch_idleness() {
  if (phase_ != Phase::Fresh && phase_ != Phase::Serving) return;
  const bool idle = streams_.empty();
  if (idle && is_finished()) return ask_for_writer();  // the client has said goodbye
  if (idle == idle_) return;
  idle_ = idle;
  if (!idle) return disarm();
  const std::int64_t allowed = phase_ == Phase::Fresh ? options_.header_timeout_ms : options_.keepalive_timeout_ms;
  reactor().timers().arm(*this, reactor().after_ms(allowed).at_ms);
}

void ServerConnection::expire() {
  switch (phase_) {
    case Phase::Fresh:
    case Phase::Serving:
      phase_ = Phase::Failed;  // nothing is lost: there are no streams
      nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
      ask_for_writer();
      break;
    case Phase::Draining:
      end_drain();
      break;
    case Phase::Failed:
    case Phase::Lingering:
      hang_up();
      break;
  }
}

}  // namespace sluice::http::h2
