// SPDX-License-Identifier: Apache-2.0
#include "http/h3/server_connection.h"

#include <algorithm>
#include <new>
#include <utility>

#include "base/log.h"
#include "rt/reactor.h"

namespace sluice::http::h3 {
namespace {

constexpr std::int64_t kShortestNoticeMs = 50;  // between the two GOAWAYs: four round trips, within these
constexpr std::int64_t kLongestNoticeMs = 1'000;
constexpr std::size_t kWindowSlack = 4 * 1024;        // less than this is no window to send content in
constexpr std::uint64_t kUniStreams = 8;              // control and QPACK take three
constexpr std::int64_t kIdleBeyondKeepAlive = 5'000;  // we end idle connections; the transport's limit is for the dead

bool is_request(std::int64_t id) {
  return (id & 3) == 0;
}

net::quic::Limits limits(const ServerOptions& options, std::int64_t handshake_ms) {
  return {.stream_window = ServerConnection::kStreamWindow,
          .connection_window = ServerConnection::kConnectionWindow,
          .streams = options.max_streams,
          .uni_streams = kUniStreams,
          .handshake_ms = handshake_ms,
          .idle_ms = options.keepalive_timeout_ms + kIdleBeyondKeepAlive};
}

std::string_view text_of(nghttp3_rcbuf* buffer) {
  const nghttp3_vec view = ::nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(view.base), view.len};
}

}  // namespace

/// What nghttp3 calls. Nothing but translation.
struct ServerConnection::Callbacks {
  static ServerConnection& of(void* data) { return *static_cast<ServerConnection*>(data); }
  static ServerExchange* exchange(void* data, std::int64_t id) { return of(data).find(id); }

  static int acked_stream_data(nghttp3_conn*, std::int64_t id, std::uint64_t octets, void* data, void*) {
    if (ServerExchange* found = exchange(data, id)) {
      found->acknowledged(octets);
      of(data).needs_attention(*found);
    }
    return 0;
  }
  static int recv_data(nghttp3_conn*, std::int64_t id, const std::uint8_t* octets, std::size_t size, void* data,
                       void*) {
    ServerConnection& connection = of(data);
    ServerExchange* found = connection.find(id);
    if (found == nullptr) {
      connection.transport_.consumed(id, size);
      return 0;
    }
    connection.unread_ += size;
    found->content({reinterpret_cast<const char*>(octets), size});
    connection.needs_attention(*found);
    return 0;
  }
  static int deferred_consume(nghttp3_conn*, std::int64_t id, std::size_t octets, void* data, void*) {
    of(data).transport_.consumed(id, octets);
    return 0;
  }
  static int recv_header(nghttp3_conn*, std::int64_t id, std::int32_t, nghttp3_rcbuf* name, nghttp3_rcbuf* value,
                         std::uint8_t, void* data, void*) {
    ServerExchange* found = exchange(data, id);
    if (found == nullptr || found->add_field(text_of(name), text_of(value))) return 0;
    of(data).fault_ = NGHTTP3_H3_EXCESSIVE_LOAD;
    return NGHTTP3_ERR_CALLBACK_FAILURE;
  }
  static int end_headers(nghttp3_conn*, std::int64_t id, int last, void* data, void*) {
    if (ServerExchange* found = exchange(data, id)) {
      found->head_complete(last != 0);
      of(data).needs_attention(*found);
    }
    return 0;
  }
  static int recv_trailer(nghttp3_conn*, std::int64_t id, std::int32_t, nghttp3_rcbuf* name, nghttp3_rcbuf* value,
                          std::uint8_t, void* data, void*) {
    ServerExchange* found = exchange(data, id);
    if (found != nullptr && !found->was_reset() && !found->add_trailer(text_of(name), text_of(value))) {
      found->cancel(NGHTTP3_H3_MESSAGE_ERROR);
      of(data).needs_attention(*found);
      of(data).note_reset();
    }
    return 0;
  }
  static int end_stream(nghttp3_conn*, std::int64_t id, void* data, void*) {
    if (ServerExchange* found = exchange(data, id)) {
      if (!found->was_reset()) found->content_complete();
      of(data).needs_attention(*found);
    }
    return 0;
  }
  static int stop_sending(nghttp3_conn*, std::int64_t id, std::uint64_t code, void* data, void*) {
    of(data).transport_.stop_stream(id, code);
    return 0;
  }
  static int reset_stream(nghttp3_conn*, std::int64_t id, std::uint64_t code, void* data, void*) {
    of(data).transport_.reset_stream(id, code);
    return 0;
  }

