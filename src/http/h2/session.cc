// SPDX-License-Identifier: Apache-2.0
#include "http/h2/session.h"

#include <algorithm>
#include <new>
#include <utility>

#include <sys/socket.h>

#include "base/assert.h"
#include "http/h2/session_memory.h"
#include "http/turn_share.h"

namespace sluice::http::h2 {
namespace {

constexpr std::size_t kOutputHighWater = 64 * 1024;
// What answers to control frames may add above that before a peer that does not read them is given up.
constexpr std::size_t kOutputLimit = 1024 * 1024;
constexpr std::size_t kOutputKept = 16 * 1024;
constexpr std::size_t kReadsPerTurn = 16;
constexpr std::size_t kFrameHeader = 9;
// The peer's table holds about as many fields of ours: by then a name may have been pushed out.
constexpr std::uint64_t kHeadsBetweenNames = 64;

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
struct Session::Callbacks {
  static Session& session(void* user) { return *static_cast<Session*>(user); }
  static SessionStream* stream(nghttp2_session* handle, std::int32_t id) {
    return static_cast<SessionStream*>(nghttp2_session_get_stream_user_data(handle, id));
  }

  static int begin_headers(nghttp2_session* handle, const nghttp2_frame* frame, void* user) {
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) session(user).begin_request(frame->hd.stream_id);
    session(user).in_head_ = stream(handle, frame->hd.stream_id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
    SessionStream* to = session(user).in_head_;
    if (to == nullptr) return 0;
    if (to->head_known()) {
      return to->add_trailer(text(name, name_size), text(value, value_size)) ? 0
                                                                             : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    if (to->add_field(text(name, name_size), text(value, value_size))) return 0;
    session(user).fault_ = NGHTTP2_ENHANCE_YOUR_CALM;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  /// nghttp2 would leave such fields out; the message is malformed (RFC 9113, 8.1.1).
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session* handle, const nghttp2_frame* frame, void* user) {
    const bool is_head = frame->hd.type == NGHTTP2_HEADERS;
    if (!is_head && frame->hd.type != NGHTTP2_DATA) {
      session(user).control_frame(*frame);
      return 0;
    }
    SessionStream* to = stream(handle, frame->hd.stream_id);
    if (to == nullptr) return 0;
    const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    to->count_received(frame->hd.length + kFrameHeader, is_head);
    if (is_head && !to->head_known()) to->head_complete(ends_stream);
    if (ends_stream) to->content_complete();
    session(user).needs_attention(*to);
    return 0;
  }

  static int content(nghttp2_session* handle, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                     std::size_t size, void*) {
    if (SessionStream* to = stream(handle, id)) {
      to->content(text(bytes, size));
    } else {
      nghttp2_session_consume_connection(handle, size);
    }
    return 0;
  }

  static int stream_closed(nghttp2_session* handle, std::int32_t id, std::uint32_t code, void* user) {
    SessionStream* of = stream(handle, id);
    if (of == nullptr) return 0;
    of->closed(code);
    session(user).needs_attention(*of);
    return 0;
  }

  static int frame_sent(nghttp2_session* handle, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      session(user).reset_sent(frame->hd.stream_id);
    } else if (frame->hd.type == NGHTTP2_HEADERS) {
      if (SessionStream* of = stream(handle, frame->hd.stream_id))
        of->count_sent(frame->hd.length + kFrameHeader, true);
    }
    return 0;
  }

