// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/intrusive_rc.h"
#include "gateway/balancer/balancer.h"
#include "gateway/config/snapshot.h"
#include "gateway/connector.h"
#include "gateway/exchange.h"
#include "gateway/pipeline/pipeline.h"
#include "gateway/proxy/gateway_options.h"
#include "gateway/proxy/request_id.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// Told about every finished request, after the log phase; access log and node metrics. On the shard, must not block.
class RequestObserver {
 public:
  virtual ~RequestObserver() = default;
  virtual void on_request(const Exchange& ex) noexcept = 0;
};

/// The parts of a shard that the proxy works with. All outlive it.
struct ProxyParts {
  const GatewayOptions& options;
  PlanCache& plans;
  Balancer& balancer;
  Connector& connector;
  RequestIds& ids;
  RequestObserver& observer;
  http::Admission& admission;
};

/// Owns each exchange from its head to its log record: matches the route, runs the pipeline, asks the balancer, talks
/// to the upstream and sends the answer back. One per shard.
class Proxy final : public http::Handler {
 public:
  explicit Proxy(const ProxyParts& parts);
  ~Proxy() override;

  /// New requests use this generation; those in flight keep theirs.
  void publish(Snapshot::Ref snapshot);

  Task<void> handle(http::ServerStream& stream) override;
  Task<void> refuse(http::ServerStream& stream, int status, std::string_view why) override;

 private:
  /// One request: the exchange, what it pins, and its end. The destructor is the log phase, so that it runs exactly
  /// once, also when the client goes away.
  struct Life;
  struct Attempt;
  struct Tunnel;
  struct Generation;

  static void begin_refusal(Life& life);
  Task<void> turn_away(http::ServerStream& stream, http::Shed why);
  Task<Verdict> police(Life& life);
  /// Whether the client asks over this connection for a host whose handshakes ask more of it.
  [[nodiscard]] static bool is_misdirected(const Life& life);
  Task<Verdict> route(Life& life);
  Task<void> forward(Life& life);
  std::optional<Reply> begin_forwarding(Life& life);
  Task<void> ask_upstream(Life& life);
  Task<Result<>> connect(Attempt& attempt);
  Task<Result<>> wait_for_choice(Attempt& attempt, Task<Result<Choice>> pick, std::int64_t began_ns);
  Task<Result<>> take_connection(Attempt& attempt, Result<Choice> choice, std::int64_t began_ns);
  static Task<Result<>> wait_for_connection(Attempt& attempt, Task<Result<>> opening);
  [[nodiscard]] UpstreamHttp http_towards(const Life& life) const;
  Task<Result<>> exchange_heads(Attempt& attempt);
  static Task<Result<>> receive_during_upload(Attempt& attempt);
  static void note_failure(Attempt& attempt, const Error& error);
  static bool nothing_is_lost(Attempt& attempt, const http::ClientStream& upstream);
  static bool may_try_again(Attempt& attempt, const Error& error);
  static void finish(Attempt& attempt);
  Task<void> respond_from_upstream(Attempt& attempt);
  Task<void> deliver(Life& life, Verdict verdict);
  Task<void> open_tunnel(Attempt& attempt);
  static Task<void> carry(Life& life);
  Task<void> reply(Life& life, Reply answer);
  Task<void> send_response(Life& life);
  Task<void> send_unfit(Life& life);
  void render(Exchange& ex, const Reply& answer);
  [[nodiscard]] static telemetry::Try& note_try(Exchange& ex, const Choice& choice, std::int64_t began_ns);
  [[nodiscard]] std::string_view date(const rt::Clock& clock);

  ProxyParts parts_;
  Rc<Generation> current_;
  std::string path_buffer_;
  std::int64_t date_second_ = 0;
  std::string date_text_;
};

}  // namespace sluice::gateway
