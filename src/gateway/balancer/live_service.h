// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/intrusive_rc.h"
#include "base/ip.h"
#include "gateway/balancer/endpoint.h"
#include "gateway/config/snapshot.h"
#include "gateway/proxy/gateway_options.h"
#include "http/pool.h"
#include "net/address.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::gateway {

/// Turns names into addresses. The answers are shared by the node; look-ups that need no query do not wait.
class NameResolver {
 public:
  virtual ~NameResolver() = default;
  /// Addresses for `host`, at least one; Errc::Unavailable "name resolution failed" otherwise.
  virtual Task<Result<std::vector<IpAddress>>> resolve(const std::string& host, rt::Deadline deadline) = 0;
};

/// What the balancer chose for one attempt.
struct Choice {
  Rc<Endpoint> endpoint;
  std::string_view host;  // of the service or target, for the Host header and SNI; lives with the service
  std::uint16_t port = 80;
  std::string_view host_header;  // of the upstream entity; empty: none
};

/// Targets that somebody has marked unhealthy, by name ("host:port").
using UnhealthyTargets = std::set<std::string, std::less<>>;

/// A service as one shard lives with it: where its requests go, in which order.
class LiveService : public RcObject {
 public:
  LiveService(Shared<const ServiceConfig> service, Shared<const UpstreamConfig> upstream,
              const UnhealthyTargets& unhealthy = {});

  [[nodiscard]] const ServiceConfig& config() const { return *service_; }
  [[nodiscard]] const UpstreamConfig* upstream() const { return upstream_.get(); }
  [[nodiscard]] bool tls() const { return tls_; }

 private:
  friend class Balancer;
  struct Peer {
    std::string host;
    std::uint16_t port;
    std::optional<IpAddress> literal;  // when `host` is an address
    Rc<Endpoint> endpoint;             // of a literal, once it has been chosen
  };
  /// Lays out the turns anew, without the targets that are `unhealthy`.
  void arrange(const UnhealthyTargets& unhealthy);

  Shared<const ServiceConfig> service_;
  Shared<const UpstreamConfig> upstream_;
  bool tls_ = false;
  std::vector<Peer> peers_;
  std::vector<int> weights_;          // of peers
  std::vector<std::uint16_t> wheel_;  // indexes of peers, each as often as its weight says, well mixed
  std::size_t next_ = 0;
};

/// Chooses upstream addresses for the requests of one shard. Round-robin by weight.
class Balancer {
 public:
  Balancer(rt::Reactor& reactor, const http::PoolOptions& pool, NameResolver& resolver)
      : reactor_(reactor), pool_(pool), resolver_(resolver) {}

  /// The live form of `service`; the same object as long as nothing about it changes. A request keeps the one it has.
  Rc<LiveService> live(const Snapshot& snapshot, const Shared<const ServiceConfig>& service);
  /// The address for the next attempt. Born ready where no name has to be asked for.
  Task<Result<Choice>> pick(LiveService& service, rt::Deadline deadline);

  /// Takes `target` ("host:port") of an upstream out of the turns, or puts it back. The mark outlives changes of the
  /// configuration until whoever set it takes it back.
  void set_health(const Uuid& upstream, std::string_view target, bool healthy);
  /// Drops what no configuration and no request needs any more, a few entries at a time; after each publication.
  void sweep(const Snapshot& snapshot);

  /// For tests: services and endpoints that are kept.
  [[nodiscard]] std::size_t services() const { return services_.size(); }
  [[nodiscard]] std::size_t endpoints() const { return endpoints_.size(); }

 private:
  Rc<Endpoint> endpoint(const net::Address& address, const LiveService& service);
  Task<Result<Choice>> resolve_and_pick(LiveService& service, std::size_t peer, rt::Deadline deadline);
  void sweep_endpoints(std::size_t buckets);

  rt::Reactor& reactor_;
  const http::PoolOptions& pool_;
  NameResolver& resolver_;
  std::unordered_map<Uuid, Rc<LiveService>> services_;
  std::unordered_map<std::string, Rc<Endpoint>> endpoints_;
  std::map<Uuid, UnhealthyTargets> unhealthy_;  // by upstream
  std::size_t next_service_bucket_ = 0;
  std::size_t next_endpoint_bucket_ = 0;
  std::uint64_t turn_ = 0;  // spreads requests over the addresses of one name
};

}  // namespace sluice::gateway
