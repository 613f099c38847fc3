// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/balancer.h"

#include <algorithm>
#include <utility>

#include "gateway/balancer/sweep.h"
#include "net/metadata_address.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kBucketsAtOnce = 256;
constexpr std::size_t kBucketsPerNewcomer = 4;
/// How soon to look again for an answer that is on its way, and for a name that could not be resolved. Looking costs a
/// query only when the resolver finds it is time for one.
constexpr std::int64_t kAwaitedMs = 20;
constexpr std::int64_t kUnresolvedMs = 500;

std::unexpected<Error> no_peer() {
  return fail(Errc::Unavailable, "failure to get a peer from the ring-balancer", Blame::Upstream);
}
std::unexpected<Error> unresolved() {
  return fail(Errc::Unavailable, "name resolution failed", Blame::Upstream);
}

std::unexpected<Error> off_limits() {
  return fail(Errc::Unavailable, "the upstream's address is one where clouds hand out credentials", Blame::Upstream);
}

bool is_due(const Origin& origin, std::int64_t now_ms) {
  return !origin.literal && now_ms >= origin.ask_at_ms;
}

/// Takes what the resolver says; returns whether it says anything new.
bool take_answer(const LiveService& service, Origin& origin, const Result<net::dns::AnswerPtr>& outcome,
                 std::int64_t now_ms) {
  if (service.health() != nullptr) service.health()->note_name(origin.name, outcome.has_value());
  if (!outcome || (*outcome)->endpoints.empty()) {
    origin.ask_at_ms = now_ms + kUnresolvedMs;
    return std::exchange(origin.answer, nullptr) != nullptr;
  }
  const net::dns::Answer& answer = **outcome;
  const bool same = origin.answer && origin.answer->endpoints == answer.endpoints;
  if (answer.ttl_ms == 0) {
    origin.ask_at_ms = now_ms;  // for every request
  } else {
    origin.ask_at_ms = std::max(answer.expires_ms, now_ms + kAwaitedMs);
  }
  origin.answer = *outcome;
  return !same;
}

}  // namespace

Rc<LiveService> Balancer::live(const Snapshot& snapshot, const Shared<const ServiceConfig>& service) {
  Rc<LiveService>& live = services_[service->id.value];
  const auto* upstream = snapshot.upstream_in(service->workspace, service->host);
  const UpstreamConfig* wanted = upstream != nullptr ? upstream->get() : nullptr;
  if (!live || &live->config() != service.get() || live->upstream() != wanted) {
    Rc<LiveService> made = wanted != nullptr
                               ? make_rc<LiveService>(service, *upstream, board_.of(wanted->id, wanted->name))
                               : make_rc<LiveService>(service, Shared<const UpstreamConfig>(), nullptr);
    if (live) made->budget = live->budget;
    live = std::move(made);
  }
  return live;
}

void Balancer::reconfigure(BalancerPreferences preferences) {
  preferences_ = std::move(preferences);
  for (auto& [id, service] : services_) service->forget_arrangement();
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
                [](const Rc<Endpoint>& endpoint) { return endpoint.use_count() == 1 && endpoint->keeps_nothing(); });
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
    if (service.upstream() != nullptr) {
      key.append(" ").append(service.upstream()->settings->client_certificate.id.to_string());
    }
  }
  if (auto found = endpoints_.find(key); found != endpoints_.end()) return found->second;
  sweep_endpoints(kBucketsPerNewcomer);  // names whose addresses come and go must not fill the memory
  return endpoints_.emplace(std::move(key), make_rc<Endpoint>(reactor_, pool_, address)).first->second;
}

Task<Result<Choice>> Balancer::pick(LiveService& service, const Selection& selection, rt::Deadline deadline) {
  if (!service.is_current(reactor_.clock().mono_ms()) && refresh(service, deadline) == Names::Missing) {
    return wait_and_pick(service, selection, deadline);
  }
  return choose(service, selection);
}

