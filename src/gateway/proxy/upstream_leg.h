// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "base/arena.h"
#include "gateway/connector.h"
#include "http/client_stream.h"
#include "http/h1/client_connection.h"
#include "http/h2/client_connection.h"
#include "http/pool.h"
#include "rt/reactor.h"

namespace sluice::gateway {

/// The way of one try to its upstream: a connection of its own (HTTP/1.1), or a stream on one that many share (HTTP/2).
/// Connections are taken from the chosen endpoint, which the caller holds for as long as this lives.
class UpstreamLeg {
 public:
  /// Milliseconds and octets.
  struct Limits {
    std::int64_t send_ms;
    std::int64_t read_ms;
    std::size_t head_octets;
    rt::Deadline deadline;  // of the whole exchange; only HTTP/2 carries one
  };

  UpstreamLeg() = default;
  UpstreamLeg(const UpstreamLeg&) = delete;
  UpstreamLeg& operator=(const UpstreamLeg&) = delete;

  /// Takes a connection, or opens one. Born ready when one is there. `choice` and `service` outlive the task.
  Task<Result<>> open(rt::Reactor& reactor, Connector& connector, const Choice& choice, const LiveService& service,
                      UpstreamHttp http, rt::Deadline deadline);
  /// The connection has served others before.
  [[nodiscard]] bool kept() const { return kept_; }
  /// Others use it too.
  [[nodiscard]] bool shared() const { return shared_ != nullptr; }

  /// Begins an exchange; open() has succeeded, and nothing has suspended since.
  http::ClientStream& begin(Arena& arena, const Limits& limits, bool content_may_be_spliced);
  /// The exchange; null before begin().
  [[nodiscard]] http::ClientStream* stream() const { return stream_; }
  /// After a 101: ends the exchange and gives its connection away; `early` is what came behind the head. Null: there is
  /// none, as on HTTP/2.
  [[nodiscard]] http::Pool::Connection take_tunnel(std::string& early);
  /// Ends the exchange; a connection of its own that is fit for another one goes back to the endpoint.
  void finish(Endpoint& endpoint);
  /// Ends the exchange; a connection of its own closes.
  void drop();

 private:
  /// Whether there are connections already, and this is one more.
  enum class Way : std::uint8_t { Only, Beside };
  Task<Result<>> open_own(rt::Reactor& reactor, Connector& connector, const Choice& choice, const LiveService& service,
                          rt::Deadline deadline);
  Task<Result<>> open_shared(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                             const LiveService& service, UpstreamHttp http, rt::Deadline deadline, Way way);
  Task<Result<>> open_beside(rt::Reactor& reactor, Connector& connector, const Choice& choice,
                             const LiveService& service, UpstreamHttp http, rt::Deadline deadline);

  http::Pool::Connection own_;
  http::h2::ClientConnection* shared_ = nullptr;
  std::variant<std::monostate, http::h1::ClientExchange, http::h2::ClientExchange> exchange_;
  http::ClientStream* stream_ = nullptr;  // within exchange_
  bool kept_ = false;
};

}  // namespace sluice::gateway
