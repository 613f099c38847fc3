// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/balancer/live_service.h"
#include "gateway/proxy/gateway_options.h"
#include "http/pool.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::gateway {

/// Turns names into addresses. Look-ups that need no query do not wait.
class NameResolver {
 public:
  virtual ~NameResolver() = default;
  /// Addresses for `host`, at least one. Ready at once when the answer is known, be it a failure. A question that is
  /// begun goes on when the task is dropped.
  virtual Task<Result<net::dns::AnswerPtr>> resolve(const std::string& host, rt::Deadline deadline) = 0;
};

/// What the balancer chose for one attempt.
struct Choice {
  Rc<Endpoint> endpoint;
  std::string_view host;  // of the service or target, for the Host header and SNI; lives with the peer
  std::uint16_t port = 80;
  std::string_view host_header;  // of the upstream entity; empty: none
  Rc<Peer> peer = {};
};

/// Chooses upstream addresses for the requests of one shard. Health, load and speed are the node's (`board`).
class Balancer {
 public:
  Balancer(rt::Reactor& reactor, const http::PoolOptions& pool, NameResolver& resolver, HealthBoard& board,
           BalancerPreferences preferences = {})
      : reactor_(reactor), pool_(pool), resolver_(resolver), board_(board), preferences_(std::move(preferences)) {}

  /// From the next request on.
  void reconfigure(BalancerPreferences preferences);

  /// The live form of `service`; the same object as long as nothing about it changes. A request keeps the one it has.
  Rc<LiveService> live(const Snapshot& snapshot, const Shared<const ServiceConfig>& service);
  /// The address for the next attempt. Born ready, without an allocation, unless a name has to be asked for. Both
  /// arguments outlive the task.
  Task<Result<Choice>> pick(LiveService& service, const Selection& selection, rt::Deadline deadline);
  /// For who tells requests apart by nothing.
  Task<Result<Choice>> pick(LiveService& service, rt::Deadline deadline) { return pick(service, nothing_, deadline); }

  /// Drops what no configuration and no request needs any more, a few entries at a time; after each publication.
  void sweep(const Snapshot& snapshot);

  /// For tests: services and endpoints that are kept.
  [[nodiscard]] std::size_t services() const { return services_.size(); }
  [[nodiscard]] std::size_t endpoints() const { return endpoints_.size(); }

 private:
  enum class Names : std::uint8_t { Known, Missing };

  Names refresh(LiveService& service, rt::Deadline deadline);
  Task<Result<Choice>> wait_and_pick(LiveService& service, const Selection& selection, rt::Deadline deadline);
  Result<Choice> choose(LiveService& service, const Selection& selection);
  Rc<Endpoint> endpoint(const net::Address& address, const LiveService& service);
  void sweep_endpoints(std::size_t buckets);

  rt::Reactor& reactor_;
  const http::PoolOptions& pool_;
  NameResolver& resolver_;
  HealthBoard& board_;
  BalancerPreferences preferences_;
  const Selection nothing_;
  std::unordered_map<Uuid, Rc<LiveService>> services_;
  std::unordered_map<std::string, Rc<Endpoint>> endpoints_;
  std::size_t next_service_bucket_ = 0;
  std::size_t next_endpoint_bucket_ = 0;
};

}  // namespace sluice::gateway
