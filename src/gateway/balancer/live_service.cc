// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/live_service.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace sluice::gateway {
namespace {

constexpr std::size_t kLargestWheel = 10'000;

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

/// Of several rows for one target the newest counts; weight 0 takes it out.
std::vector<TargetConfig> effective_targets(const UpstreamConfig& upstream) {
  std::map<std::pair<std::string, std::uint16_t>, TargetConfig> newest;
  for (const TargetConfig& target : upstream.targets) {
    auto [place, is_new] = newest.try_emplace({target.host, target.port}, target);
    if (!is_new && target.created_at >= place->second.created_at) place->second = target;
  }
  std::vector<TargetConfig> targets;
  for (auto& [key, target] : newest) {
    if (target.weight > 0) targets.push_back(target);
  }
  return targets;
}

std::unexpected<Error> no_peer() {
  return fail(Errc::Unavailable, "failure to get a peer from the ring-balancer", Blame::Upstream);
}

}  // namespace

LiveService::LiveService(Shared<const ServiceConfig> service, Shared<const UpstreamConfig> upstream)
    : service_(std::move(service)), upstream_(std::move(upstream)) {
  tls_ = service_->protocol == "https" || service_->protocol == "grpcs" || service_->protocol == "tls";
  std::vector<int> weights;
  if (upstream_) {
    for (TargetConfig& target : effective_targets(*upstream_)) {
      peers_.push_back({std::move(target.host), target.port});
      weights.push_back(target.weight);
    }
  } else {
    peers_.push_back({service_->host, service_->port});
    weights.push_back(1);
  }
  wheel_ = make_wheel(weights);
}

Rc<LiveService> Balancer::live(const Snapshot& snapshot, const Shared<const ServiceConfig>& service) {
  Rc<LiveService>& live = services_[service->id.value];
  const auto* upstream = snapshot.upstreams_by_name.find(std::string_view(service->host));
  const UpstreamConfig* wanted = upstream != nullptr ? upstream->get() : nullptr;
  if (!live || &live->config() != service.get() || live->upstream() != wanted) {
    live = make_rc<LiveService>(service, upstream != nullptr ? *upstream : Shared<const UpstreamConfig>());
  }
  return live;
}

Endpoint& Balancer::endpoint(const net::Address& address, const LiveService& service) {
  std::string key = address.to_string();
  if (service.tls()) {
    const ServiceConfig& config = service.config();
    key.append(" tls ").append(config.host).append(" ").append(config.client_certificate.id.to_string());
    key.append(config.tls_verify ? (*config.tls_verify ? " verify" : " trust") : " default");
  }
  std::unique_ptr<Endpoint>& found = endpoints_[key];
  if (!found) found = std::make_unique<Endpoint>(reactor_, pool_, address);
  return *found;
}

Task<Result<Choice>> Balancer::pick(LiveService& service, rt::Deadline deadline) {
  if (service.wheel_.empty()) return Result<Choice>(no_peer());
  const std::size_t index = service.wheel_[service.next_];
  if (++service.next_ == service.wheel_.size()) service.next_ = 0;
  const LiveService::Peer& peer = service.peers_[index];
  std::string_view host_header =
      service.upstream_ ? std::string_view(service.upstream_->host_header) : std::string_view{};
  if (service.only_ != nullptr) return Result<Choice>(Choice{service.only_, peer.host, peer.port, host_header});
  if (auto ip = IpAddress::parse(peer.host)) {
    Endpoint& found = endpoint(net::Address(*ip, peer.port), service);
    if (service.peers_.size() == 1) service.only_ = &found;
    return Result<Choice>(Choice{&found, peer.host, peer.port, host_header});
  }
  return resolve_and_pick(service, index, deadline);
}

Task<Result<Choice>> Balancer::resolve_and_pick(LiveService& service, std::size_t index, rt::Deadline deadline) {
  const LiveService::Peer& peer = service.peers_[index];
  CO_TRY(auto addresses, co_await resolver_.resolve(peer.host, deadline));
  if (addresses.empty()) co_return fail(Errc::Unavailable, "name resolution failed", Blame::Upstream);
  Endpoint& found = endpoint(net::Address(addresses[turn_++ % addresses.size()], peer.port), service);
  std::string_view host_header =
      service.upstream_ ? std::string_view(service.upstream_->host_header) : std::string_view{};
  co_return Choice{&found, peer.host, peer.port, host_header};
}

}  // namespace sluice::gateway
