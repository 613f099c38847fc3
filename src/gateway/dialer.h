// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/balancer/balancer.h"
#include "gateway/connector.h"
#include "net/dns/resolver.h"
#include "net/tls/client_context.h"
#include "net/tls/identity.h"
#include "net/tls/trust_store.h"

namespace sluice::gateway {

/// How TLS towards upstreams is done where their services do not say.
struct UpstreamTrust {
  std::shared_ptr<const net::tls::TrustStore> store;  // null: none
  bool verify = true;
  int verify_depth = 1;
  std::shared_ptr<const net::tls::Identity> identity = {};  // shown to upstreams that ask; null: none
};

/// Opens connections to upstreams on one shard: names through the resolver, TLS where the service asks for it.
class Dialer final : public NameResolver, public Connector {
 public:
  /// `resolver` may be null: then only addresses can be reached.
  Dialer(rt::Reactor& reactor, net::dns::Resolver* resolver, UpstreamTrust trust);

  /// From the next connection on.
  void reconfigure(UpstreamTrust trust);
  /// Certificates and CAs of services are looked up in this generation.
  void publish(Snapshot::Ref snapshot);

  Task<Result<net::dns::AnswerPtr>> resolve(const std::string& host, rt::Deadline deadline) override;
  Task<Result<>> connect(net::Stream& stream, const Choice& choice, const LiveService& service, UpstreamHttp http,
                         rt::Deadline deadline) override;
  /// For requests of the gateway's own making.
  Task<Result<>> dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                      rt::Deadline deadline);

 private:
  using Context = std::shared_ptr<const net::tls::ClientContext>;
  Result<Context> context_for(const LiveService& service, UpstreamHttp http);
  Task<Result<>> reach(net::Stream& stream, const Choice& choice, rt::Deadline deadline);
  Task<Result<>> connect_tls(net::Stream& stream, const Choice& choice, const LiveService& service, UpstreamHttp http,
                             rt::Deadline deadline);

  rt::Reactor& reactor_;
  net::dns::Resolver* resolver_;
  UpstreamTrust trust_;
  Snapshot::Ref snapshot_;
  std::uint64_t epoch_ = 0;
  std::map<std::pair<Uuid, UpstreamHttp>, Context> contexts_;  // by service, of this epoch
  std::map<bool, Context> own_contexts_;
};

}  // namespace sluice::gateway