  /// Content goes from the stream straight into the output buffer.
  static int send_content(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                          nghttp2_data_source* source, void* user) {
    Session& self = session(user);
    auto& from = *static_cast<SessionStream*>(source->ptr);
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
struct Session::WriterPause {
  Session& self;
  std::coroutine_handle<> waiting = {};

  explicit WriterPause(Session& session) : self(session) {}
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

Session::Session(End end, std::unique_ptr<net::Stream> stream, FrameBudget budget)
    : stream_(std::move(stream)),
      input_(stream_->reactor()),
      budget_(budget),
      end_(end),
      frames_(end == End::Server ? FrameWalk::Begin::WithPreface : FrameWalk::Begin::WithFrame) {}

Session::~Session() {
  nghttp2_session_del(session_);
}

void Session::open(std::span<const nghttp2_settings_entry> settings, std::int32_t window) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);  // the windows open as bodies are read
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_server_fallback_rfc7540_priorities(option, 0);
  const int failed = end_ == End::Server
                         ? nghttp2_session_server_new3(&session_, Callbacks::table(), this, option, session_memory())
                         : nghttp2_session_client_new3(&session_, Callbacks::table(), this, option, session_memory());
  nghttp2_option_del(option);
  if (failed != 0) throw std::bad_alloc();
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window);
}

// --- streams ----------------------------------------------------------------------------------------------------

void Session::enter(SessionStream& stream) {
  stream.place_ = streams_.size();
  streams_.push_back(&stream);
  nghttp2_session_set_stream_user_data(session_, stream.id_, &stream);
}

void Session::leave(SessionStream& stream) {
  if (in_head_ == &stream) in_head_ = nullptr;
  if (!stream.closed_) nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  streams_.back()->place_ = stream.place_;
  std::swap(streams_[stream.place_], streams_.back());
  streams_.pop_back();
  if (std::exchange(stream.attention_, false)) std::erase(attention_, &stream);
  std::replace(attended_.begin(), attended_.end(), &stream, static_cast<SessionStream*>(nullptr));
}

void Session::keep_names_known(std::span<nghttp2_nv> head) {
  if (heads_written_++ % kHeadsBetweenNames != 0) return;
  for (nghttp2_nv& field : head) field.flags &= static_cast<std::uint8_t>(~NGHTTP2_NV_FLAG_NO_INDEX);
}

void Session::needs_attention(SessionStream& stream) {
  if (std::exchange(stream.attention_, true)) return;
  attention_.push_back(&stream);
  ask_for_writer();
}

void Session::close(SessionStream& stream, std::uint32_t code) {
  if (stream.closed_) return;
  if (in_head_ == &stream) in_head_ = nullptr;
  nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  stream.closed(code);
  needs_attention(stream);
}

/// Acts on what the session has reported: resumes readers and writers of content, frees what is over. Frames go first:
/// a stream that nghttp2 has judged malformed is closed by them and never reaches its handler.
void Session::settle() {
  SLUICE_ASSERT(!in_session_);
  gather();
  while (!attention_.empty()) {
    attended_.clear();
    attended_.swap(attention_);
    for (std::size_t i = 0; i < attended_.size(); ++i) {
      if (attended_[i] == nullptr) continue;
      attended_[i]->attention_ = false;
      attend(*attended_[i]);
    }
    attended_.clear();
    gather();
  }
  if (fault_ != NGHTTP2_NO_ERROR && !has_failed()) {
    fail(fault_, nghttp2_http2_strerror(fault_));
    gather();
  }
  settled();
}

// --- input ------------------------------------------------------------------------------------------------------

void Session::receive(std::string_view bytes) {
  if (has_failed()) return;
  std::size_t fed = 0;
  frames_.walk(bytes, [&](const FrameHeader& header, std::size_t begin) {
    if (!budget_.receive(header.type, header.flags, header.length, reactor().clock().mono_ms())) {
      fault_ = NGHTTP2_ENHANCE_YOUR_CALM;
    } else if (is_suspect(header)) {
      // Whether nghttp2 still has that stream, and judges the frame itself, depends on what came before.
      feed(bytes.substr(fed, begin - fed));
      fed = begin;
      judge(header);
    }
    if (fault_ != NGHTTP2_NO_ERROR) bytes = bytes.substr(0, begin);
    return fault_ == NGHTTP2_NO_ERROR && !has_failed();
  });
  feed(bytes.substr(fed));
  if (fault_ != NGHTTP2_NO_ERROR && !has_failed()) fail(fault_, nghttp2_http2_strerror(fault_));
}

void Session::feed(std::string_view bytes) {
  if (has_failed() || bytes.empty()) return;
  in_session_ = true;
  const ssize_t taken =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  in_session_ = false;
  if (taken >= 0) return;
  fail(fault_ != NGHTTP2_NO_ERROR ? fault_ : code_of(taken), nghttp2_strerror(static_cast<int>(taken)));
}

Task<void> Session::read_loop() {
  std::size_t reads = 0;
  for (;;) {
    if (!input_.empty()) {
      const bool go_on = take_input(input_.pending());
      input_.consume(input_.pending().size());
      if (!go_on) co_return;
      if (!closing_) settle();
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

void Session::gather() {
  if (closing_ || in_session_) return;
  before_gathering();
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

bool Session::output_full() const {
  return output_.size() - output_sent_ >= kOutputHighWater;
}

void Session::ask_for_writer() {
  if (closing_ || std::exchange(writer_wanted_, true)) return;
  if (writer_) reactor().resume_soon(std::exchange(writer_, {}));
}

Task<void> Session::write_loop() {
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
      if (co_await stream_->writable(reactor().after_ms(send_timeout_ms())) == rt::Wake::TimedOut) break;
      continue;
    }
    if (!stream_->is_plain() && !co_await flush_layer()) break;
    if (is_finished()) {
      finished();
      co_return;
    }
    co_await WriterPause(*this);
  }
  hang_up();
}

void Session::drop_sent() {
  if (!unsent().empty() && output_sent_ < kOutputHighWater) return;
  output_.erase(0, output_sent_);
  output_sent_ = 0;
  if (!output_.empty()) return;
  if (output_.capacity() > kOutputKept) output_.shrink_to_fit();
  for (SessionStream* stream : streams_) stream->unpause();
}

Task<bool> Session::flush_layer() {
  for (;;) {
    const net::Io io = stream_->layer()->flush(*stream_);
    if (io.moved()) co_return true;
    if (!io.blocked()) co_return false;
    if (co_await stream_->writable(reactor().after_ms(send_timeout_ms())) == rt::Wake::TimedOut) co_return false;
  }
}

bool Session::is_finished() const {
  if (nghttp2_session_want_write(session_) != 0) return false;
  return has_failed() || nghttp2_session_want_read(session_) == 0;
}

void Session::hang_up() noexcept {
  if (stream_->is_open()) ::shutdown(stream_->fd(), SHUT_RDWR);
}

}  // namespace sluice::http::h2
