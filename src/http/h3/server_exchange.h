// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <nghttp3/nghttp3.h>

#include "base/arena.h"
#include "http/exchange_pool.h"
#include "http/h2/incoming_body.h"
#include "http/h2/request_fields.h"
#include "http/h3/outgoing_content.h"
#include "http/server_stream.h"
#include "rt/waiter.h"

namespace sluice::http::h3 {

class ServerConnection;

/// What is made first, so that all else may use it.
struct ExchangeMemory {
  InlineArena<6 * 1024> memory;
};

/// One request on an HTTP/3 connection, from the beginning of its stream to the end of both directions. The handler
/// runs as a task of this object and is cancelled with it.
///
/// What the session reports is only noted here; attend(), when nothing of the session is on the stack, is when
/// coroutines resume. Requests are judged by the code that judges them for HTTP/2.
class ServerExchange final : public ServerStream, private ExchangeMemory, private h2::IncomingBody::Owner {
 public:
  ServerExchange(ServerConnection& connection, std::int64_t id, std::int64_t started_ns);
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;
  ~ServerExchange() override { work_.reset(); }

  [[nodiscard]] rt::Reactor& reactor() const override;
  [[nodiscard]] Arena& arena() override { return memory; }
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
  [[nodiscard]] std::uint64_t head_octets_received() const override { return received_ - content_received_; }
  [[nodiscard]] std::uint64_t head_octets_sent() const override { return sent_ - std::min(sent_, content_sent_); }

  // Told by the session.

  /// A field of the head. False: abusive, the connection has to end.
  [[nodiscard]] bool add_field(std::string_view name, std::string_view value);
  /// A field behind the content. False: malformed.
  [[nodiscard]] bool add_trailer(std::string_view name, std::string_view value);
  void head_complete(bool ends_stream);
  void content(std::string_view octets) {
    content_received_ += octets.size();
    body_.append(octets);
  }
  void content_complete() { body_.end(); }
  /// Nothing more comes from the client, before the end of its message.
  void cut_off() { body_.close(); }
  void acknowledged(std::uint64_t octets);
  void closed();
  /// Octets of the stream, whatever they mean.
  void count_received(std::size_t octets) { received_ += octets; }
  void count_sent(std::size_t octets) { sent_ += octets; }
  /// All that was to be said on the stream is in packets.
  void all_sent() { all_sent_ = true; }
  /// The next parts of the content; an error of nghttp3 when there are none now.
  nghttp3_ssize provide(std::span<nghttp3_vec> parts, std::uint32_t& flags);

  // Told by the connection.

  /// Starts the handler or resumes what waits for news.
  void attend();
  [[nodiscard]] std::int64_t id() const { return id_; }
  [[nodiscard]] bool head_known() const { return head_known_; }
  [[nodiscard]] bool has_started() const { return started_; }
  /// Nobody needs this object any more.
  [[nodiscard]] bool is_over() const { return closed_ && (finished_ || !started_ || !complete_); }
  /// Octets that have come and that the client may not send again yet.
  [[nodiscard]] std::size_t unread() const { return body_.held(); }
  /// Octets of the response that are kept for the client.
  [[nodiscard]] std::size_t held() const { return content_.held(); }
  /// All of the response is with the session.
  [[nodiscard]] bool is_answered() const { return complete_; }
  /// Gives the stream up.
  void reset(std::uint64_t code);
  /// The same for what the client did or wants: the handler is cancelled as if the stream had closed.
  void cancel(std::uint64_t code) {
    reset(code);
    cancelled_ = true;
  }
  [[nodiscard]] bool was_reset() const { return reset_; }
  /// Something is still owed to the client, or done for it. Others only wait for what the client need not send.
  [[nodiscard]] bool is_live() const {
    return reset_ ? started_ && !finished_ : !finished_ || !all_sent_ || content_.held() != 0;
  }

 private:
  friend class ServerConnection;  // its lists
  Result<> before_first_wait() override;
  void consumed(std::size_t octets) override;
  [[nodiscard]] bool is_held_back() const override;
  [[nodiscard]] std::int64_t held_back_ms() const override;

  Task<void> live();
  void finish();
  [[nodiscard]] Result<> submit_head(const ResponseHead& head, Framing framing, bool has_body);
  Task<Result<>> send_content(BodyReader& body, Task<Result<Chunk>> reading);
  Result<> offer(const Chunk& chunk, const BodyReader& body);
  [[nodiscard]] bool has_room() const;
  [[nodiscard]] bool may_go_on() const { return last_offered_ ? all_sent_ : has_room(); }
  Task<Result<>> wait_for_client();
  [[nodiscard]] bool submit_trailers();

  ServerConnection& connection_;
  const std::int64_t id_;
  RequestHead request_;
  h2::RequestFields fields_;
  h2::Refusal refusal_;
  h2::IncomingBody body_;
  const std::int64_t started_ns_;
  OutgoingContent content_;
  std::optional<std::uint64_t> announced_;  // content-length of what we send
  std::uint64_t offered_ = 0;
  const Headers* trailers_ = nullptr;
  rt::Waiter taken_;                                   // waits until the client has taken more
  std::uint64_t received_ = 0, content_received_ = 0;  // octets of the stream, and those of content among them
  std::uint64_t sent_ = 0, content_sent_ = 0;
  bool head_known_ = false;
  bool expects_continue_ = false;
  bool started_ = false;
  bool response_started_ = false;
  bool last_offered_ = false;
  bool complete_ = false;  // the response: all of it is with the session
  bool all_sent_ = false;
  bool finished_ = false;  // the handler
  bool closed_ = false;    // the stream is forgotten
  bool reset_ = false;
  bool cancelled_ = false;
  bool attention_ = false;
  Task<void> work_ = Task<void>::done();
};

using ExchangePool = http::ExchangePool<ServerExchange>;

}  // namespace sluice::http::h3
