// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/error.h"
#include "base/ip.h"
#include "http/body.h"
#include "http/h1/parser.h"
#include "http/message.h"
#include "http/patience.h"
#include "net/stream.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::http {

/// What a listener grants its clients. Times in milliseconds.
struct ServerOptions {
  h1::HeadLimits head;
  std::int64_t header_timeout_ms = 10'000;     // first octet of a head to its end
  std::int64_t keepalive_timeout_ms = 60'000;  // between requests
  Patience::Terms body{30'000, 256};           // with the sender of a request body
  std::int64_t send_timeout_ms = 60'000;       // between two writes of a response
  std::uint64_t max_requests = 100'000;        // per connection
  std::uint32_t max_streams = 100;             // at a time, per HTTP/2 connection
  std::uint32_t max_connections = 0;           // of one address at a time, on one shard; 0: no limit
  std::vector<Cidr> uncounted = {};            // addresses that max_connections does not hold for
};

/// Facts about the connection that a request came in on.
struct ConnectionInfo {
  net::Address peer;   // the client, or what the PROXY protocol said it is
  net::Address local;  // the listener's side
  bool tls = false;
  std::unique_ptr<const net::TlsInfo> tls_info;  // null: plain
  std::uint64_t id = 0;                          // unique per shard
  std::uint64_t requests = 0;                    // served before this one
  std::string_view alt_svc = {};                 // what responses say of HTTP/3 on this port; empty: nothing
};

/// One request on a server connection, and the way to answer it; the same for every HTTP version. Lives from the end
/// of the request head to the end of Handler::handle().
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  [[nodiscard]] virtual rt::Reactor& reactor() const = 0;
  [[nodiscard]] virtual Arena& arena() = 0;
  [[nodiscard]] virtual RequestHead& request() = 0;
  /// The request's content; null when it has none.
  [[nodiscard]] virtual BodyReader* body() = 0;
  [[nodiscard]] virtual const ConnectionInfo& connection() const = 0;
  /// Monotonic nanoseconds of the first octet.
  [[nodiscard]] virtual std::int64_t started_ns() const = 0;

  /// Sends the final response. `head.framing` says how `body` is delimited as far as is known; the stream turns that
  /// into what its protocol and the client understand and writes Connection, Content-Length and Transfer-Encoding
  /// itself. A null body sends none. An error means that the response is broken and the connection will be closed.
  virtual Task<Result<>> respond(ResponseHead& head, BodyReader* body) = 0;
  /// Sends an interim response (1xx).
  virtual Task<Result<>> inform(int status) = 0;
  /// Sends a 101 and hands over the connection: from then on the octets are the caller's. Only HTTP/1.1.
  /// `early` receives what the client sent behind its request. Null: not possible on this stream.
  virtual Task<Result<net::Stream*>> switch_protocols(ResponseHead& head, std::string_view& early) = 0;

  /// After the response no further request is taken from this connection.
  virtual void close_after_response() = 0;
  [[nodiscard]] virtual bool response_started() const = 0;
  [[nodiscard]] virtual std::uint64_t octets_received() const = 0;  // of this request so far
  [[nodiscard]] virtual std::uint64_t octets_sent() const = 0;      // of this response so far
  /// Of octets_received() and octets_sent(), those of the heads.
  [[nodiscard]] virtual std::uint64_t head_octets_received() const { return 0; }
  [[nodiscard]] virtual std::uint64_t head_octets_sent() const { return 0; }
};

/// What is done with requests. One per shard.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Answers one request. The task is destroyed when the client goes away before it is done.
  virtual Task<void> handle(ServerStream& stream) = 0;
  /// Answers a request that is not HTTP as we accept it; the connection closes afterwards. What could be parsed is in
  /// stream.request().
  virtual Task<void> refuse(ServerStream& stream, int status, std::string_view why) = 0;
};

}  // namespace sluice::http
