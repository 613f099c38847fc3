// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/live_service.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "base/hash.h"
#include "gateway/balancer/targets.h"
#include "gateway/balancer/wheel.h"

namespace sluice::gateway {
namespace {

/// How often a request may be tried on an address that failures of requests have put out.
constexpr std::int64_t kTrialMs = 10'000;

Algorithm algorithm_of(const UpstreamConfig* upstream) {
  if (upstream == nullptr) return Algorithm::RoundRobin;
  const std::string& name = upstream->settings->algorithm;
  if (name == "consistent-hashing") return Algorithm::ConsistentHashing;
  if (name == "least-connections") return Algorithm::LeastConnections;
  if (name == "latency") return Algorithm::Latency;
  if (name == "sticky-sessions") return Algorithm::StickySessions;
  return Algorithm::RoundRobin;
}

/// Whether only requests can tell that a target is well again.
bool heals_by_requests(const entity::Healthchecks* policy) {
  return policy != nullptr && policy->passive.healthy.successes > 0 && policy->active.unhealthy.interval <= 0;
}

Origin origin_of(std::string host, std::uint16_t port, int weight, bool failover) {
  Origin origin{.host = std::move(host), .port = port, .weight = weight, .failover = failover};
  origin.name = name_of({.id = {}, .host = origin.host, .port = port});
  if (auto ip = IpAddress::parse(origin.host)) origin.literal = *ip;
  return origin;
}

}  // namespace

bool Selection::has_failed(const Peer* peer) const {
  return !failed.empty() && std::ranges::find(failed, peer) != failed.end();
}

LiveService::LiveService(Shared<const ServiceConfig> service, Shared<const UpstreamConfig> upstream,
                         std::shared_ptr<UpstreamHealth> health)
    : service_(std::move(service)),
      upstream_(std::move(upstream)),
      health_(std::move(health)),
      algorithm_(algorithm_of(upstream_.get())) {
  tls_ = service_->protocol == "https" || service_->protocol == "grpcs" || service_->protocol == "tls" ||
         service_->protocol == "wss";
  if (upstream_) {
    const entity::Healthchecks& checks = upstream_->settings->healthchecks;
    if (checks.enabled()) policy_ = &checks;
    for (TargetConfig& target : effective_targets(*upstream_)) {
      origins_.push_back(origin_of(std::move(target.host), target.port, target.weight, target.failover));
      origins_.back().zone = std::move(target.zone);
    }
  } else {
    origins_.push_back(origin_of(service_->host, service_->port, 1, false));
  }
  ask_at_ms_ = INT64_MIN;  // nothing is arranged yet
}

// Peers
// -------------------------------------------------------------------------------------------------------------------

void LiveService::take_answers(const BalancerPreferences& preferences, std::int64_t now_ms) {
  std::vector<Rc<Peer>> known = std::exchange(peers_, {});
  for (const Origin& origin : origins_) add_peers(origin, known, now_ms);
  if (algorithm_ == Algorithm::ConsistentHashing) make_ring();
  arrange(preferences, now_ms);
}

void LiveService::add_peers(const Origin& origin, std::vector<Rc<Peer>>& known, std::int64_t now_ms) {
  const std::size_t first = peers_.size();
  auto add = [&](const net::dns::Endpoint& found) {
    Rc<Peer> made = make_peer(origin, found, now_ms);
    const auto same = [&](const Rc<Peer>& other) {
      return other->address == made->address && other->target == made->target;
    };
    if (std::any_of(peers_.begin() + static_cast<std::ptrdiff_t>(first), peers_.end(), same)) return;
    if (const auto kept = std::ranges::find_if(known, same); kept != known.end()) {
      (*kept)->weight = made->weight;
      (*kept)->host = made->host;
      made = *kept;
    }
    peers_.push_back(std::move(made));
  };
  if (origin.literal) {
    add({.ip = *origin.literal});
  } else if (origin.answer) {
    for (const net::dns::Endpoint& found : origin.answer->endpoints) add(found);
  }
  // A ring entitles the addresses of one target to slots in the order of their texts; targets are in order already.
  if (algorithm_ != Algorithm::ConsistentHashing) return;
  std::sort(peers_.begin() + static_cast<std::ptrdiff_t>(first), peers_.end(),
            [](const Rc<Peer>& a, const Rc<Peer>& b) { return a->address.to_string() < b->address.to_string(); });
}

Rc<Peer> LiveService::make_peer(const Origin& origin, const net::dns::Endpoint& found, std::int64_t now_ms) {
  Rc<Peer> peer = make_rc<Peer>();
  const std::uint16_t port = found.port != 0 ? found.port : origin.port;
  const bool by_record = !found.name.empty();
  peer->address = net::Address(found.ip, port);
  peer->host = by_record && upstream_ && upstream_->settings->use_srv_name ? found.name : origin.host;
  peer->target = origin.name;
  peer->failover = origin.failover;
  peer->zone = origin.zone;
  // A record's weight replaces the target's, but does not bring back a target that is draining.
  peer->weight = by_record && origin.weight > 0 ? std::max<int>(found.weight, 1) : origin.weight;
  if (health_) peer->state = health_->address(origin.name, peer->address, now_ms);
  if (algorithm_ == Algorithm::ConsistentHashing) {
    const std::string ip = found.ip.is_v4() ? found.ip.to_string() : "[" + found.ip.to_string() + "]";
    peer->label = fmt::format("{}::{}", by_record ? found.name : ip, port);
  }
  if (algorithm_ == Algorithm::StickySessions) {
    // The same on every node, and nothing that tells clients about addresses.
    const std::string text = upstream_->id.to_string() + origin.name + peer->address.to_string();
    peer->stickiness = fmt::format("{:016x}", stable_hash(text));
  }
  return peer;
}

/// Ill peers keep their points: those of the others stay where they are.
void LiveService::make_ring() {
  std::vector<RingMember> members(peers_.size());
  for (std::size_t i = 0; i < peers_.size(); ++i) {
    members[i] = {peers_[i]->label, peers_[i]->failover ? 0 : peers_[i]->weight};
  }
  const auto targets = static_cast<std::size_t>(std::ranges::count(origins_, false, &Origin::failover));
  ring_ = Ring(members, targets, static_cast<std::size_t>(upstream_->settings->slots));
}

// Turns
// -------------------------------------------------------------------------------------------------------------------

void LiveService::arrange(const BalancerPreferences& preferences, std::int64_t now_ms) {
  candidates_.clear();
  trials_.clear();
  std::vector<Peer*> reserve;
  int total = 0;
  int well = 0;
  if (health_) seen_epoch_ = health_->epoch();
  for (const Rc<Peer>& peer : peers_) {
    const bool taken_out = health_ && peer->state && health_->is_out(*peer->state);
    const bool ill = policy_ != nullptr && peer->state && !peer->state->healthy();
    note_up(*peer, !taken_out && !ill, now_ms);
    if (ill && !taken_out && heals_by_requests(policy_)) trials_.push_back(peer.get());
    if (peer->weight <= 0) continue;
    if (!peer->failover) total += peer->weight;
    if (!peer->up) continue;
    if (peer->failover) {
      reserve.push_back(peer.get());
    } else {
      well += peer->weight;
      candidates_.push_back(peer.get());
    }
  }
  // Reference gateway.md, 5.3: below the threshold the upstream as a whole is down.
  const double threshold = policy_ != nullptr ? policy_->threshold : 0;
  if (total == 0 || static_cast<double>(well) * 100 <= threshold * total) candidates_.clear();
  if (candidates_.empty()) candidates_ = std::move(reserve);
  prefer_zone(preferences.zone);
  share_out(preferences.slow_start_ms, now_ms);
}

void LiveService::note_up(Peer& peer, bool up, std::int64_t now_ms) {
  if (up && !peer.up && peer.state) peer.state->begin_anew(now_ms);
  peer.up = up;
}

/// Positions on a ring are the same for all nodes, wherever they are.
void LiveService::prefer_zone(const std::string& zone) {
  if (zone.empty() || algorithm_ == Algorithm::ConsistentHashing) return;
  const auto near = [&](const Peer* peer) { return peer->zone == zone; };
  if (std::ranges::any_of(candidates_, near)) std::erase_if(candidates_, std::not_fn(near));
}

/// By weight; whoever has come a short while ago gets a part of that, which grows as time goes by.
void LiveService::share_out(std::int64_t slow_start_ms, std::int64_t now_ms) {
  constexpr double kFirstShare = 0.1;
  constexpr int kFraction = 100;
  constexpr std::int64_t kSteps = 20;
  bool growing = false;
  for (Peer* peer : candidates_) {
    const std::int64_t age = peer->state ? now_ms - peer->state->since_ms() : slow_start_ms;
    peer->share = 1;
    if (age >= slow_start_ms) continue;
    peer->share = std::max(kFirstShare, static_cast<double>(age) / static_cast<double>(slow_start_ms));
    growing = true;
  }
  std::vector<int> weights;
  weights.reserve(candidates_.size());
  for (const Peer* peer : candidates_) {
    weights.push_back(growing ? std::max(1, static_cast<int>(peer->weight * peer->share * kFraction)) : peer->weight);
  }
  wheel_ = make_wheel(weights);
  next_ = 0;
  arrange_at_ms_ = growing ? now_ms + std::max<std::int64_t>(1, slow_start_ms / kSteps) : INT64_MAX;
}

Peer* LiveService::choose(const Selection& selection, const rt::Clock& clock) {
  if (!trials_.empty() && selection.failed.empty()) {
    if (Peer* tried = on_trial(clock.mono_ms())) return tried;
  }
  switch (algorithm_) {
    case Algorithm::RoundRobin:
      break;
    case Algorithm::ConsistentHashing:
      if (Peer* found = by_hash(selection)) return found;
      break;
    case Algorithm::LeastConnections:
      return least_busy(selection);
    case Algorithm::Latency:
      return fastest(selection, clock.mono_ns());
    case Algorithm::StickySessions:
      if (Peer* found = stuck(selection)) return found;
      break;
  }
  return next_in_turn(selection);
}

Peer* LiveService::on_trial(std::int64_t now_ms) const {
  for (Peer* peer : trials_) {
    if (peer->state->take_trial(now_ms, kTrialMs)) return peer;
  }
  return nullptr;
}

bool LiveService::has_another(const Selection& selection) const {
  return std::ranges::any_of(candidates_, [&](const Peer* peer) { return !selection.has_failed(peer); });
}

/// Addresses that have failed this request come last.
Peer* LiveService::next_in_turn(const Selection& selection) {
  Peer* first = nullptr;
  for (std::size_t step = 0; step < wheel_.size(); ++step) {
    Peer* peer = candidates_[wheel_[next_]];
    if (++next_ == wheel_.size()) next_ = 0;
    if (!selection.has_failed(peer)) return peer;
    if (first == nullptr) first = peer;
  }
  if (first != nullptr && ++next_ == wheel_.size()) next_ = 0;  // all of the wheel has passed: on to the one after
  return first;
}

Peer* LiveService::by_hash(const Selection& selection) const {
  if (candidates_.empty() || candidates_.front()->failover) return nullptr;
  const std::uint32_t slot = ring_.slot_of(selection.hashed);
  auto found = ring_.find(slot, [&](std::size_t i) { return peers_[i]->up && !selection.has_failed(peers_[i].get()); });
  if (!found) found = ring_.find(slot, [&](std::size_t i) { return peers_[i]->up; });
  return found ? peers_[*found].get() : nullptr;
}

/// The candidate of the smallest score; of equals the one whose turn is first.
template <class Score>
Peer* LiveService::best(const Selection& selection, Score score) {
  Peer* chosen = nullptr;
  double least = 0;
  bool chosen_failed = false;
  const std::size_t count = candidates_.size();
  for (std::size_t step = 0; step < count; ++step) {
    Peer* peer = candidates_[(next_ + step) % count];
    const bool failed = selection.has_failed(peer);
    if (chosen != nullptr && failed && !chosen_failed) continue;
    const double own = score(*peer) / (peer->weight * peer->share);
    if (chosen != nullptr && own >= least && failed == chosen_failed) continue;
    chosen = peer;
    least = own;
    chosen_failed = failed;
  }
  if (count != 0) next_ = (next_ + 1) % count;
  return chosen;
}

Peer* LiveService::least_busy(const Selection& selection) {
  return best(selection, [](const Peer& peer) { return peer.state->connections() + 1.0; });
}

/// Who is not known yet counts as middling, so that it is tried soon and not by everybody at once.
Peer* LiveService::fastest(const Selection& selection, std::int64_t now_ns) {
  double sum = 0;
  int known = 0;
  for (const Peer* peer : candidates_) {
    const double latency = peer->state->latency(now_ns);
    if (latency < 0) continue;
    sum += latency;
    ++known;
  }
  const double mean = known > 0 ? sum / known : 0;
  return best(selection, [=](const Peer& peer) {
    const double latency = peer.state->latency(now_ns);
    return latency < 0 ? mean : latency;
  });
}

/// Draining targets keep those who are with them.
Peer* LiveService::stuck(const Selection& selection) const {
  if (selection.stuck_to.empty()) return nullptr;
  for (const Rc<Peer>& peer : peers_) {
    if (peer->stickiness == selection.stuck_to && peer->up && !selection.has_failed(peer.get())) return peer.get();
  }
  return nullptr;
}

}  // namespace sluice::gateway
