// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "http/h2/frame_budget.h"
#include "http/h2/frame_walk.h"
#include "http/h2/session_stream.h"
#include "http/input_buffer.h"
#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::http::h2 {

/// One end of an HTTP/2 connection: what a server's and a client's have in common. nghttp2 turns octets into events and
/// what we submit into frames; this object moves the octets, tells each stream what happened to it, and holds the peer
/// to its budgets.
///
/// Two coroutines: read_loop() and write_loop(). Whatever makes frames only gathers them in the output buffer and asks
/// for the writer, which runs once at the end of the loop turn, so that all frames of one turn leave in one send.
/// Nothing is resumed or destroyed while nghttp2 is on the stack: its callbacks note what happened, and settle() acts.
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // For streams.
  [[nodiscard]] nghttp2_session* handle() const { return session_; }
  [[nodiscard]] rt::Reactor& reactor() const { return stream_->reactor(); }
  /// Puts every frame that may be sent now into the output buffer; the writer sends it at the end of the turn.
  void gather();
  /// The socket does not keep up: no more content, please.
  [[nodiscard]] bool output_full() const;
  /// To be called with each head that is about to be submitted. Fields whose values never come again are not put into
  /// the peer's table, but now and then they are: then their names need not be spelled out in the heads that follow.
  void keep_names_known(std::span<nghttp2_nv> head);
  /// Has `stream` looked at when nothing of nghttp2 is on the stack.
  void needs_attention(SessionStream& stream);

 protected:
  enum class End : std::uint8_t { Server, Client };
  /// `stream` is connected (and past its TLS handshake).
  Session(End end, std::unique_ptr<net::Stream> stream, FrameBudget budget);
  virtual ~Session();

  /// Makes the session and submits what it begins with. `window`: octets of content on the whole connection.
  void open(std::span<const nghttp2_settings_entry> settings, std::int32_t window);
  Task<void> read_loop();
  Task<void> write_loop();
  void ask_for_writer();
  /// Gives the session what came, up to the first frame that ends the connection.
  void receive(std::string_view bytes);
  void settle();
  /// From now on the stream is told what happens to the id that it carries.
  void enter(SessionStream& stream);
  /// The stream is about to be destroyed; it may be on any list.
  void leave(SessionStream& stream);
  /// Tells the stream that nothing more will come, without asking nghttp2.
  void close(SessionStream& stream, std::uint32_t code);
  /// Makes read_loop() end.
  void hang_up() noexcept;
  /// Everything was said, and nothing more is expected.
  [[nodiscard]] bool is_finished() const;

  // What the ends do differently. Those marked (*) are called by nghttp2: they note, and act later.

  virtual void begin_request(std::int32_t /*id*/) {}                       // (*) the peer opens a stream
  virtual void control_frame(const nghttp2_frame& /*frame*/) {}            // (*) neither HEADERS nor DATA
  virtual void reset_sent(std::int32_t /*id*/) {}                          // (*) RST_STREAM left, whoever wanted it
  virtual bool is_suspect(const FrameHeader& /*frame*/) { return false; }  // to be judged before the session has it
  virtual void judge(const FrameHeader& /*frame*/) {}
  virtual bool take_input(std::string_view bytes) = 0;  // false: read no more
  virtual void attend(SessionStream& stream) = 0;
  virtual void before_gathering() {}
  virtual void settled() {}
  virtual void fail(std::uint32_t code, std::string_view why) = 0;
  [[nodiscard]] virtual bool has_failed() const = 0;
  virtual void finished() {}  // is_finished(), and all was sent; the writer ends
  [[nodiscard]] virtual std::int64_t send_timeout_ms() const = 0;

  std::unique_ptr<net::Stream> stream_;
  InputBuffer input_;
  FrameBudget budget_;
  nghttp2_session* session_ = nullptr;
  std::uint32_t fault_ = NGHTTP2_NO_ERROR;  // what the peer did that nghttp2 lets pass: the connection ends with it
  bool in_session_ = false;                 // nghttp2 is on the stack
  bool closing_ = false;                    // being destroyed
  std::vector<SessionStream*> streams_;
  std::vector<SessionStream*> attention_;

 private:
  struct Callbacks;
  struct WriterPause;

  void feed(std::string_view bytes);
  void drop_sent();
  Task<bool> flush_layer();
  [[nodiscard]] std::string_view unsent() const { return std::string_view(output_).substr(output_sent_); }

  const End end_;
  FrameWalk frames_;
  SessionStream* in_head_ = nullptr;  // whose fields are arriving; null: nobody wants them
  std::uint64_t heads_written_ = 0;
  bool writer_wanted_ = false;
  std::string output_;
  std::size_t output_sent_ = 0;
  std::vector<SessionStream*> attended_;  // null: has gone meanwhile
  std::coroutine_handle<> writer_;
};

}  // namespace sluice::http::h2