  static const nghttp3_callbacks& all() {
    static const nghttp3_callbacks kAll = [] {
      nghttp3_callbacks made{};
      made.acked_stream_data = acked_stream_data;
      made.recv_data = recv_data;
      made.deferred_consume = deferred_consume;
      made.recv_header = recv_header;
      made.end_headers = end_headers;
      made.recv_trailer = recv_trailer;
      made.end_stream = end_stream;
      made.stop_sending = stop_sending;
      made.reset_stream = reset_stream;
      return made;
    }();
    return kAll;
  }
};

ServerConnection::ServerConnection(net::quic::Endpoint& endpoint, const net::quic::Arrival& arrival,
                                   std::int64_t handshake_ms, const ServerOptions& options, Handler& handler,
                                   ExchangePool& pool, ConnectionInfo info)
    : options_(options),
      handler_(handler),
      pool_(pool),
      info_(std::move(info)),
      transport_(endpoint, arrival, limits(options, handshake_ms), *this),
      budget_(options.max_streams),
      over_(transport_.reactor()),
      streams_granted_(options.max_streams),
      idle_since_ms_(transport_.reactor().clock().mono_ms()) {}

ServerConnection::~ServerConnection() {
  phase_ = Phase::Over;
  destroy_all();
  if (session_ != nullptr) ::nghttp3_conn_del(session_);
}

Task<void> ServerConnection::serve() {
  if (transport_.is_over()) co_return;
  co_await over_.wait(rt::Deadline::never());
}

// --- the session ------------------------------------------------------------------------------------------------

bool ServerConnection::judge(int outcome) {
  if (outcome >= 0 || outcome == NGHTTP3_ERR_STREAM_NOT_FOUND) return true;
  if (outcome != NGHTTP3_ERR_CALLBACK_FAILURE) fault_ = ::nghttp3_err_infer_quic_app_error_code(outcome);
  static log::Counted refused(log::Level::Info, "http3.connection_refused");
  refused.hit({{"client", info_.peer.to_string()}, {"why", ::nghttp3_strerror(outcome)}});
  return false;
}

bool ServerConnection::open_session() {
  nghttp3_settings settings;
  nghttp3_settings_default(&settings);
  settings.max_field_section_size = options_.head.head_octets;
  if (!judge(nghttp3_conn_server_new(&session_, &Callbacks::all(), &settings, nullptr, this))) return false;
  ::nghttp3_conn_set_max_client_streams_bidi(session_, streams_granted_);
  const auto control = transport_.open_uni_stream();
  const auto encoder = transport_.open_uni_stream();
  const auto decoder = transport_.open_uni_stream();
  if (!control || !encoder || !decoder) {  // fewer than a client has to allow: RFC 9114, 6.2
    fault_ = NGHTTP3_H3_GENERAL_PROTOCOL_ERROR;
    return false;
  }
  return judge(::nghttp3_conn_bind_control_stream(session_, *control)) &&
         judge(::nghttp3_conn_bind_qpack_streams(session_, *encoder, *decoder));
}

bool ServerConnection::established() {
  info_.tls = true;
  info_.tls_info = transport_.handshake().info();
  phase_ = Phase::Serving;
  idle_since_ms_ = reactor().clock().mono_ms();
  if (!open_session()) return false;
  if (drain_wanted_) give_notice();
  return true;
}

bool ServerConnection::stream_opened(std::int64_t id) {
  if (!is_request(id)) return true;
  exchanges_.emplace(id, ::new (pool_.take()) ServerExchange(*this, id, reactor().clock().mono_ns()));
  return true;
}

ServerExchange* ServerConnection::find(std::int64_t id) const {
  const auto found = exchanges_.find(id);
  return found != exchanges_.end() ? found->second : nullptr;
}

/// A malformed message costs its stream (RFC 9114, 4.1.2); nghttp3 would leave the connection to its end.
bool ServerConnection::stream_data(std::int64_t id, std::string_view octets, bool last) {
  ServerExchange* exchange = is_request(id) ? find(id) : nullptr;
  if (exchange != nullptr) {
    exchange->count_received(octets.size());
    if (exchange->was_reset()) {
      transport_.consumed(id, octets.size());
      return true;
    }
  }
  const std::size_t unread = exchange != nullptr ? exchange->unread() : 0;
  const auto taken = ::nghttp3_conn_read_stream(session_, id, reinterpret_cast<const std::uint8_t*>(octets.data()),
                                                octets.size(), last ? 1 : 0);
  if (taken >= 0) {
    transport_.consumed(id, static_cast<std::uint64_t>(taken));
    return true;
  }
  const bool malformed = taken == NGHTTP3_ERR_MALFORMED_HTTP_HEADER || taken == NGHTTP3_ERR_MALFORMED_HTTP_MESSAGING;
  if (!malformed || exchange == nullptr) return judge(static_cast<int>(taken));
  exchange->cancel(NGHTTP3_H3_MESSAGE_ERROR);
  needs_attention(*exchange);
  note_reset();
  transport_.consumed(octets.size() - (exchange->unread() - unread));  // the content's come back with the exchange
  return true;
}

