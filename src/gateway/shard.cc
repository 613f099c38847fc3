// SPDX-License-Identifier: Apache-2.0
#include "gateway/shard.h"

#include <utility>

#include "base/log.h"
#include "gateway/log_record.h"
#include "http/accept_connection.h"
#include "net/tls/identity_index.h"
#include "net/tls/server_context.h"

namespace sluice::gateway {
namespace {

std::unique_ptr<net::dns::Resolver> open_resolver(rt::Reactor& reactor, const net::dns::Settings& settings) {
  auto resolver = net::dns::Resolver::open(reactor, settings);
  if (resolver) return *std::move(resolver);
  log::error("dns.unavailable", {{"error", resolver.error()}});
  return nullptr;
}

RequestIds::Origin on_shard(RequestIds::Origin origin, std::size_t index) {
  origin.shard = static_cast<std::uint16_t>(index);
  return origin;
}

}  // namespace

Shard::Shard(rt::Reactor& reactor, const NodeParts& node, HealthBoard& board, Prober::Place place)
    : reactor_(reactor),
      node_(node),
      options_(node.options),
      tls_(node.tls),
      tls_http2_(node.tls_http2),
      sinks_(reactor, node.files, metrics_),
      access_log_(node.access_log.empty()
                      ? nullptr
                      : std::make_unique<telemetry::AccessLog>(reactor, node.files, node.access_log)),
      resolver_(open_resolver(reactor, node.dns)),
      dialer_(reactor, resolver_.get(), node.trust),
      client_(
          reactor,
          [this](net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                 rt::Deadline deadline) { return dialer_.dial(stream, std::move(host), port, tls, verify, deadline); }),
      host_{reactor,  node.blocking,        node.counters,         client_,
            metrics_, node.options.node_id, node.options.hostname, &sinks_},
      plans_(host_),
      balancer_(reactor, options_.pool, dialer_, board),
      prober_(reactor, dialer_, board, node.trust, place),
      ids_(node.id_key, on_shard(node.origin, place.index)),
      proxy_({options_, plans_, balancer_, dialer_, ids_, *this}),
      server_(reactor, options_.server, proxy_) {}

Shard::~Shard() = default;

void Shard::listen(const ProxyDoor& door, int socket) {
  http::Preparation preparation;
  if (door.tls || door.http2 || door.proxy_protocol) {
    preparation = [this, &door](net::Stream& stream, http::ConnectionInfo& info, std::string& early,
                                const http::Admit& admit) {
      http::AcceptTerms terms{.proxy_protocol = door.proxy_protocol,
                              .http2 = door.http2,
                              .tls = door.tls,
                              .context = door.http2 ? tls_http2_ : tls_,
                              .identities = identities_,
                              .admit = admit};
      return http::accept_connection(stream, info, early, std::move(terms), reactor_.after_ms(options_.tls_timeout_ms));
    };
  }
  server_.listen(socket, std::move(preparation),
                 door.proxy_protocol ? http::Server::ClientKnown::WhenPrepared : http::Server::ClientKnown::AtAccept);
}

void Shard::publish(const Snapshot::Ref& snapshot) {
  if (tls_ && snapshot->policy_epoch != identities_epoch_) {
    identities_ = index_identities(*snapshot);
    identities_epoch_ = snapshot->policy_epoch;
  }
  dialer_.publish(snapshot);
  proxy_.publish(snapshot);
  balancer_.sweep(*snapshot);
  prober_.publish(*snapshot);
}

void Shard::reconfigure(const LiveParts& parts) {
  options_ = parts.options;
  tls_ = parts.tls;
  tls_http2_ = parts.tls_http2;
  dialer_.reconfigure(parts.trust);
  prober_.reconfigure(parts.trust);
  access_log_.reset();
  if (!parts.access_log.empty()) {
    access_log_ = std::make_unique<telemetry::AccessLog>(reactor_, node_.files, parts.access_log);
  }
}

net::dns::Resolver::Stats Shard::dns_stats() const {
  return resolver_ ? resolver_->stats() : net::dns::Resolver::Stats{};
}

void Shard::on_request(const Exchange& ex) noexcept {
  counts_.requests.fetch_add(1, std::memory_order_relaxed);
  counts_.accepted.store(server_.counts().accepted, std::memory_order_relaxed);
  counts_.active.store(server_.counts().active, std::memory_order_relaxed);
  if (access_log_ != nullptr) access_log_->write(access_entry(ex));
}

std::shared_ptr<const net::tls::IdentityResolver> index_identities(const Snapshot& snapshot) {
  auto index = std::make_shared<net::tls::IdentityIndex>();
  auto make = [](const CertificateConfig& config) -> Result<std::shared_ptr<const net::tls::IdentitySet>> {
    TRY(auto first, net::tls::Identity::from_pem(config.cert, config.key));
    if (config.cert_alt.empty()) return net::tls::IdentitySet::of(std::move(first));
    TRY(auto second, net::tls::Identity::from_pem(config.cert_alt, config.key_alt));
    return net::tls::IdentitySet::of(std::move(first), std::move(second));
  };
  for (const auto& entry : snapshot.certificate_by_sni) {
    const auto* certificate = snapshot.certificates.find(entry.value.certificate);
    if (certificate == nullptr) continue;
    auto identities = make(**certificate);
    if (!identities) {
      log::error("certificate.unusable", {{"sni", entry.key}, {"error", identities.error()}});
      continue;
    }
    if (entry.key == "*") {
      index->set_default(*identities);
    } else {
      index->add(entry.key, *identities);
    }
  }
  return index;
}

}  // namespace sluice::gateway
