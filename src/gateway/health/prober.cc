// SPDX-License-Identifier: Apache-2.0
#include "gateway/health/prober.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gateway/balancer/targets.h"
#include "gateway/health/probe.h"
#include "net/metadata_address.h"
#include "rt/scope.h"

namespace sluice::gateway {
namespace {

/// How long to wait at most before looking at names and at what requests have found out meanwhile.
constexpr std::int64_t kLookMs = 500;

using Certificate = Shared<const CertificateConfig>;

Certificate certificate_of(const Snapshot& snapshot, const UpstreamConfig& upstream) {
  const Uuid& id = upstream.settings->client_certificate.id;
  const Certificate* found = id.is_nil() ? nullptr : snapshot.certificates.find(id);
  return found != nullptr ? *found : Certificate();
}

std::string authority_of(const TargetConfig& target, const UpstreamConfig& upstream) {
  if (!upstream.host_header.empty()) return upstream.host_header;
  const bool usual = target.port == (is_secure(upstream.settings->healthchecks.active) ? 443 : 80);
  const std::string name = name_of(target);
  return usual ? name.substr(0, name.rfind(':')) : name;
}

std::string sni_of(const TargetConfig& target, const UpstreamConfig& upstream) {
  const std::string& wanted = upstream.settings->healthchecks.active.https_sni;
  if (!wanted.empty()) return wanted;
  const std::string& host = upstream.host_header;
  return host.empty() ? target.host : host.substr(0, host.find(':'));
}

}  // namespace

/// The probes of one upstream.
class Prober::Watch final : private rt::Timer {
 public:
  Watch(Prober& prober, Shared<const UpstreamConfig> upstream, Certificate certificate)
      : prober_(prober), health_(prober.board_.of(upstream->id, upstream->name)) {
    update(std::move(upstream), std::move(certificate));
  }

  [[nodiscard]] bool serves(const UpstreamConfig* upstream, const Certificate& certificate) const {
    return upstream_.get() == upstream && certificate_.get() == certificate.get();
  }
  void update(Shared<const UpstreamConfig> upstream, Certificate certificate) {
    upstream_ = std::move(upstream);
    certificate_ = std::move(certificate);
    context_.reset();
    look_at_ms_ = 0;
    // Never from within publish(): whoever publishes may hold what a probe that fails at once would touch.
    prober_.reactor_.timers().arm(*this, prober_.reactor_.clock().mono_ms());
  }
  void forget_context() { context_.reset(); }

 private:
  /// An address and the rhythm of its probes.
  struct Probed {
    std::shared_ptr<AddressState> state;
    TargetConfig target;
    std::int64_t begun_ms = 0;  // of the last probe; 0: there was none
    bool running = false;
  };

  [[nodiscard]] const entity::ActiveHealthcheck& check() const { return upstream_->settings->healthchecks.active; }
  void expire() override {
    if (prober_.reactor_.clock().mono_ms() >= look_at_ms_) find_addresses();
    begin_what_is_due();
  }
  void find_addresses();
  void add(const TargetConfig& target, const net::Address& where, std::vector<Probed>& found);
  void begin_what_is_due();
  [[nodiscard]] std::int64_t due_ms(const Probed& probed) const;
  Task<void> run(std::shared_ptr<AddressState> state, TargetConfig target);
  [[nodiscard]] Result<ProbePlan> plan_for(const AddressState& state, const TargetConfig& target);
  Result<> make_context();
  void judge(AddressState& state, const Result<ProbeAnswer>& answer);

