// SPDX-License-Identifier: Apache-2.0
#include "http/h2/server_connection.h"

#include <array>
#include <new>
#include <utility>

#include <sys/socket.h>

#include "base/assert.h"
#include "base/log.h"
#include "http/turn_share.h"
#include "rt/reactor.h"

namespace sluice::http::h2 {
namespace {

constexpr std::size_t kOutputHighWater = 64 * 1024;
// What answers to control frames may add above that before a client that does not read them is given up.
constexpr std::size_t kOutputLimit = 1024 * 1024;
constexpr std::size_t kOutputKept = 16 * 1024;
constexpr std::int64_t kDrainNoticeMs = 1'000;  // between the two GOAWAYs, unless the client answers the ping sooner
constexpr std::int64_t kLingerMs = 2'000;
constexpr std::uint64_t kLingerOctets = 16 * 1024 * 1024;
constexpr std::size_t kReadsPerTurn = 16;
constexpr std::size_t kFrameHeader = 9;
constexpr std::array<std::uint8_t, 8> kDrainPing{'d', 'r', 'a', 'i', 'n', 'i', 'n', 'g'};

/// With what a connection ends whose session has given up.
std::uint32_t code_of(ssize_t failure) {
  switch (failure) {
    case NGHTTP2_ERR_FLOODED:
    case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS:
      return NGHTTP2_ENHANCE_YOUR_CALM;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
      return NGHTTP2_PROTOCOL_ERROR;
    default:
      return NGHTTP2_INTERNAL_ERROR;
  }
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

/// nghttp2's events. They run inside mem_recv and mem_send, so they note and never act.
struct ServerConnection::Callbacks {
  static ServerConnection& connection(void* user) { return *static_cast<ServerConnection*>(user); }
  static ServerExchange* exchange(nghttp2_session* session, std::int32_t id) {
    return static_cast<ServerExchange*>(nghttp2_session_get_stream_user_data(session, id));
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) connection(user).add_exchange(frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                    void* user) {
    ServerExchange* to = exchange(session, frame->hd.stream_id);
    if (to == nullptr) return 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
      return to->add_trailer(text(name, name_size), text(value, value_size)) ? 0
                                                                             : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (to->add_field(text(name, name_size), text(value, value_size))) return 0;
    connection(user).fault_ = NGHTTP2_ENHANCE_YOUR_CALM;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  /// nghttp2 would leave such fields out; the message is malformed (RFC 9113, 8.1.1).
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    ServerConnection& self = connection(user);
    const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_DATA: {
        ServerExchange* to = exchange(session, frame->hd.stream_id);
        if (to == nullptr) return 0;
        to->count_received(frame->hd.length + kFrameHeader, frame->hd.type == NGHTTP2_HEADERS);
        if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
          to->head_complete(ends_stream);
        if (ends_stream) to->content_complete();
        self.needs_attention(*to);
        return 0;
      }
      case NGHTTP2_PING:
        if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 &&
            text(frame->ping.opaque_data, 8) == text(kDrainPing.data(), 8)) {
          self.end_drain();
        }
        return 0;
      default:
        return 0;
    }
  }

  static int content(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void*) {
    if (ServerExchange* to = exchange(session, id)) {
      to->content(text(bytes, size));
    } else {
      nghttp2_session_consume_connection(session, size);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session* session, std::int32_t id, std::uint32_t, void* user) {
    ServerExchange* of = exchange(session, id);
    if (of == nullptr) return 0;
    of->closed();
    connection(user).needs_attention(*of);
    return 0;
  }

  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    ServerConnection& self = connection(user);
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      if (self.is_clients_fault(*frame) && !self.budget_.reset_sent(self.reactor().clock().mono_ms())) {
        self.fault_ = NGHTTP2_ENHANCE_YOUR_CALM;  // settle() ends the connection
      }
    } else if (frame->hd.type == NGHTTP2_HEADERS) {
      if (ServerExchange* of = exchange(session, frame->hd.stream_id))
        of->count_sent(frame->hd.length + kFrameHeader, true);
    }
    return 0;
  }

  /// Content goes from the exchange straight into the output buffer.
  static int send_content(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                          nghttp2_data_source* source, void* user) {
    ServerConnection& self = connection(user);
    auto& from = *static_cast<ServerExchange*>(source->ptr);
    SLUICE_ASSERT(frame->data.padlen == 0);  // we ask for no padding
    self.output_.append(text(head, kFrameHeader));
    self.output_.append(from.take_pending(size));
    from.count_sent(size + kFrameHeader, false);
    if (size != 0) self.budget_.content_sent();
    return 0;
  }

