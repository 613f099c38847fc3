// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "http/input_buffer.h"
#include "http/turn_share.h"
#include "http/websocket/frame.h"
#include "http/websocket/turn_line.h"
#include "net/stream.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace sluice::http::websocket {

struct Limits {
  std::size_t max_message = 16 * 1024 * 1024;  // octets of one message, all its fragments together
  bool answer_pings = false;                   // by itself, while somebody receives; receive() then never reports them
};

/// The code of a close frame that carries none. RFC 6455, 7.4.1.
inline constexpr std::uint16_t kNoCode = 1005;

struct Message {
  enum class Kind : std::uint8_t { Text, Binary, Ping, Pong, Close };
  Kind kind = Kind::Binary;
  std::string payload;           // of Close: its reason
  std::uint16_t code = kNoCode;  // of Close
};

/// One end of a WebSocket after its handshake. RFC 6455, sections 5 to 8, without extensions.
///
/// Borrows the stream, which outlives it, and belongs to its reactor. Any number of tasks may send, one receives;
/// neither waits for the other. Tasks that it made are destroyed before it. With Limits::answer_pings, let close() end,
/// or destroy the connection, before the stream is closed. Nothing is buffered while nothing is under way: an idle
/// connection costs its own few hundred octets.
///
/// Errors are blamed on the peer: the client of a server, the upstream of a client.
class Connection {
 public:
  /// `early`: octets that came behind the handshake.
  Connection(net::Stream& stream, Role role, Limits limits, std::string early = {});
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The next whole message or control frame. A ping is not answered unless the limits say so; a close is reported once
  /// and not answered: close() does. Born ready when the message is at hand.
  ///
  /// Errc::Timeout at the deadline: nothing is lost, call again. Errc::Closed: nothing will come any more.
  /// Errc::Invalid or TooLarge: the peer broke the protocol; it was told with code 1002, 1007 or 1009, and close() is
  /// what is left to do. May be cancelled and called again.
  Task<Result<Message>> receive(rt::Deadline deadline);

  /// Sends one frame; Close is not for send(). Tasks that call at the same time send whole frames in the order of their
  /// calls. Resumes when the kernel has all of it; `payload` lives until then. Born ready when that is at once.
  ///
  /// Errc::Timeout: a frame that had begun can no longer be finished, and sending is over. Likewise when a task is
  /// destroyed in the middle of its frame. Errc::Closed: the connection has ended or a close frame was sent before.
  Task<Result<>> send(Message::Kind kind, std::string_view payload, rt::Deadline deadline);

  /// Sends a close frame, once, behind what waits already: later calls do nothing. For those who go on receiving until
  /// the peer's own arrives. `code` is one that may be sent, or kNoCode for a frame without one; `reason` is UTF-8 of
  /// at most 123 octets and lives until the task is done.
  Task<Result<>> send_close(std::uint16_t code, std::string_view reason, rt::Deadline deadline);

  /// The closing handshake: sends a close frame unless one was sent, discards what still comes, waits for the peer's
  /// (which another task's receive() may see instead), and ends our side of the stream. Errc::Timeout or Closed: the
  /// peer did not answer; our side has ended all the same.
  Task<Result<>> close(std::uint16_t code, std::string_view reason, rt::Deadline deadline);

  /// Monotonic milliseconds of the last octets received, at first of the construction.
  [[nodiscard]] std::int64_t last_received_ms() const { return last_received_ms_; }
  /// Octets of frames that wait for their turn or for the peer.
  [[nodiscard]] std::size_t queued() const { return queued_; }
  /// What our close frame said; 0 before there is one.
  [[nodiscard]] std::uint16_t sent_code() const { return sent_code_; }
  /// The peer's close frame has been seen.
  [[nodiscard]] bool received_close() const { return received_close_; }
  [[nodiscard]] net::Stream& stream() const { return stream_; }

 private:
  enum class Step : std::uint8_t { NeedMore, Ready, Failed };
  struct Fault {
    std::uint16_t code = 0;
    const char* why = "";
  };
  class Outgoing;

  [[nodiscard]] Step step(Message& out);
  [[nodiscard]] Step begin_frame();
  [[nodiscard]] Step take_control(Message& out);
  [[nodiscard]] Step take_close(std::string_view payload, Message& out);
  [[nodiscard]] Step take_data(Message& out);
  Step fail_with(std::uint16_t code, const char* why);
  Task<Result<Message>> next(rt::Deadline deadline);
  Task<Result<Message>> wait_and_receive(rt::Deadline deadline);
  Task<Result<Message>> refuse_peer(rt::Deadline deadline);
  [[nodiscard]] bool answers(const Message& message);
  Task<void> answer_pings();

  Task<Result<>> send_frame(Opcode opcode, std::string_view payload, rt::Deadline deadline);
  Task<Result<>> wait_and_send(Opcode opcode, std::string_view payload, rt::Deadline deadline);
  Task<Result<>> finish(TurnLine::Turn turn, Outgoing frame, rt::Deadline deadline);
  Task<Result<>> transmit(Outgoing& frame, rt::Deadline deadline);
  [[nodiscard]] net::Io attempt(Outgoing& frame);
  Task<void> discard_until_end(rt::Deadline deadline);

  [[nodiscard]] rt::Reactor& reactor() const { return stream_.reactor(); }
  [[nodiscard]] Blame blame() const { return role_ == Role::Server ? Blame::Client : Blame::Upstream; }
  [[nodiscard]] std::unexpected<Error> failure(Errc code, std::string what) const {
    return fail(code, "websocket: " + std::move(what), blame());
  }

  net::Stream& stream_;
  Limits limits_;
  InputBuffer input_;
  TurnLine reading_;
  TurnLine sending_;
  TurnShare share_;
  FrameHeader frame_;        // the one that is arriving
  std::string partial_;      // of the message that is arriving
  std::size_t checked_ = 0;  // octets of a text known to be UTF-8
  std::uint64_t left_ = 0;   // octets of the frame's payload to come
  std::size_t queued_ = 0;
  std::int64_t last_received_ms_;
  Fault fault_;
  std::uint16_t sent_code_ = 0;
  Role role_;
  bool in_frame_ = false;
  bool in_message_ = false;
  bool is_text_ = false;
  bool received_close_ = false;
  bool ended_ = false;        // nothing more can be received
  bool send_broken_ = false;  // a frame was cut off
  bool ping_due_ = false;
  std::string ping_;                           // the latest that is not answered
  Task<void> answering_ = Task<void>::done();  // last: it uses the rest
};

}  // namespace sluice::http::websocket
