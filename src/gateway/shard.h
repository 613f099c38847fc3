// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gateway/balancer/balancer.h"
#include "gateway/dialer.h"
#include "gateway/health/prober.h"
#include "gateway/pipeline/plan.h"
#include "gateway/proxy/gateway_options.h"
#include "gateway/proxy/proxy.h"
#include "http/plain_client.h"
#include "http/server.h"
#include "net/dns/resolver.h"
#include "net/tls/server_context.h"
#include "rt/offload.h"
#include "rt/shared/counter_table.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "telemetry/sinks.h"

namespace sluice::gateway {

/// A proxy listener as the node hands it to its shards.
struct ProxyDoor {
  bool tls = false;
  bool http2 = false;
  bool proxy_protocol = false;
  std::vector<int> sockets;  // one listening descriptor per shard; owned by whoever serves it
};

/// What settings may change while the process runs; Node::reconfigure() hands it to every shard.
struct LiveParts {
  GatewayOptions options;
  std::shared_ptr<const net::tls::ServerContext> tls;
  std::shared_ptr<const net::tls::ServerContext> tls_http2;
  UpstreamTrust trust;
  std::string access_log;
};

/// What the shards of a node have in common. Outlives them.
struct NodeParts {
  GatewayOptions options;
  net::dns::Settings dns;
  std::shared_ptr<const net::tls::ServerContext> tls;        // null: no TLS listener
  std::shared_ptr<const net::tls::ServerContext> tls_http2;  // of listeners that offer HTTP/2; null as above
  UpstreamTrust trust;
  std::string access_log;  // path; empty: off
  std::array<std::uint8_t, 16> id_key{};
  RequestIds::Origin origin;
  rt::BlockingPool& blocking;
  rt::shared::CounterTable& counters;
  telemetry::FileWriter& files;
};

/// One shard of the gateway: everything that lives on one reactor, wired together. Made and destroyed on its thread.
class Shard final : private RequestObserver {
 public:
  /// `board` is the node's, and outlives the shard.
  Shard(rt::Reactor& reactor, const NodeParts& node, HealthBoard& board, Prober::Place place);
  ~Shard() override;

  void listen(const ProxyDoor& door, int socket);
  void publish(const Snapshot::Ref& snapshot);
  /// What has been asked of name servers. Readable from any thread.
  [[nodiscard]] net::dns::Resolver::Stats dns_stats() const;
  /// Requests and connections that begin later use `parts`; what runs on is judged by the new options as it goes.
  void reconfigure(const LiveParts& parts);
  /// Stops accepting and lets requests finish.
  void drain() { server_.drain(); }
  [[nodiscard]] std::size_t open_connections() const { return server_.open_connections(); }
  /// Delivers what log plugins still hold, as far as `deadline` allows.
  Task<void> flush(rt::Deadline deadline) { return sinks_.drain(deadline); }

  /// Readable from any thread.
  [[nodiscard]] const telemetry::Metrics& metrics() const { return metrics_; }
  struct Counts {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> active{0};
    std::atomic<std::uint64_t> requests{0};
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t connections_refused() const {
    return server_.counts().refused.load(std::memory_order_relaxed);
  }

 private:
  void on_request(const Exchange& ex) noexcept override;

  rt::Reactor& reactor_;
  const NodeParts& node_;
  GatewayOptions options_;  // borrowed by most of what follows
  std::shared_ptr<const net::tls::ServerContext> tls_;
  std::shared_ptr<const net::tls::ServerContext> tls_http2_;
  telemetry::Metrics metrics_;
  telemetry::Sinks sinks_;
  std::unique_ptr<telemetry::AccessLog> access_log_;
  std::unique_ptr<net::dns::Resolver> resolver_;
  Dialer dialer_;
  http::PlainClient client_;
  PluginHost host_;
  PlanCache plans_;
  Balancer balancer_;
  Prober prober_;
  RequestIds ids_;
  Counts counts_;
  std::shared_ptr<const net::tls::IdentityResolver> identities_;
  std::uint64_t identities_epoch_ = UINT64_MAX;
  Proxy proxy_;
  http::Server server_;
};

/// The certificates of a generation by the names that clients ask for. What does not parse is left out and logged.
std::shared_ptr<const net::tls::IdentityResolver> index_identities(const Snapshot& snapshot);

}  // namespace sluice::gateway