  static nghttp2_session_callbacks* table() {
    static nghttp2_session_callbacks* callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      if (nghttp2_session_callbacks_new(&made) != 0) throw std::bad_alloc();
      nghttp2_session_callbacks_set_on_begin_headers_callback(made, begin_headers);
      nghttp2_session_callbacks_set_on_header_callback(made, header);
      nghttp2_session_callbacks_set_on_invalid_header_callback(made, invalid_header);
      nghttp2_session_callbacks_set_on_frame_recv_callback(made, frame_received);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, content);
      nghttp2_session_callbacks_set_on_stream_close_callback(made, stream_closed);
      nghttp2_session_callbacks_set_on_frame_send_callback(made, frame_sent);
      nghttp2_session_callbacks_set_send_data_callback(made, send_content);
      return made;
    }();
    return callbacks;
  }
};

/// Where the writer waits until it is wanted.
struct ServerConnection::WriterPause {
  ServerConnection& self;
  std::coroutine_handle<> waiting = {};

  explicit WriterPause(ServerConnection& connection) : self(connection) {}
  WriterPause(const WriterPause&) = delete;
  WriterPause& operator=(const WriterPause&) = delete;
  ~WriterPause() {  // a cancelled wait
    if (!waiting) return;
    self.writer_ = {};
    self.reactor().forget_resumption(waiting);
  }
  [[nodiscard]] bool await_ready() const { return self.writer_wanted_; }
  void await_suspend(std::coroutine_handle<> caller) { self.writer_ = waiting = caller; }
  void await_resume() {
    waiting = {};
    self.writer_wanted_ = false;
  }
};

ServerConnection::ServerConnection(std::unique_ptr<net::Stream> stream, const ServerOptions& options, Handler& handler,
                                   ExchangePool& pool, ConnectionInfo info)
    : stream_(std::move(stream)),
      input_(stream_->reactor()),
      options_(options),
      handler_(handler),
      pool_(pool),
      info_(std::move(info)),
      budget_(options.max_streams) {
  open_session();
}

ServerConnection::~ServerConnection() {
  closing_ = true;
  writing_.reset();
  while (!exchanges_.empty()) destroy(*exchanges_.back());
  nghttp2_session_del(session_);
}

void ServerConnection::open_session() {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);  // the windows open as bodies are read
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_server_fallback_rfc7540_priorities(option, 0);
  const int failed = nghttp2_session_server_new2(&session_, Callbacks::table(), this, option);
  nghttp2_option_del(option);
  if (failed != 0) throw std::bad_alloc();

  const std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.head.head_octets)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

/// What the session resets by itself is malformed, or one stream too many: an honest client keeps to the limit as soon
/// as it knows it, and the budget leaves room for what it asked before. What an exchange resets failed behind us.
bool ServerConnection::is_clients_fault(const nghttp2_frame& reset) const {
  const ServerExchange* of = Callbacks::exchange(session_, reset.hd.stream_id);
  return of == nullptr || !of->was_reset_by_us();
}

// --- exchanges --------------------------------------------------------------------------------------------------

void ServerConnection::add_exchange(std::int32_t id) {
  auto* made = ::new (pool_.take()) ServerExchange(*this, id, reactor().clock().mono_ns());
  made->place_ = exchanges_.size();
  exchanges_.push_back(made);
  nghttp2_session_set_stream_user_data(session_, id, made);
}

void ServerConnection::destroy(ServerExchange& exchange) noexcept {
  exchanges_.back()->place_ = exchange.place_;
  std::swap(exchanges_[exchange.place_], exchanges_.back());
  exchanges_.pop_back();
  const std::size_t unread = exchange.unread();
  exchange.~ServerExchange();
  pool_.put(&exchange);
  if (unread != 0 && !closing_) nghttp2_session_consume_connection(session_, unread);
}

void ServerConnection::needs_attention(ServerExchange& exchange) {
  if (std::exchange(exchange.attention_, true)) return;
  attention_.push_back(&exchange);
  ask_for_writer();
}

void ServerConnection::attend(ServerExchange& exchange) {
  if (!exchange.is_over()) {
    const bool first = !exchange.started_;
    exchange.attend();
    if (first && exchange.started_ && ++info_.requests == options_.max_requests) drain();
  }
  // One that has asked again is looked at in the next round.
  if (exchange.is_over() && !exchange.attention_) destroy(exchange);
}

