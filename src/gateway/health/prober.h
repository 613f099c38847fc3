// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "base/uuid.h"
#include "gateway/balancer/balancer.h"
#include "gateway/dialer.h"
#include "gateway/health/upstream_health.h"

namespace sluice::gateway {

/// Sends the active health checks of the upstreams that fall to this shard: however many routes, services and shards
/// use an address, a node probes it once. What it finds goes to the node's board.
class Prober {
 public:
  /// This shard's place among those of the node.
  struct Place {
    std::size_t index = 0;
    std::size_t of = 1;
  };
  /// Everything borrowed outlives the prober.
  Prober(rt::Reactor& reactor, NameResolver& names, HealthBoard& board, UpstreamTrust trust, Place place);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  ~Prober();

  /// Watches over the upstreams of this generation. What goes on unchanged keeps its rhythm.
  void publish(const Snapshot& snapshot);
  /// From the next probe on.
  void reconfigure(UpstreamTrust trust);

  /// For tests: upstreams watched over.
  [[nodiscard]] std::size_t watched() const { return watches_.size(); }

 private:
  class Watch;

  rt::Reactor& reactor_;
  NameResolver& names_;
  HealthBoard& board_;
  UpstreamTrust trust_;
  const Place place_;
  std::map<Uuid, std::unique_ptr<Watch>> watches_;
};

}  // namespace sluice::gateway