/// Brings the turns up to date with what is known now. Missing: the request has to wait for a name.
Balancer::Names Balancer::refresh(LiveService& service, rt::Deadline deadline) {
  const std::int64_t now_ms = reactor_.clock().mono_ms();
  bool changed = service.peers().empty();
  bool missing = false;
  bool asked_anew = false;  // a name whose answers hold for one request only
  std::int64_t ask_at_ms = INT64_MAX;
  for (Origin& origin : service.origins()) {
    if (origin.literal) continue;
    if (is_due(origin, now_ms)) {
      Task<Result<net::dns::AnswerPtr>> answer = resolver_.resolve(origin.host, deadline);
      if (!answer.ready()) {
        missing = true;
        asked_anew = asked_anew || (origin.answer && origin.answer->ttl_ms == 0);
        continue;
      }
      if (take_answer(service, origin, answer.take(), now_ms)) changed = true;
    }
    ask_at_ms = std::min(ask_at_ms, origin.ask_at_ms);
  }
  if (changed) {
    service.take_answers(preferences_, now_ms);
  } else {
    service.arrange(preferences_, now_ms);
  }
  service.ask_again_at(missing ? std::min(ask_at_ms, now_ms + kAwaitedMs) : ask_at_ms);
  // Positions on a ring depend on every address; elsewhere those that are known can begin.
  const bool all_needed = asked_anew || service.algorithm() == Algorithm::ConsistentHashing;
  return missing && (all_needed || !service.has_candidates()) ? Names::Missing : Names::Known;
}

Task<Result<Choice>> Balancer::wait_and_pick(LiveService& service, const Selection& selection, rt::Deadline deadline) {
  const bool one_will_do = service.algorithm() != Algorithm::ConsistentHashing;
  bool answered = false;
  bool waiting = true;
  std::size_t due = 0;
  for (const Origin& origin : service.origins()) due += is_due(origin, reactor_.clock().mono_ms()) ? 1U : 0U;
  // Where several names are asked for, one that never answers must not hold up the others: each has a moment.
  while (waiting && !(answered && one_will_do)) {
    waiting = false;
    for (Origin& origin : service.origins()) {
      if (!is_due(origin, reactor_.clock().mono_ms()) || (answered && one_will_do)) continue;
      const rt::Deadline turn = due > 1 ? std::min(deadline, reactor_.after_ms(kAwaitedMs)) : deadline;
      Task<Result<net::dns::AnswerPtr>> answer = resolver_.resolve(origin.host, turn);
      const bool at_once = answer.ready();
      const Result<net::dns::AnswerPtr> outcome = co_await answer;
      const std::int64_t now_ms = reactor_.clock().mono_ms();
      if (!outcome && !at_once && now_ms >= turn.at_ms && now_ms < deadline.at_ms) {
        waiting = true;
        continue;
      }
      take_answer(service, origin, outcome, now_ms);
      if (outcome && (*outcome)->ttl_ms == 0) origin.ask_at_ms = now_ms + 1;  // it is this request's
      answered = answered || outcome.has_value();
    }
  }
  service.take_answers(preferences_, reactor_.clock().mono_ms());
  service.ask_again_at(reactor_.clock().mono_ms() + 1);
  co_return choose(service, selection);
}

Result<Choice> Balancer::choose(LiveService& service, const Selection& selection) {
  Peer* peer = service.choose(selection, reactor_.clock());
  if (peer == nullptr) {
    const bool unknown = service.peers().empty() && !service.origins().empty();
    return unknown ? Result<Choice>(unresolved()) : Result<Choice>(no_peer());
  }
  if (!peer->endpoint) {
    if (net::is_metadata_service(peer->address)) return off_limits();
    peer->endpoint = endpoint(peer->address, service);
  }
  const std::string_view host_header =
      service.upstream() != nullptr ? std::string_view(service.upstream()->host_header) : std::string_view{};
  return Choice{peer->endpoint, peer->host, peer->address.port(), host_header, Rc<Peer>(*peer)};
}

}  // namespace sluice::gateway