/// Acts on what the session has reported: starts handlers, resumes readers and writers of content, frees what is over.
/// Frames go first: a stream that nghttp2 has judged malformed is closed by them and never reaches its handler.
void ServerConnection::settle() {
  SLUICE_ASSERT(!in_session_);
  gather();
  while (!attention_.empty()) {
    attended_.clear();
    attended_.swap(attention_);
    for (ServerExchange* exchange : attended_) {
      exchange->attention_ = false;
      attend(*exchange);
    }
    gather();
  }
  if (fault_ != NGHTTP2_NO_ERROR && phase_ != Phase::Failed && phase_ != Phase::Lingering) {
    fail(fault_, nghttp2_http2_strerror(fault_));
    gather();
  }
  watch_idleness();
}

// --- input ------------------------------------------------------------------------------------------------------

/// Gives the session what came, up to the first frame that ends the connection.
void ServerConnection::receive(std::string_view bytes) {
  if (phase_ == Phase::Failed) return;
  std::size_t fed = 0;
  frames_.walk(bytes, [&](const FrameHeader& header, std::size_t begin) {
    if (!budget_.receive(header.type, header.flags, header.length, reactor().clock().mono_ms())) {
      fault_ = NGHTTP2_ENHANCE_YOUR_CALM;
    } else if (const StreamIds::Fault fault = stream_ids_.receive(header); fault != StreamIds::Fault::None) {
      // Whether nghttp2 still has that stream, and judges the frame itself, depends on what came before.
      feed(bytes.substr(fed, begin - fed));
      fed = begin;
      judge(header, fault);
    }
    if (fault_ != NGHTTP2_NO_ERROR) bytes = bytes.substr(0, begin);
    return fault_ == NGHTTP2_NO_ERROR && phase_ != Phase::Failed;
  });
  feed(bytes.substr(fed));
  if (fault_ != NGHTTP2_NO_ERROR && phase_ != Phase::Failed) fail(fault_, nghttp2_http2_strerror(fault_));
}

void ServerConnection::judge(const FrameHeader& header, StreamIds::Fault fault) {
  if (fault == StreamIds::Fault::Forbidden) {
    fault_ = NGHTTP2_PROTOCOL_ERROR;
  } else if (nghttp2_session_find_stream(session_, header.stream) == nullptr) {
    fault_ = NGHTTP2_STREAM_CLOSED;
  }
}

void ServerConnection::feed(std::string_view bytes) {
  if (phase_ == Phase::Failed || bytes.empty()) return;
  in_session_ = true;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  in_session_ = false;
  if (taken < 0) {
    const std::uint32_t code = fault_ != NGHTTP2_NO_ERROR ? fault_ : code_of(taken);
    return fail(code, nghttp2_strerror(static_cast<int>(taken)));
  }
  if (phase_ == Phase::Fresh) {
    phase_ = Phase::Serving;
    idle_ = false;  // another time-out applies from now on
    disarm();
  }
}

/// Ends the connection with GOAWAY; what was under way is cancelled once that has been sent.
void ServerConnection::fail(std::uint32_t code, std::string_view why) {
  phase_ = Phase::Failed;
  static log::Counted refused(log::Level::Info, "http2.connection_refused");
  refused.hit({{"client", info_.peer.to_string()}, {"why", why}});
  nghttp2_session_terminate_session(session_, code);
  ask_for_writer();
}

Task<void> ServerConnection::serve() {
  watch_idleness();
  writing_ = write_loop();
  writing_.start();
  std::uint64_t discarded = 0;
  std::size_t reads = 0;
  for (;;) {
    if (!input_.empty()) {
      if (phase_ == Phase::Lingering) {
        discarded += input_.pending().size();
        if (discarded > kLingerOctets) co_return;
      } else {
        receive(input_.pending());
      }
      input_.consume(input_.pending().size());
      if (phase_ != Phase::Lingering) settle();
    }
    if (!stream_->has_input()) {
      reads = 0;
      co_await stream_->readable(rt::Deadline::never());
    } else if (++reads == kReadsPerTurn) {
      reads = 0;  // others want their turn too
      co_await rt::Sleep(reactor(), reactor().after_ms(1));
    }
    const net::Io io = input_.fill(*stream_);
    if (!io.moved() && !io.blocked()) co_return;
  }
}

// --- output -----------------------------------------------------------------------------------------------------

