// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "gateway/balancer/balancer.h"
#include "gateway/certificates/certificate_keeper.h"
#include "gateway/dialer.h"
#include "gateway/health/prober.h"
#include "gateway/pipeline/plan.h"
#include "gateway/proxy/gateway_options.h"
#include "gateway/proxy/proxy.h"
#include "gateway/stream/stream_proxy.h"
#include "http/admission.h"
#include "http/plain_client.h"
#include "http/server.h"
#include "net/dns/resolver.h"
#include "net/succession.h"
#include "net/tls/server_context.h"
#include "rt/memory_gauge.h"
#include "rt/offload.h"
#include "rt/scope.h"
#include "rt/shared/counter_table.h"
#include "sync/traffic.h"
#include "telemetry/access_log.h"
#include "telemetry/metrics.h"
#include "telemetry/sinks.h"

namespace sluice::gateway {

/// A proxy listener as the node hands it to its shards.
struct ProxyDoor {
  bool tls = false;
  bool http2 = false;
  bool proxy_protocol = false;
  std::vector<int> sockets;            // one listening descriptor per shard; owned by whoever serves it
  std::vector<int> quic_sockets = {};  // likewise, for HTTP/3 on the same port; none: not spoken here
  std::string alt_svc = {};            // what responses over TLS on this port say of that; empty: nothing
  std::uint32_t max_connections = 0;   // at a time, on one shard; 0: no limit of its own
};

/// What settings may change while the process runs; Node::reconfigure() hands it to every shard.
struct LiveParts {
  GatewayOptions options;
  std::shared_ptr<const net::tls::ServerContext> tls;
  std::shared_ptr<const net::tls::ServerContext> tls_http2;
  UpstreamTrust trust;
  std::string access_log;
  std::shared_ptr<const net::tls::ServerContext> tls_stream;  // of stream listeners
  std::string stream_access_log;
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
  std::shared_ptr<const net::tls::ServerContext> tls_stream = {};  // null: no stream listener speaks TLS
  std::string stream_access_log = {};                              // path; empty: off
};

/// One shard of the gateway: everything that lives on one reactor, wired together. Made and destroyed on its thread.
class Shard final : private RequestObserver, private StreamObserver {
 public:
  /// `board` and `memory` are the node's, and outlive the shard.
  Shard(rt::Reactor& reactor, const NodeParts& node, HealthBoard& board, rt::MemoryGauge& memory, Prober::Place place);
  ~Shard() override;

  void listen(const ProxyDoor& door, int socket);
  /// HTTP/3 of the door. `group` outlives the shard.
  void listen(const ProxyDoor& door, int socket, net::quic::Group& group, std::size_t shard);
  void listen(const StreamDoor& door, int socket) { streams_.listen(door, socket); }
  void publish(const Snapshot::Ref& snapshot);
  /// What has been asked of name servers. Readable from any thread.
  [[nodiscard]] net::dns::Resolver::Stats dns_stats() const;
  /// Requests and connections that begin later use `parts`; what runs on is judged by the new options as it goes.
  void reconfigure(const LiveParts& parts);
  /// Each response is its connection's last from now on.
  void retreat() { server_.retreat(); }
  /// Stops accepting and lets requests and sessions finish.
  void drain(http::Idle idle) {
    server_.drain(idle);
    streams_.drain(idle);
  }
  /// One process before and one after this one, which speak to each other through it, count as a connection.
  [[nodiscard]] std::size_t open_connections() const {
    const bool between = succession_.has_elder() && succession_.has_heir();
    return server_.open_connections() + streams_.open_sessions() + (between ? 1 : 0);
  }
  /// What happens when another process serves the same sockets.
  [[nodiscard]] net::Succession& succession() { return succession_; }
  /// Delivers what log plugins still hold, as far as `deadline` allows.
  Task<void> flush(rt::Deadline deadline) { return sinks_.drain(deadline); }

  /// Readable from any thread.
  [[nodiscard]] const telemetry::Metrics& metrics() const { return metrics_; }
  struct Counts {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> active{0};
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> client_errors{0};
    std::atomic<std::uint64_t> server_errors{0};
    std::array<std::atomic<std::uint64_t>, sync::Traffic::kClasses> times{};
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const StreamCounts& stream_counts() const { return stream_counts_; }
  [[nodiscard]] const http::Admission& admission() const { return admission_; }
  [[nodiscard]] std::uint64_t connections_refused() const {
    return server_.counts().refused.load(std::memory_order_relaxed);
  }

 private:
  void keep_certificates(const UpstreamTrust& trust);
  void on_request(const Exchange& ex) noexcept override;
  Task<void> watch_load(bool first_shard);
  void relieve_memory();
  void on_session(const StreamSession& session) noexcept override;
  [[nodiscard]] std::unique_ptr<telemetry::AccessLog> open_log(const std::string& path) const;

  rt::Reactor& reactor_;
  const NodeParts& node_;
  GatewayOptions options_;  // borrowed by most of what follows
  std::shared_ptr<const net::tls::ServerContext> tls_;
  std::shared_ptr<const net::tls::ServerContext> tls_http2_;
  telemetry::Metrics metrics_;
  telemetry::Sinks sinks_;
  std::unique_ptr<telemetry::AccessLog> access_log_;
  std::unique_ptr<telemetry::AccessLog> stream_log_;
  std::unique_ptr<net::dns::Resolver> resolver_;
  Dialer dialer_;
  http::PlainClient client_;
  PluginHost host_;
  PlanCache plans_;
  Balancer balancer_;
  Prober prober_;
  std::unique_ptr<CertificateKeeper> keeper_;  // on the first shard alone
  RequestIds ids_;
  Counts counts_;
  std::shared_ptr<const net::tls::IdentityResolver> identities_;
  rt::MemoryGauge& memory_;
  http::Admission admission_;
  net::Succession succession_;
  Proxy proxy_;
  http::Server server_;
  StreamTls stream_tls_;
  StreamCounts stream_counts_;
  StreamProxy streams_;
  std::int64_t trimmed_ms_ = 0;
  rt::TaskScope chores_;  // last: its tasks use everything above
};

}  // namespace sluice::gateway
