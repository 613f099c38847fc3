// SPDX-License-Identifier: Apache-2.0
#include "gateway/dialer.h"

#include <utility>

#include "gateway/racing_connect.h"
#include "net/metadata_address.h"
#include "net/tls/handshake.h"

namespace sluice::gateway {

Dialer::Dialer(rt::Reactor& reactor, net::dns::Resolver* resolver, UpstreamTrust trust)
    : reactor_(reactor), resolver_(resolver), trust_(std::move(trust)) {}

void Dialer::reconfigure(UpstreamTrust trust) {
  trust_ = std::move(trust);
  contexts_.clear();
  own_contexts_.clear();
}

void Dialer::publish(Snapshot::Ref snapshot) {
  if (!snapshot_ || snapshot->policy_epoch != epoch_) contexts_.clear();
  epoch_ = snapshot->policy_epoch;
  snapshot_ = std::move(snapshot);
}

Task<Result<net::dns::AnswerPtr>> Dialer::resolve(const std::string& host, rt::Deadline deadline) {
  if (resolver_ != nullptr) return resolver_->resolve(host, deadline);
  return Result<net::dns::AnswerPtr>(fail(Errc::Unavailable, "name resolution failed", Blame::Upstream));
}

Task<Result<>> Dialer::connect(net::Stream& stream, const Choice& choice, const LiveService& service, UpstreamHttp http,
                               rt::Deadline deadline) {
  if (!service.tls()) return reach(stream, choice, deadline);
  return connect_tls(stream, choice, service, http, deadline);
}

/// The chosen address; beside it, where the name's other family is known, those too: that the connection is one of the
/// name's is what counts, and balancing goes by the chosen one.
Task<Result<>> Dialer::reach(net::Stream& stream, const Choice& choice, rt::Deadline deadline) {
  const net::Address& chosen = choice.endpoint->address;
  const bool races = resolver_ != nullptr && resolver_->seeks_both_families() && choice.peer &&
                     choice.peer->target.starts_with(choice.host);
  const net::dns::Answer* answer = races ? resolver_->lookup(choice.host) : nullptr;
  if (answer == nullptr || answer->others.empty()) return net::connect(stream, reactor_, chosen, deadline);
  std::vector<net::Address> addresses = {chosen};
  for (const IpAddress& other : answer->others) {
    const net::Address address(other, chosen.port());
    if (!net::is_metadata_service(address)) addresses.push_back(address);
  }
  return connect_to_any(stream, reactor_, std::move(addresses), deadline);
}

Task<Result<>> Dialer::connect_tls(net::Stream& stream, const Choice& choice, const LiveService& service,
                                   UpstreamHttp http, rt::Deadline deadline) {
  CO_TRY(Context context, context_for(service, http));
  std::string name(choice.host_header.empty() ? choice.host : choice.host_header);
  if (std::size_t colon = name.find(':'); colon != std::string::npos) name.resize(colon);
  CO_TRY(co_await reach(stream, choice, deadline));
  co_return co_await net::tls::connect(stream, std::move(context), std::move(name), deadline);
}

/// What the service says about trust and identity, as a TLS context; one per service and generation of policy.
Result<Dialer::Context> Dialer::context_for(const LiveService& live, UpstreamHttp http) {
  const ServiceConfig& service = live.config();
  Context& context = contexts_[{service.id.value, http}];
  if (context) return context;
  net::tls::ClientSettings settings;
  if (http != UpstreamHttp::Http1) settings.alpn = {"h2"};
  if (http == UpstreamHttp::Negotiated) settings.alpn.emplace_back("http/1.1");
  settings.verify = service.tls_verify.value_or(trust_.verify);
  settings.trust = trust_.store;
  settings.identity = trust_.identity;
  settings.verify_depth = service.tls_verify_depth.value_or(trust_.verify_depth);
  if (!service.ca_certificates.empty() && snapshot_) {
    std::vector<std::string> texts;
    auto rows = snapshot_->rows.find("ca_certificates");
    for (const Uuid& id : service.ca_certificates) {
      const StoredRow* row = rows != snapshot_->rows.end() ? rows->second.find(id) : nullptr;
      auto parsed = row != nullptr ? parse_json(*row->document) : Result<Json>(Json());
      if (const Json* cert = parsed ? parsed->find("cert") : nullptr; cert != nullptr && cert->is_string()) {
        texts.push_back(cert->as_string());
      }
    }
    TRY(settings.trust, net::tls::TrustStore::from_pem(texts));
  }
  Uuid shown = service.client_certificate.id;
  if (shown.is_nil() && live.upstream() != nullptr) shown = live.upstream()->settings->client_certificate.id;
  if (!shown.is_nil() && snapshot_) {
    if (const auto* certificate = snapshot_->certificates.find(shown)) {
      TRY(auto identity, net::tls::Identity::from_pem((*certificate)->cert, (*certificate)->key));
      settings.identity = std::make_shared<const net::tls::Identity>(std::move(identity));
    }
  }
  TRY(context, net::tls::ClientContext::make(std::move(settings)));
  return context;
}

Task<Result<>> Dialer::dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                            rt::Deadline deadline) {
  std::vector<net::Address> addresses;
  if (auto literal = IpAddress::parse(host)) {
    addresses.emplace_back(*literal, port);
  } else {
    CO_TRY(net::dns::AnswerPtr answer, co_await resolve(host, deadline));
    for (const net::dns::Endpoint& found : answer->endpoints) addresses.emplace_back(found.ip, port);
  }
  CO_TRY(co_await connect_to_any(stream, reactor_, std::move(addresses), deadline));
  if (!tls) co_return Result<>{};
  Context& context = own_contexts_[verify];
  if (!context) {
    net::tls::ClientSettings settings;
    settings.verify = verify;
    settings.trust = trust_.store;
    settings.verify_depth = trust_.verify_depth;
    CO_TRY(context, net::tls::ClientContext::make(std::move(settings)));
  }
  co_return co_await net::tls::connect(stream, context, std::move(host), deadline);
}

}  // namespace sluice::gateway