/// nghttp2 opens the connection's window when half of it has been read. With more than that held by streams that nobody
/// reads, that never comes, and no other stream of the client could go on.
void ServerConnection::open_window() {
  if (!is_window_full()) return;
  std::size_t unread = 0;
  for (const ServerExchange* exchange : exchanges_) unread += exchange->unread();
  const auto received = static_cast<std::size_t>(nghttp2_session_get_effective_recv_data_length(session_));
  if (received <= unread) return;
  nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(received - unread));
}

bool ServerConnection::is_window_full() const {
  return nghttp2_session_get_effective_recv_data_length(session_) >=
         nghttp2_session_get_effective_local_window_size(session_);
}

/// Notes since when the client may not send, and for how long it might not. Called whenever either may have changed.
void ServerConnection::watch_window() {
  const std::int64_t now = reactor().clock().mono_ms();
  if (is_window_full()) {
    if (held_since_ms_ < 0) held_since_ms_ = now;
  } else if (held_since_ms_ >= 0) {
    held_ms_ += now - std::exchange(held_since_ms_, -1);
  }
}

std::int64_t ServerConnection::held_back_ms() const {
  return held_ms_ + (held_since_ms_ < 0 ? 0 : reactor().clock().mono_ms() - held_since_ms_);
}

void ServerConnection::gather() {
  if (closing_ || in_session_) return;
  open_window();
  watch_window();
  in_session_ = true;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size <= 0) break;
    output_.append(text(bytes, static_cast<std::size_t>(size)));
  }
  in_session_ = false;
  if (!unsent().empty()) ask_for_writer();
}

bool ServerConnection::output_full() const {
  return output_.size() - output_sent_ >= kOutputHighWater;
}

void ServerConnection::ask_for_writer() {
  if (closing_ || std::exchange(writer_wanted_, true)) return;
  if (writer_) reactor().resume_soon(std::exchange(writer_, {}));
}

Task<void> ServerConnection::write_loop() {
  TurnShare share;
  for (;;) {
    settle();
    if (unsent().size() > kOutputLimit) break;
    if (!unsent().empty()) {
      const net::Io io = stream_->write(unsent());
      if (io.moved()) {
        output_sent_ += io.octets;
        drop_sent();
        if (share.spend(reactor())) co_await TurnShare::rest(reactor());
        continue;
      }
      if (!io.blocked()) break;
      if (co_await stream_->writable(reactor().after_ms(options_.send_timeout_ms)) == rt::Wake::TimedOut) break;
      continue;
    }
    if (!stream_->is_plain() && !co_await flush_layer()) break;
    if (is_finished()) {
      linger();
      co_return;
    }
    co_await WriterPause(*this);
  }
  hang_up();
}

void ServerConnection::drop_sent() {
  if (!unsent().empty() && output_sent_ < kOutputHighWater) return;
  output_.erase(0, output_sent_);
  output_sent_ = 0;
  if (!output_.empty()) return;
  if (output_.capacity() > kOutputKept) output_.shrink_to_fit();
  for (ServerExchange* exchange : exchanges_) exchange->unpause();
}

Task<bool> ServerConnection::flush_layer() {
  for (;;) {
    const net::Io io = stream_->layer()->flush(*stream_);
    if (io.moved()) co_return true;
    if (!io.blocked()) co_return false;
    if (co_await stream_->writable(reactor().after_ms(options_.send_timeout_ms)) == rt::Wake::TimedOut) co_return false;
  }
}

// --- the end ----------------------------------------------------------------------------------------------------

bool ServerConnection::is_finished() const {
  if (nghttp2_session_want_write(session_) != 0) return false;
  return phase_ == Phase::Failed || nghttp2_session_want_read(session_) == 0;
}

void ServerConnection::drain() {
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
void ServerConnection::linger() {
  phase_ = Phase::Lingering;
  closing_ = true;
  while (!exchanges_.empty()) destroy(*exchanges_.back());
  attention_.clear();
  stream_->shut_down_write();
  reactor().timers().arm(*this, reactor().after_ms(kLingerMs).at_ms);
}

/// Makes serve() end.
void ServerConnection::hang_up() noexcept {
  if (stream_->is_open()) ::shutdown(stream_->fd(), SHUT_RDWR);
}

/// Without streams a connection lasts as long as keep-alive allows. Only a request restarts that time.
void ServerConnection::watch_idleness() {
  if (phase_ != Phase::Fresh && phase_ != Phase::Serving) return;
  const bool idle = exchanges_.empty();
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
