// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/live_service.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "gateway/balancer/sweep.h"
#include "gateway/balancer/targets.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kLargestWheel = 10'000;
constexpr std::size_t kBucketsAtOnce = 256;
constexpr std::size_t kBucketsPerNewcomer = 4;

/// Each index as often as its weight (divided by the common divisor), spread evenly: at every step the peer that lags
/// most behind its share is next. Deterministic, so that tests and people can predict it.
std::vector<std::uint16_t> make_wheel(const std::vector<int>& weights) {
  int divisor = 0;
  for (int weight : weights) divisor = std::gcd(divisor, weight);
  std::vector<std::uint16_t> wheel;
  if (divisor == 0) return wheel;
  std::size_t total = 0;
  for (int weight : weights) total += static_cast<std::size_t>(weight / divisor);
  const std::size_t size = std::min(total, kLargestWheel);
  std::vector<std::int64_t> credit(weights.size(), 0);
  wheel.reserve(size);
  for (std::size_t step = 0; step < size; ++step) {
    std::size_t best = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      credit[i] += weights[i] / divisor;
      if (credit[i] > credit[best]) best = i;
    }
    credit[best] -= static_cast<std::int64_t>(total);
    wheel.push_back(static_cast<std::uint16_t>(best));
  }
  return wheel;
}

std::unexpected<Error> no_peer() {
  return fail(Errc::Unavailable, "failure to get a peer from the ring-balancer", Blame::Upstream);
}

}  // namespace

LiveService::LiveService(Shared<const ServiceConfig> service, Shared<const UpstreamConfig> upstream,
                         const UnhealthyTargets& unhealthy)
    : service_(std::move(service)), upstream_(std::move(upstream)) {
  tls_ = service_->protocol == "https" || service_->protocol == "grpcs" || service_->protocol == "tls";
  auto add = [this](std::string host, std::uint16_t port, int weight) {
    auto ip = IpAddress::parse(host);
    peers_.push_back({std::move(host), port, ip ? std::optional(*ip) : std::nullopt, {}});
    weights_.push_back(weight);
  };
  if (upstream_) {
    for (TargetConfig& target : effective_targets(*upstream_)) {
      add(std::move(target.host), target.port, target.weight);
    }
  } else {
    add(service_->host, service_->port, 1);
  }
  arrange(unhealthy);
}

void LiveService::arrange(const UnhealthyTargets& unhealthy) {
  std::vector<int> weights = weights_;
  for (std::size_t i = 0; !unhealthy.empty() && i < peers_.size(); ++i) {
    if (unhealthy.contains(name_of({.id = {}, .host = peers_[i].host, .port = peers_[i].port}))) weights[i] = 0;
  }
  wheel_ = make_wheel(weights);
  next_ = 0;
}

Rc<LiveService> Balancer::live(const Snapshot& snapshot, const Shared<const ServiceConfig>& service) {
  Rc<LiveService>& live = services_[service->id.value];
  const auto* upstream = snapshot.upstream_in(service->workspace, service->host);
  const UpstreamConfig* wanted = upstream != nullptr ? upstream->get() : nullptr;
  if (!live || &live->config() != service.get() || live->upstream() != wanted) {
    const auto marked = wanted != nullptr ? unhealthy_.find(wanted->id) : unhealthy_.end();
    live = make_rc<LiveService>(service, upstream != nullptr ? *upstream : Shared<const UpstreamConfig>(),
                                marked != unhealthy_.end() ? marked->second : UnhealthyTargets());
  }
  return live;
}

void Balancer::set_health(const Uuid& upstream, std::string_view target, bool healthy) {
  UnhealthyTargets& marked = unhealthy_[upstream];
  if (healthy) {
    if (auto found = marked.find(target); found != marked.end()) marked.erase(found);
  } else {
    marked.emplace(target);
  }
  for (auto& [id, live] : services_) {
    if (live->upstream() != nullptr && live->upstream()->id == upstream) live->arrange(marked);
  }
  if (marked.empty()) unhealthy_.erase(upstream);
}

void Balancer::sweep(const Snapshot& snapshot) {
  sweep_buckets(services_, next_service_bucket_, kBucketsAtOnce, [&](const Rc<LiveService>& live) {
    const auto* current = snapshot.services.find(live->config().id.value);
    return current == nullptr || current->get() != &live->config();
  });
  sweep_endpoints(kBucketsAtOnce);
}

/// An endpoint that nobody holds and that keeps no connection remembers nothing.
void Balancer::sweep_endpoints(std::size_t buckets) {
  sweep_buckets(endpoints_, next_endpoint_bucket_, buckets,
                [](const Rc<Endpoint>& endpoint) { return endpoint.use_count() == 1 && endpoint->pool.idle() == 0; });
}

Rc<Endpoint> Balancer::endpoint(const net::Address& address, const LiveService& service) {
  std::string key = address.to_string();
  if (service.tls()) {
    const ServiceConfig& config = service.config();
    key.append(" tls ").append(config.host).append(" ").append(config.client_certificate.id.to_string());
    // TODO(security): connections made before a reload turned upstream_tls_verify on are used until they end.
    key.append(config.tls_verify ? (*config.tls_verify ? " verify" : " trust") : " default");
    if (config.tls_verify_depth) key.append(" depth ").append(std::to_string(*config.tls_verify_depth));
    for (const Uuid& id : config.ca_certificates) key.append(" ca ").append(id.to_string());
  }
  if (auto found = endpoints_.find(key); found != endpoints_.end()) return found->second;
  sweep_endpoints(kBucketsPerNewcomer);  // names whose addresses come and go must not fill the memory
  return endpoints_.emplace(std::move(key), make_rc<Endpoint>(reactor_, pool_, address)).first->second;
}

Task<Result<Choice>> Balancer::pick(LiveService& service, rt::Deadline deadline) {
  if (service.wheel_.empty()) return Result<Choice>(no_peer());
  const std::size_t index = service.wheel_[service.next_];
  if (++service.next_ == service.wheel_.size()) service.next_ = 0;
  LiveService::Peer& peer = service.peers_[index];
  if (!peer.literal) return resolve_and_pick(service, index, deadline);
  if (!peer.endpoint) peer.endpoint = endpoint(net::Address(*peer.literal, peer.port), service);
  std::string_view host_header =
      service.upstream_ ? std::string_view(service.upstream_->host_header) : std::string_view{};
  return Result<Choice>(Choice{peer.endpoint, peer.host, peer.port, host_header});
}

Task<Result<Choice>> Balancer::resolve_and_pick(LiveService& service, std::size_t index, rt::Deadline deadline) {
  const LiveService::Peer& peer = service.peers_[index];
  CO_TRY(auto addresses, co_await resolver_.resolve(peer.host, deadline));
  if (addresses.empty()) co_return fail(Errc::Unavailable, "name resolution failed", Blame::Upstream);
  Rc<Endpoint> found = endpoint(net::Address(addresses[turn_++ % addresses.size()], peer.port), service);
  std::string_view host_header =
      service.upstream_ ? std::string_view(service.upstream_->host_header) : std::string_view{};
  co_return Choice{std::move(found), peer.host, peer.port, host_header};
}

}  // namespace sluice::gateway
