// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "base/arena.h"
#include "http/exchange_pool.h"
#include "http/h2/request_fields.h"
#include "http/h2/session_stream.h"
#include "http/server_stream.h"

namespace sluice::http::h2 {

class ServerConnection;

/// What is made first, so that all else may use it.
struct ExchangeMemory {
  InlineArena<6 * 1024> memory;
};

/// One request on an HTTP/2 connection, from its first field to the end of both directions. The handler runs as a task
/// of this object and is cancelled with it.
class ServerExchange final : public ServerStream, private ExchangeMemory, public SessionStream {
 public:
  ServerExchange(ServerConnection& connection, std::int32_t id, std::int64_t started_ns);
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
  [[nodiscard]] std::uint64_t head_octets_received() const override { return head_received_; }
  [[nodiscard]] std::uint64_t head_octets_sent() const override { return head_sent_; }

  // Told by the session.

  [[nodiscard]] bool add_field(std::string_view name, std::string_view value) override;
  void head_complete(bool ends_stream) override;

  // Told by the connection.

  /// Starts the handler or resumes what waits for news.
  void attend();
  [[nodiscard]] bool has_started() const { return started_; }
  /// Nobody needs this object any more.
  [[nodiscard]] bool is_over() const { return closed_ && (finished_ || !started_ || !complete_); }
  /// Not by the session, for what the client did.
  [[nodiscard]] bool was_reset_by_us() const { return reset_by_us_; }

 private:
  Result<> before_first_wait() override;
  [[nodiscard]] bool is_held_back() const override;
  [[nodiscard]] std::int64_t held_back_ms() const override;

  Task<void> live();
  void finish();
  void submit_head(const ResponseHead& head, Framing framing, bool has_body);

  ServerConnection& connection_;
  RequestHead request_;
  RequestFields fields_;
  Refusal refusal_;
  std::int64_t started_ns_;
  bool started_ = false;
  bool expects_continue_ = false;
  bool response_started_ = false;
  bool finished_ = false;
  Task<void> work_ = Task<void>::done();
};

using ExchangePool = http::ExchangePool<ServerExchange>;

}  // namespace sluice::http::h2