  Prober& prober_;
  std::shared_ptr<UpstreamHealth> health_;
  Shared<const UpstreamConfig> upstream_;
  Certificate certificate_;
  std::shared_ptr<const net::tls::ClientContext> context_;  // made when first needed
  std::vector<Probed> addresses_;
  std::int64_t look_at_ms_ = 0;  // for addresses: now and then when there are names, else after a change
  std::int64_t running_ = 0;
  rt::TaskScope probes_;
};

/// Names that are not resolved now keep the addresses that they had.
void Prober::Watch::find_addresses() {
  std::vector<Probed> found;
  look_at_ms_ = INT64_MAX;
  for (const TargetConfig& target : effective_targets(*upstream_)) {
    if (const auto literal = IpAddress::parse(target.host)) {
      add(target, net::Address(*literal, target.port), found);
      continue;
    }
    look_at_ms_ = prober_.reactor_.clock().mono_ms() + kLookMs;
    auto answer = prober_.names_.resolve(target.host, prober_.reactor_.after_ms(kLookMs));
    auto outcome = answer.ready() ? answer.take() : Result<net::dns::AnswerPtr>(net::dns::AnswerPtr());
    if (outcome && *outcome) {
      for (const net::dns::Endpoint& one : (*outcome)->endpoints) {
        add(target, net::Address(one.ip, one.port != 0 ? one.port : target.port), found);
      }
      continue;
    }
    const std::string name = name_of(target);
    for (const Probed& known : addresses_) {
      if (known.state->target() == name) found.push_back(known);
    }
  }
  addresses_ = std::move(found);
}

void Prober::Watch::add(const TargetConfig& target, const net::Address& where, std::vector<Probed>& found) {
  auto state = health_->address(name_of(target), where, prober_.reactor_.clock().mono_ms());
  const auto known = std::ranges::find(addresses_, state, &Probed::state);
  Probed next = known != addresses_.end() ? *known : Probed{.state = std::move(state), .target = target};
  next.target = target;
  found.push_back(std::move(next));
}

/// INT64_MAX: an address in that state is not probed.
std::int64_t Prober::Watch::due_ms(const Probed& probed) const {
  const double interval = probed.state->healthy() ? check().healthy.interval : check().unhealthy.interval;
  if (interval <= 0) return INT64_MAX;
  return probed.begun_ms == 0 ? 0 : probed.begun_ms + static_cast<std::int64_t>(interval * 1000);
}

void Prober::Watch::begin_what_is_due() {
  const std::int64_t now_ms = prober_.reactor_.clock().mono_ms();
  std::int64_t next_ms = now_ms + kLookMs;
  for (Probed& probed : addresses_) {
    if (probed.running) continue;
    const std::int64_t due = due_ms(probed);
    if (due > now_ms) {
      next_ms = std::min(next_ms, due);
      continue;
    }
    if (running_ >= check().concurrency) continue;  // the end of another one looks again
    probed.running = true;
    probed.begun_ms = now_ms;
    ++running_;
    probes_.spawn(run(probed.state, probed.target));
  }
  prober_.reactor_.timers().arm(*this, next_ms);
}

Task<void> Prober::Watch::run(std::shared_ptr<AddressState> state, TargetConfig target) {
  const Shared<const UpstreamConfig> upstream = upstream_;  // may be replaced meanwhile
  const auto timeout_ms = static_cast<std::int64_t>(check().timeout * 1000);
  Result<ProbePlan> plan = plan_for(*state, target);
  Result<ProbeAnswer> answer = plan ? Result<ProbeAnswer>(ProbeAnswer{}) : std::unexpected(plan.error());
  if (plan) {
    Task<Result<ProbeAnswer>> asking =
        probe(prober_.reactor_, *std::move(plan), prober_.reactor_.after_ms(timeout_ms > 0 ? timeout_ms : kLookMs));
    answer = co_await asking;
  }
  judge(*state, answer);
  --running_;
  for (Probed& probed : addresses_) {
    if (probed.state == state) probed.running = false;
  }
  prober_.reactor_.timers().arm(*this, prober_.reactor_.clock().mono_ms());
}

Result<ProbePlan> Prober::Watch::plan_for(const AddressState& state, const TargetConfig& target) {
  if (net::is_metadata_service(state.where())) {
    return fail(Errc::Forbidden, "an address where clouds hand out credentials", Blame::Upstream);
  }
  if (is_secure(check()) && !context_) TRY(make_context());
  return ProbePlan{.check = &check(),
                   .where = state.where(),
                   .authority = authority_of(target, *upstream_),
                   .sni = sni_of(target, *upstream_),
                   .context = is_secure(check()) ? context_ : nullptr};
}

Result<> Prober::Watch::make_context() {
  net::tls::ClientSettings settings;
  settings.verify = check().https_verify_certificate;
  settings.trust = prober_.trust_.store;
  settings.verify_depth = prober_.trust_.verify_depth;
  settings.identity = prober_.trust_.identity;
  if (is_grpc(check())) settings.alpn = {"h2"};
  if (certificate_) {
    TRY(auto identity, net::tls::Identity::from_pem(certificate_->cert, certificate_->key));
    settings.identity = std::make_shared<const net::tls::Identity>(std::move(identity));
  }
  TRY(context_, net::tls::ClientContext::make(std::move(settings)));
  return {};
}

void Prober::Watch::judge(AddressState& state, const Result<ProbeAnswer>& answer) {
  const entity::Healthchecks& policy = upstream_->settings->healthchecks;
  if (!answer) {
    log::debug("upstream.probe_failed",
               {{"upstream", upstream_->name}, {"target", state.target()}, {"error", answer.error()}});
    const bool slow = answer.error().code == Errc::Timeout;
    health_->report(state, policy, Witness::Probe, slow ? Outcome::Timeout : Outcome::TcpFailure);
  } else if (answer->status != 0) {
    health_->report_status(state, policy, Witness::Probe, answer->status);
  } else {
    health_->report(state, policy, Witness::Probe, answer->well ? Outcome::Success : Outcome::HttpFailure);
  }
}

Prober::Prober(rt::Reactor& reactor, NameResolver& names, HealthBoard& board, UpstreamTrust trust, Place place)
    : reactor_(reactor), names_(names), board_(board), trust_(std::move(trust)), place_(place) {}

Prober::~Prober() = default;

void Prober::publish(const Snapshot& snapshot) {
  std::erase_if(watches_, [&](const auto& entry) { return snapshot.probed_upstreams.find(entry.first) == nullptr; });
  for (const auto& entry : snapshot.probed_upstreams) {
    if (std::hash<Uuid>{}(entry.key) % place_.of != place_.index) continue;
    const Shared<const UpstreamConfig>* upstream = snapshot.upstreams.find(entry.key);
    if (upstream == nullptr) continue;
    Certificate certificate = certificate_of(snapshot, **upstream);
    std::unique_ptr<Watch>& watch = watches_[entry.key];
    if (!watch) {
      watch = std::make_unique<Watch>(*this, *upstream, std::move(certificate));
    } else if (!watch->serves(upstream->get(), certificate)) {
      watch->update(*upstream, std::move(certificate));
    }
  }
}

void Prober::reconfigure(UpstreamTrust trust) {
  trust_ = std::move(trust);
  for (auto& [id, watch] : watches_) watch->forget_context();
}

}  // namespace sluice::gateway
