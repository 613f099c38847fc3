// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "gateway/balancer/balancer.h"
#include "gateway/connector.h"
#include "gateway/pipeline/plan.h"
#include "gateway/proxy/gateway_options.h"
#include "gateway/stream_session.h"
#include "http/admission.h"
#include "http/server.h"
#include "net/succession.h"
#include "net/tls/identity.h"
#include "net/tls/server_context.h"

namespace sluice::gateway {

/// A stream listener as the node hands it to its shards.
struct StreamDoor {
  bool tls = false;
  bool udp = false;
  bool proxy_protocol = false;
  std::vector<int> sockets;  // one descriptor per shard; owned by whoever serves it
};

/// Told about every finished session, after the log phase; access log and node metrics. On the shard, must not block.
class StreamObserver {
 public:
  virtual ~StreamObserver() = default;
  virtual void on_session(const StreamSession& session) noexcept = 0;
};

/// How sessions that arrive in TLS are ended here; replaced by reloads and by new generations.
struct StreamTls {
  std::shared_ptr<const net::tls::ServerContext> context;        // null: no listener speaks TLS
  std::shared_ptr<const net::tls::IdentityResolver> identities;  // null: the context's own certificate serves all
};

/// Counts of a shard's sessions; readable from any thread.
struct StreamCounts {
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> active{0};
  std::atomic<std::uint64_t> refused{0};            // over client_max_connections_per_address
  std::atomic<std::uint64_t> datagrams_dropped{0};  // nobody could take them
};

/// The parts of a shard that streams work with. All outlive whoever gets them.
struct StreamParts {
  rt::Reactor& reactor;
  const GatewayOptions& options;
  PlanCache& plans;
  Balancer& balancer;
  Connector& connector;
  const StreamTls& tls;
  StreamObserver& observer;
  StreamCounts& counts;
  http::Admission& admission;
  http::Server& server;         // its idle connections make room
  net::Succession& succession;  // of UDP sessions
};

}  // namespace sluice::gateway