bool ServerConnection::stream_acknowledged(std::int64_t id, std::uint64_t octets) {
  return session_ == nullptr || judge(::nghttp3_conn_add_ack_offset(session_, id, octets));
}

bool ServerConnection::stream_closed(std::int64_t id, std::uint64_t code) {
  if (session_ != nullptr && !judge(::nghttp3_conn_close_stream(session_, id, code == 0 ? NGHTTP3_H3_NO_ERROR : code)))
    return false;
  if (!is_request(id)) {
    if ((id & 1) == 0) transport_.allow_streams(0, 1);
    return true;
  }
  if (ServerExchange* exchange = find(id)) {
    // Also who only stops the answer, which the transport carries out by itself, has cancelled a request.
    if (exchange->head_known() && !exchange->is_answered() && !exchange->was_reset()) note_reset();
    exchange->closed();
    needs_attention(*exchange);
  }
  return true;
}

/// Before there is an answer this means that none is wanted. Behind one, it is how a client stops its content.
void ServerConnection::stream_reset(std::int64_t id) {
  if (session_ != nullptr) ::nghttp3_conn_shutdown_stream_read(session_, id);
  ServerExchange* exchange = find(id);
  if (exchange == nullptr) return;
  if (exchange->response_started()) {
    exchange->cut_off();
  } else {
    exchange->cancel(NGHTTP3_H3_REQUEST_CANCELLED);
    note_reset();
  }
  needs_attention(*exchange);
}

void ServerConnection::note_reset() {
  if (!budget_.reset_sent(reactor().clock().mono_ms())) flood_ = true;  // settled() ends the connection
}

bool ServerConnection::stream_unblocked(std::int64_t id) {
  return session_ == nullptr || judge(::nghttp3_conn_unblock_stream(session_, id));
}

bool ServerConnection::next_piece(Piece& piece) {
  std::array<nghttp3_vec, std::tuple_size_v<decltype(piece.parts)>> parts;
  int last = 0;
  const auto count = ::nghttp3_conn_writev_stream(session_, &piece.stream, &last, parts.data(), parts.size());
  if (count < 0) return judge(static_cast<int>(count));
  piece.count = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < piece.count; ++i) piece.parts[i] = {parts[i].base, parts[i].len};
  piece.last = last != 0;
  return true;
}

bool ServerConnection::piece_taken(std::int64_t stream, std::size_t octets, bool last) {
  if (!judge(::nghttp3_conn_add_write_offset(session_, stream, octets))) return false;
  if (ServerExchange* exchange = is_request(stream) ? find(stream) : nullptr) {
    exchange->count_sent(octets);
    if (last) exchange->all_sent();
    needs_attention(*exchange);
  }
  return true;
}

void ServerConnection::piece_blocked(std::int64_t stream) {
  ::nghttp3_conn_block_stream(session_, stream);
}

void ServerConnection::piece_refused(std::int64_t stream) {
  ::nghttp3_conn_shutdown_stream_write(session_, stream);
}

// --- exchanges --------------------------------------------------------------------------------------------------

void ServerConnection::needs_attention(ServerExchange& exchange) {
  if (std::exchange(exchange.attention_, true)) return;
  attention_.push_back(&exchange);
  transport_.ask_to_send();  // settled() follows
}

void ServerConnection::give_up(std::int64_t id, std::uint64_t code) {
  transport_.reset_stream(id, code);
}

void ServerConnection::stop_reading(std::int64_t id) {
  transport_.stop_stream(id, NGHTTP3_H3_NO_ERROR);
}

void ServerConnection::consumed(const ServerExchange& exchange, std::size_t octets) {
  unread_ -= octets;
  transport_.consumed(exchange.id(), octets);
  watch_window();
}

void ServerConnection::attend(ServerExchange& exchange) {
  if (!exchange.is_over()) {
    const bool first = !exchange.has_started();
    exchange.attend();
    if (first && exchange.has_started() && ++info_.requests == options_.max_requests) drain(Idle::Keep);
  }
  if (exchange.is_over()) destroy(exchange);
}

void ServerConnection::attend_all() {
  while (!attention_.empty()) {
    attended_.swap(attention_);
    for (std::size_t i = 0; i < attended_.size(); ++i) {
      ServerExchange* const exchange = std::exchange(attended_[i], nullptr);
      if (exchange == nullptr) continue;
      exchange->attention_ = false;
      attend(*exchange);
    }
    attended_.clear();
  }
}

