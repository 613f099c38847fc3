// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "base/error.h"
#include "http/body.h"
#include "http/h1/parser.h"
#include "http/h2/incoming_body.h"
#include "rt/task.h"
#include "rt/waiter.h"

namespace sluice::http::h2 {

class Session;

/// One stream of a session, whichever end opened it: content comes in, content goes out, trailers behind either.
///
/// What the session reports is only noted here (the methods below "told by the session" call no one); the session then
/// attends to the stream when nothing of nghttp2 is on the stack, and that is when coroutines resume.
class SessionStream : protected IncomingBody::Owner {
 public:
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;

  // Told by the session.

  /// A field of the head. False: abusive, the connection has to end.
  [[nodiscard]] virtual bool add_field(std::string_view name, std::string_view value) = 0;
  /// A field behind the content. False: malformed.
  [[nodiscard]] bool add_trailer(std::string_view name, std::string_view value);
  virtual void head_complete(bool ends_stream) = 0;
  virtual void content(std::string_view bytes) { body_.append(bytes); }
  void content_complete() { body_.end(); }
  virtual void closed(std::uint32_t code);
  /// The head that matters is known: fields that follow are trailers.
  [[nodiscard]] bool head_known() const { return head_known_; }
  /// Octets of frames, their headers included; those of HEADERS frames count as the head.
  void count_received(std::size_t octets, bool of_head) {
    received_ += octets;
    if (of_head) head_received_ += octets;
  }
  void count_sent(std::size_t octets, bool of_head) {
    sent_ += octets;
    if (of_head) head_sent_ += octets;
  }
  /// The next piece of a DATA frame: how much of what is pending goes into it.
  ssize_t provide(std::size_t room, std::uint32_t& flags);
  /// Takes what provide() promised.
  std::string_view take_pending(std::size_t octets);
  /// The output has room again.
  void unpause();

  /// The stream is not needed any more: says so unless it has ended in both directions.
  void cancel();
  [[nodiscard]] std::int32_t id() const { return id_; }
  /// Octets that have come and for which the window has not been opened again.
  [[nodiscard]] std::size_t unread() const { return body_.held(); }

 protected:
  /// Who is to blame for what, and how long is waited.
  struct Terms {
    Blame peer;            // the other end of this connection
    Blame source;          // whoever makes what we send
    std::int64_t send_ms;  // between two pieces that the peer takes
    Patience::Terms patience;
    std::uint32_t broken;  // with what a stream is reset whose content fails
  };
  SessionStream(Session& session, std::int32_t id, Arena& arena, const h1::HeadLimits& limits, const Terms& terms);
  ~SessionStream() = default;

  /// What nghttp2 is given as the source of content.
  [[nodiscard]] nghttp2_data_provider provider();
  /// Sends `body` behind a head that has just been submitted. `reading` is its first read(), begun before that, so that
  /// both leave together. Born ready when all of it is in frames.
  Task<Result<>> send_content(BodyReader& body, Task<Result<Chunk>> reading);
  void reset(std::uint32_t code);
  void consumed(std::size_t octets) override;
  /// Resumes what waits for the peer to take content.
  void wake_sender() {
    if (taken_.is_waited_for()) taken_.wake();
  }
  [[nodiscard]] virtual Error closed_early() const;

  Session& session_;
  std::int32_t id_;
  IncomingBody body_;
  std::optional<std::uint64_t> announced_;  // content-length of what we send
  rt::Deadline limit_ = rt::Deadline::never();
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t head_received_ = 0;
  std::uint64_t head_sent_ = 0;
  bool head_known_ = false;
  bool complete_ = false;  // our last frame is made
  bool closed_ = false;    // nghttp2 has forgotten the stream
  bool reset_by_us_ = false;

 private:
  friend class Session;
  Result<> offer(const Chunk& chunk, const BodyReader& body);
  Task<Result<>> relay(BodyReader& body, Task<Result<Chunk>> reading);
  Task<Result<>> drained();
  Result<> broken(Error error);
  void keep_pending();
  [[nodiscard]] bool submit_trailers();

  Arena& arena_of_fields_;
  const h1::HeadLimits& limits_;
  const Terms terms_;
  rt::Waiter taken_;          // waits until content was put into frames
  std::string_view pending_;  // content for the next frames: of the body's chunk, or of rest_
  std::string rest_;
  const Headers* trailers_ = nullptr;
  std::uint64_t offered_ = 0;
  std::size_t place_ = 0;  // in the session's list
  bool attention_ = false;
  bool last_offered_ = false;
  bool paused_ = false;
};

}  // namespace sluice::http::h2
