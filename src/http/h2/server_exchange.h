// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "http/exchange_pool.h"
#include "http/h2/incoming_body.h"
#include "http/h2/request_fields.h"
#include "http/h2/waiter.h"
#include "http/server_stream.h"

namespace sluice::http::h2 {

class ServerConnection;

/// One request on an HTTP/2 connection, from its first field to the end of both directions. The handler runs as a task
/// of this object and is cancelled with it.
///
/// What the session reports is only noted here (the methods below "told by the session" call no one); the connection
/// then attends to the exchange when nothing of nghttp2 is on the stack, and that is when coroutines resume.
class ServerExchange final : public ServerStream, private IncomingBody::Owner {
 public:
  ServerExchange(ServerConnection& connection, std::int32_t id, std::int64_t started_ns);
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;
  ~ServerExchange() override { work_.reset(); }

  [[nodiscard]] rt::Reactor& reactor() const override;
  [[nodiscard]] Arena& arena() override { return arena_; }
  [[nodiscard]] RequestHead& request() override { return request_; }
  [[nodiscard]] BodyReader* body() override { return request_.framing.has_body() ? &body_ : nullptr; }
  [[nodiscard]] const ConnectionInfo& connection() const override;
  [[nodiscard]] std::int64_t started_ns() const override { return started_ns_; }
  Task<Result<>> respond(ResponseHead& head, BodyReader* body) override;
  Task<Result<>> inform(int status) override;
  Task<Result<net::Stream*>> switch_protocols(ResponseHead& head, std::string_view& early) override;
  void close_after_response() override;
  [[nodiscard]] bool response_started() const override { return response_started_; }
  [[nodiscard]] std::uint64_t octets_received() const override { return received_; }
  [[nodiscard]] std::uint64_t octets_sent() const override { return sent_; }
  [[nodiscard]] std::uint64_t head_octets_received() const override { return head_received_; }
  [[nodiscard]] std::uint64_t head_octets_sent() const override { return head_sent_; }

  // Told by the session.

  /// False: abusive, the connection has to end.
  [[nodiscard]] bool add_field(std::string_view name, std::string_view value);
  [[nodiscard]] bool add_trailer(std::string_view name, std::string_view value);
  void head_complete(bool ends_stream);
  void content(std::string_view bytes) { body_.append(bytes); }
  void content_complete() { body_.end(); }
  void closed();
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

  // Told by the connection.

  /// Starts the handler or resumes what waits for news.
  void attend();
  /// The output has room again.
  void unpause();
  /// Nobody needs this object any more.
  [[nodiscard]] bool is_over() const { return closed_ && (finished_ || !started_ || !response_complete_); }
  [[nodiscard]] std::size_t unread() const { return body_.held(); }
  /// Not by the session, for what the client did.
  [[nodiscard]] bool was_reset_by_us() const { return reset_by_us_; }

 private:
  friend class ServerConnection;
  Result<> before_first_wait() override;
  void consumed(std::size_t octets) override;
  [[nodiscard]] bool is_held_back() const override;
  [[nodiscard]] std::int64_t held_back_ms() const override;

  Task<void> live();
  Task<void> discard_rest();
  void finish();
  void submit_head(const ResponseHead& head, Framing framing, bool has_body);
  Result<> offer(const Chunk& chunk, const BodyReader& body);
  Task<Result<>> relay(BodyReader& body, Task<Result<Chunk>> reading);
  Task<Result<>> drained();
  void reset(std::uint32_t code);
  Result<> broken(Error error);
  [[nodiscard]] bool submit_trailers();

  ServerConnection& connection_;
  const std::int32_t id_;
  InlineArena<6 * 1024> arena_;
  RequestHead request_;
  RequestFields fields_;
  Refusal refusal_;
  IncomingBody body_;
  Waiter taken_;              // waits until content was put into frames
  std::string_view pending_;  // content for the next frames: of the body's chunk, or of rest_
  std::string rest_;
  const Headers* trailers_ = nullptr;
  std::optional<std::uint64_t> announced_;  // content-length of the response
  std::uint64_t offered_ = 0;
  std::int64_t started_ns_;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t head_received_ = 0;
  std::uint64_t head_sent_ = 0;
  bool reset_by_us_ = false;
  std::size_t place_ = 0;  // in the connection's list
  bool attention_ = false;
  bool head_known_ = false;
  bool started_ = false;
  bool expects_continue_ = false;
  bool response_started_ = false;
  bool response_complete_ = false;  // its last frame is made
  bool last_offered_ = false;
  bool paused_ = false;
  bool finished_ = false;
  bool closed_ = false;  // nghttp2 has forgotten the stream
  Task<void> work_ = Task<void>::done();
};

using ExchangePool = http::ExchangePool<ServerExchange>;

}  // namespace sluice::http::h2