void ServerConnection::destroy(ServerExchange& exchange) noexcept {
  exchanges_.erase(exchange.id());
  std::ranges::replace(attended_, &exchange, nullptr);
  std::erase(attention_, &exchange);
  const std::size_t unread = exchange.unread();
  release(exchange.held());
  exchange.~ServerExchange();
  pool_.put(&exchange);
  if (phase_ == Phase::Over) return;
  unread_ -= unread;
  if (unread != 0) transport_.consumed(unread);
  transport_.allow_streams(1, 0);
  ::nghttp3_conn_set_max_client_streams_bidi(session_, ++streams_granted_);
  note_idleness();
}

bool ServerConnection::has_live_exchanges() const {
  return std::ranges::any_of(exchanges_, [](const auto& entry) { return entry.second->is_live(); });
}

void ServerConnection::note_idleness() {
  const bool idle = !has_live_exchanges();
  if (idle && !idle_) idle_since_ms_ = reactor().clock().mono_ms();
  idle_ = idle;
}

void ServerConnection::destroy_all() noexcept {
  while (!exchanges_.empty()) destroy(*exchanges_.begin()->second);
}

// --- windows ----------------------------------------------------------------------------------------------------

bool ServerConnection::is_window_full() const {
  return unread_ + kWindowSlack >= kConnectionWindow;
}

/// Called whenever the window may have filled up or been opened.
void ServerConnection::watch_window() {
  held_back_.note(is_window_full(), reactor().clock().mono_ms());
}

std::int64_t ServerConnection::held_back_ms() const {
  return held_back_.total_ms(reactor().clock().mono_ms());
}

// --- turns, and the end -----------------------------------------------------------------------------------------

void ServerConnection::settled() {
  watch_window();
  attend_all();
  if (phase_ == Phase::Over || !transport_.is_established()) return;
  if (flood_) return transport_.close(NGHTTP3_H3_EXCESSIVE_LOAD);
  note_idleness();
  if (phase_ == Phase::Draining && idle_) return transport_.close(NGHTTP3_H3_NO_ERROR);
  transport_.keep_alive(!idle_);
  arm_timer();
}

/// The server frees the connection in a turn of its own, since the transport is still on the stack.
void ServerConnection::ended() {
  phase_ = Phase::Over;
  destroy_all();
  reactor().timers().arm(*this, reactor().clock().mono_ms());
}

void ServerConnection::drain(Idle /*idle*/) {
  if (std::exchange(drain_wanted_, true) || phase_ != Phase::Serving) return;
  give_notice();
}

void ServerConnection::give_notice() {
  phase_ = Phase::Noticed;
  notice_ends_ms_ =
      reactor().clock().mono_ms() + std::clamp(4 * transport_.round_trip_ms(), kShortestNoticeMs, kLongestNoticeMs);
  ::nghttp3_conn_submit_shutdown_notice(session_);
  transport_.ask_to_send();
}

/// The client knows by now, so no request can be on its way any more.
void ServerConnection::end_drain() {
  phase_ = Phase::Draining;
  ::nghttp3_conn_shutdown(session_);
  transport_.ask_to_send();
}

/// Streams whose request is not there in time, from the first octet on.
void ServerConnection::end_late_heads() {
  const std::int64_t late_ns = reactor().clock().mono_ns() - options_.header_timeout_ms * 1'000'000;
  for (const auto& [id, exchange] : exchanges_) {
    if (exchange->head_known() || exchange->was_reset() || exchange->started_ns() > late_ns) continue;
    exchange->reset(NGHTTP3_H3_REQUEST_INCOMPLETE);
    note_reset();
  }
}

/// What is due next: the end of an idle connection, of a head that does not come, or the second GOAWAY.
void ServerConnection::arm_timer() {
  std::int64_t due_ms = INT64_MAX;
  if (phase_ == Phase::Noticed) due_ms = notice_ends_ms_;
  if (idle_) due_ms = std::min(due_ms, idle_since_ms_ + options_.keepalive_timeout_ms);
  for (const auto& [id, exchange] : exchanges_) {
    if (exchange->head_known() || exchange->was_reset()) continue;
    due_ms = std::min(due_ms, exchange->started_ns() / 1'000'000 + options_.header_timeout_ms + 1);
  }
  if (due_ms == INT64_MAX) return disarm();
  reactor().timers().arm(*this, due_ms);
}

void ServerConnection::expire() {
  if (phase_ == Phase::Over) return over_.wake();  // nothing of this is left behind it
  const std::int64_t now = reactor().clock().mono_ms();
  note_idleness();
  if (idle_ && now >= idle_since_ms_ + options_.keepalive_timeout_ms) {
    return transport_.close(NGHTTP3_H3_NO_ERROR);
  }
  if (phase_ == Phase::Noticed && now >= notice_ends_ms_) end_drain();
  end_late_heads();
  transport_.ask_to_send();
}

}  // namespace sluice::http::h3
