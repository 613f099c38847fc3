// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/intrusive_rc.h"
#include "base/ip.h"
#include "gateway/balancer/peer.h"
#include "gateway/balancer/preferences.h"
#include "gateway/balancer/retry_budget.h"
#include "gateway/balancer/ring.h"
#include "gateway/balancer/selection.h"
#include "gateway/config/snapshot.h"
#include "gateway/health/upstream_health.h"
#include "net/dns/answer.h"

namespace sluice::gateway {

/// How an upstream chooses among its targets. Reference gateway.md, 5.1.
enum class Algorithm : std::uint8_t { RoundRobin, ConsistentHashing, LeastConnections, Latency, StickySessions };

/// Where a peer comes from: a target of the upstream, or the service's own host.
struct Origin {
  std::string host;
  std::uint16_t port = 80;
  int weight = 1;
  bool failover = false;
  std::string name = {};                  // "host:port"
  std::string zone = {};                  // of the target
  std::optional<IpAddress> literal = {};  // when `host` is an address
  net::dns::AnswerPtr answer = {};        // of a name: the last one; null: none
  std::int64_t ask_at_ms = 0;             // of a name: when the answer is too old to go by
};

/// A service as one shard lives with it: where its requests go, in which order. What it holds follows its names'
/// answers and its targets' health; Balancer::pick sees to that.
class LiveService : public RcObject {
 public:
  /// `health` belongs to the upstream; null when there is none.
  LiveService(Shared<const ServiceConfig> service, Shared<const UpstreamConfig> upstream,
              std::shared_ptr<UpstreamHealth> health);

  [[nodiscard]] const ServiceConfig& config() const { return *service_; }
  [[nodiscard]] const UpstreamConfig* upstream() const { return upstream_.get(); }
  [[nodiscard]] bool tls() const { return tls_; }
  [[nodiscard]] Algorithm algorithm() const { return algorithm_; }
  /// Null when the service has no upstream.
  [[nodiscard]] UpstreamHealth* health() const { return health_.get(); }
  /// Null when nothing is judged by its answers.
  [[nodiscard]] const entity::Healthchecks* policy() const { return policy_; }
  RetryBudget budget;

  /// Whether the turns are still those that names and health ask for. Cheap: asked for every request.
  [[nodiscard]] bool is_current(std::int64_t now_ms) const {
    return now_ms < ask_at_ms_ && now_ms < arrange_at_ms_ && (health_ == nullptr || health_->epoch() == seen_epoch_);
  }

  [[nodiscard]] std::vector<Origin>& origins() { return origins_; }
  /// After answers have changed: makes the peers anew, keeping those whose address stays.
  void take_answers(const BalancerPreferences& preferences, std::int64_t now_ms);
  /// After health or preferences have changed, or as time goes by: lays out the turns anew.
  void arrange(const BalancerPreferences& preferences, std::int64_t now_ms);
  /// The next request has the turns laid out anew.
  void forget_arrangement() { arrange_at_ms_ = INT64_MIN; }
  /// Names are asked for again from this moment on.
  void ask_again_at(std::int64_t at_ms) { ask_at_ms_ = at_ms; }

  /// Null when nobody can take the request. Allocates nothing.
  [[nodiscard]] Peer* choose(const Selection& selection, const rt::Clock& clock);
  /// Whether a peer is left that has not failed this request.
  [[nodiscard]] bool has_another(const Selection& selection) const;
  /// Whether anybody could.
  [[nodiscard]] bool has_candidates() const { return !candidates_.empty(); }
  /// For tests and explanations.
  [[nodiscard]] const std::vector<Rc<Peer>>& peers() const { return peers_; }

 private:
  [[nodiscard]] Peer* on_trial(std::int64_t now_ms) const;
  [[nodiscard]] Peer* next_in_turn(const Selection& selection);
  [[nodiscard]] Peer* by_hash(const Selection& selection) const;
  [[nodiscard]] Peer* least_busy(const Selection& selection);
  [[nodiscard]] Peer* fastest(const Selection& selection, std::int64_t now_ns);
  template <class Score>
  [[nodiscard]] Peer* best(const Selection& selection, Score score);
  [[nodiscard]] Peer* stuck(const Selection& selection) const;
  [[nodiscard]] Rc<Peer> make_peer(const Origin& origin, const net::dns::Endpoint& found, std::int64_t now_ms);
  void add_peers(const Origin& origin, std::vector<Rc<Peer>>& known, std::int64_t now_ms);
  void make_ring();
  void note_up(Peer& peer, bool up, std::int64_t now_ms);
  void prefer_zone(const std::string& zone);
  void share_out(std::int64_t slow_start_ms, std::int64_t now_ms);

  Shared<const ServiceConfig> service_;
  Shared<const UpstreamConfig> upstream_;
  std::shared_ptr<UpstreamHealth> health_;
  const entity::Healthchecks* policy_ = nullptr;  // of the upstream
  bool tls_ = false;
  Algorithm algorithm_ = Algorithm::RoundRobin;

  std::vector<Origin> origins_;
  std::vector<Rc<Peer>> peers_;       // in the order of origins, all of them
  std::vector<Peer*> candidates_;     // of peers_: those that requests go to now
  std::vector<Peer*> trials_;         // of peers_: those that a request may be tried on, though they are out
  std::vector<std::uint16_t> wheel_;  // indexes of candidates, each as often as its weight says, well mixed
  Ring ring_;                         // over peers_
  std::size_t next_ = 0;
  std::int64_t ask_at_ms_ = INT64_MAX;      // when the first name has to be asked for again
  std::int64_t arrange_at_ms_ = INT64_MAX;  // when shares have grown
  std::uint64_t seen_epoch_ = 0;            // of health_
};

}  // namespace sluice::gateway
