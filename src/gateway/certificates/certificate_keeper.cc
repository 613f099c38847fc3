// SPDX-License-Identifier: Apache-2.0
#include "gateway/certificates/certificate_keeper.h"

#include <algorithm>
#include <array>

#include "base/log.h"
#include "base/random.h"

namespace sluice::gateway {
namespace {

constexpr std::size_t kAtOnce = 8;                         // questions on their way
constexpr std::int64_t kPatienceMs = 10'000;               // with a responder
constexpr std::size_t kMostOctets = 64 * 1024;             // of a response
constexpr std::int64_t kFirstPauseMs = 5'000;              // after a failure; twice as long after each further one
constexpr std::int64_t kLongestPauseMs = 60L * 60 * 1000;  // until the next try, whatever happened
constexpr std::int64_t kBelievedS = 60L * 60;              // a response that names no end
constexpr std::int64_t kShortestBeliefMs = 60'000;         // until the next question, even where the answer ends before
constexpr std::int64_t kLongestBeliefMs = 12L * 60 * 60 * 1000;
constexpr std::int64_t kLookMs = 60L * 60 * 1000;  // at the ends of certificates
constexpr std::int64_t kDayS = 24L * 60 * 60;
constexpr std::array<std::int64_t, 4> kWarnings = {30, 7, 1, 0};  // days before the end

/// Spread, so that not all certificates of a node, or all nodes, ask at the same time.
std::int64_t spread(std::int64_t ms) {
  return ms - static_cast<std::int64_t>(random_u64() % static_cast<std::uint64_t>(ms / 10 + 1));
}

std::int64_t pause_after(int failures) {
  const std::int64_t doubled = kFirstPauseMs << std::min(failures - 1, 20);
  return spread(std::min(doubled, kLongestPauseMs));
}

/// Half way to its end: time enough for a responder that fails a few times.
std::int64_t until_next_question(const net::tls::StapledResponse& response, std::int64_t now_s) {
  const std::int64_t half_ms = (response.valid_until_s - now_s) * 1000 / 2;
  return std::max(spread(std::clamp(half_ms, kShortestBeliefMs, kLongestBeliefMs)), kShortestBeliefMs);
}

}  // namespace

CertificateKeeper::CertificateKeeper(rt::Reactor& reactor, http::Client& client, rt::BlockingPool& blocking)
    : reactor_(reactor), client_(client), blocking_(blocking) {}
CertificateKeeper::~CertificateKeeper() = default;

std::size_t CertificateKeeper::asked() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(watched_, [](const auto& entry) { return entry.second.question != nullptr; }));
}

void CertificateKeeper::reconfigure(StaplingTerms terms, std::vector<Identities> listeners,
                                    std::shared_ptr<const net::tls::TrustStore> trust) {
  const bool same_terms = terms.on == terms_.on && terms.responder == terms_.responder;
  terms_ = std::move(terms);
  listeners_ = std::move(listeners);
  trust_ = std::move(trust);
  if (!same_terms) {
    for (auto& [key, entry] : watched_) begin_to_ask(key, entry);
  }
  watch_all();
}

/// A certificate that has no server name is shown to upstreams, if at all.
void CertificateKeeper::publish(const Snapshot& snapshot) {
  if (snapshot.certificate_epoch == epoch_) return;
  epoch_ = snapshot.certificate_epoch;
  shown_.clear();
  for (const auto& sni : snapshot.certificate_by_sni) {
    const auto* certificate = snapshot.certificates.find(sni.value.certificate);
    if (certificate != nullptr && (*certificate)->identities) shown_.emplace_back(sni.key, (*certificate)->identities);
  }
  watch_all();
}

void CertificateKeeper::watch_all() {
  for (auto& [key, entry] : watched_) entry.current = false;
  for (const Identities& identities : listeners_) {
    if (identities) watch(identities, "listener");
  }
  for (const auto& [name, identities] : shown_) watch(identities, name);
  for (auto entry = watched_.begin(); entry != watched_.end();) {
    if (!entry->second.current) due_.erase({entry->second.due_ms, entry->first});
    entry = entry->second.current ? std::next(entry) : watched_.erase(entry);
  }
  arm();
}

void CertificateKeeper::watch(const Identities& identities, const std::string& name) {
  for (const net::tls::Identity& identity : identities->identities()) {
    auto [place, is_new] = watched_.try_emplace(&identity);
    Watched& entry = place->second;
    entry.current = true;
    if (!is_new) continue;
    entry.owner = identities;
    entry.name = name;
    entry.ends_s = identity.leaf().not_after();
    entry.must_staple = net::tls::must_staple(identity.leaf());
    warn_of_end(&identity, entry);
    begin_to_ask(&identity, entry);
  }
}

/// The same certificate may have been here before a reload: what is known of it is true of this one too. An identity
/// may go and come back while a question about it is on its way, so that no round is ever given twice.
void CertificateKeeper::begin_to_ask(Key key, Watched& entry) {
  due_.erase({entry.due_ms, key});
  entry.question = nullptr;
  entry.round = ++last_round_;
  entry.failures = 0;
  if (entry.must_staple) {
    log::write(terms_.on ? log::Level::Info : log::Level::Warn, "certificate.must_staple",
               {{"certificate", entry.name}, {"ssl_stapling", terms_.on ? "on" : "off"}});
  }
  if (!terms_.on) return;
  const std::int64_t now_s = reactor_.clock().wall_s();
  std::int64_t at_ms = reactor_.clock().mono_ms();
  if (const auto known = known_.find(key->print()); known != known_.end() && now_s < known->second->valid_until_s) {
    key->staple().set(known->second);
    at_ms += until_next_question(*known->second, now_s);
  }
  schedule(key, entry, at_ms);
}

/// Once for each number of days, and once more each time that the program starts.
void CertificateKeeper::warn_of_end(Key key, Watched& entry) const {
  const std::int64_t left_s = entry.ends_s - reactor_.clock().wall_s();
  const auto passed = std::ranges::find_if(kWarnings.rbegin(), kWarnings.rend(),
                                           [&](std::int64_t days) { return left_s <= days * kDayS; });
  if (passed == kWarnings.rend() || *passed >= entry.days_told) return;
  entry.days_told = *passed;
  if (left_s <= 0) {
    log::error("certificate.expired", {{"certificate", entry.name}, {"sha256", key->print()}});
  } else {
    log::warn("certificate.expires",
              {{"certificate", entry.name}, {"sha256", key->print()}, {"days_left", left_s / kDayS}});
  }
}

/// In place of what was due before.
void CertificateKeeper::schedule(Key key, Watched& entry, std::int64_t at_ms) {
  due_.erase({entry.due_ms, key});
  entry.due_ms = at_ms;
  due_.insert({at_ms, key});
}

void CertificateKeeper::arm() {
  std::int64_t next_ms = look_at_ms_;
  if (!due_.empty() && asking_ < kAtOnce) next_ms = std::min(next_ms, due_.begin()->first);
  reactor_.timers().arm(*this, std::max(next_ms, reactor_.clock().mono_ms()));
}

void CertificateKeeper::expire() {
  if (reactor_.clock().mono_ms() >= look_at_ms_) {
    look_at_ms_ = reactor_.clock().mono_ms() + kLookMs;
    for (auto& [key, entry] : watched_) warn_of_end(key, entry);
    std::erase_if(known_, [now_s = reactor_.clock().wall_s()](const auto& response) {
      return response.second->valid_until_s <= now_s;
    });
  }
  ask_those_due();
  arm();
}

void CertificateKeeper::ask_those_due() {
  while (asking_ < kAtOnce && !due_.empty() && due_.begin()->first <= reactor_.clock().mono_ms()) {
    const Key key = due_.begin()->second;
    due_.erase(due_.begin());
    const auto place = watched_.find(key);
    if (place == watched_.end()) continue;
    ++asking_;
    tasks_.spawn(ask(place->second.owner, key, place->second.round));
  }
}

/// Null: the certificate has gone meanwhile, or another question is asked about it.
CertificateKeeper::Watched* CertificateKeeper::find(Key key, std::uint64_t round) {
  const auto place = watched_.find(key);
  return place != watched_.end() && place->second.round == round ? &place->second : nullptr;
}

/// `owner` keeps `key` from becoming the address of another identity.
Task<void> CertificateKeeper::ask(Identities owner, Key key, std::uint64_t round) {
  co_await ask_and_note(key, round);
  --asking_;
  arm();
}

Task<void> CertificateKeeper::ask_and_note(Key key, std::uint64_t round) {
  const auto made = co_await make_question(key, round);
  const Watched* asked = find(key, round);
  if (!made || asked == nullptr) co_return;
  auto fetched = co_await fetch(asked->question);
  Watched* entry = find(key, round);
  if (entry == nullptr) co_return;
  if (!fetched) {
    note_failure(key, *entry, fetched.error());
    co_return;
  }
  const std::int64_t now_s = reactor_.clock().wall_s();
  const std::int64_t next_ms = until_next_question(*fetched, now_s);
  log::info("ocsp.stapled", {{"certificate", entry->name}, {"valid_s", fetched->valid_until_s - now_s}});
  entry->failures = 0;
  auto response = std::make_shared<const net::tls::StapledResponse>(*std::move(fetched));
  known_[key->print()] = response;
  key->staple().set(std::move(response));
  schedule(key, *entry, reactor_.clock().mono_ms() + next_ms);
}

/// Once per certificate, on another thread: thousands may come at a time. Without one, nobody is asked.
Task<Result<>> CertificateKeeper::make_question(Key key, std::uint64_t round) {
  const Watched* entry = find(key, round);
  if (entry == nullptr || entry->question != nullptr) co_return Result<>{};
  auto made = co_await rt::offload(blocking_, reactor_,
                                   [owner = entry->owner, key, trust = trust_, responder = terms_.responder] {
                                     return net::tls::OcspQuestion::about(*key, trust.get(), responder);
                                   });
  Watched* now = find(key, round);
  if (now == nullptr) co_return Result<>{};
  if (!made) {
    log::write(now->must_staple ? log::Level::Warn : log::Level::Info, "ocsp.not_asked",
               {{"certificate", now->name}, {"must_staple", now->must_staple}, {"error", made.error()}});
    co_return std::unexpected(std::move(made).error());
  }
  now->question = *std::move(made);
  co_return Result<>{};
}

Task<Result<net::tls::StapledResponse>> CertificateKeeper::fetch(
    std::shared_ptr<const net::tls::OcspQuestion> question) {
  http::ClientRequest request{
      .method = "POST",
      .url = question->url(),
      .headers = {{"Content-Type", "application/ocsp-request"}, {"Accept", "application/ocsp-response"}},
      .body = question->der(),
      .max_response = kMostOctets};
  CO_TRY(http::ClientResponse response, co_await client_.send(std::move(request), reactor_.after_ms(kPatienceMs)));
  if (response.status != 200) {
    co_return fail(Errc::Refused, "the responder answers with status " + std::to_string(response.status),
                   Blame::Upstream);
  }
  Result<net::tls::OcspAnswer> answer =
      co_await rt::offload(blocking_, reactor_, [question, der = response.body] { return question->judge(der); });
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status != net::tls::OcspAnswer::Status::Good) {
    const bool revoked = answer->status == net::tls::OcspAnswer::Status::Revoked;
    co_return fail(Errc::Forbidden, revoked ? "the certificate is revoked" : "the authority does not know it",
                   Blame::Upstream);
  }
  const std::int64_t end_s =
      answer->next_update_s != 0 ? answer->next_update_s : reactor_.clock().wall_s() + kBelievedS;
  if (end_s <= reactor_.clock().wall_s()) {
    co_return fail(Errc::Refused, "the responder's answer has come to its end", Blame::Upstream);
  }
  co_return net::tls::StapledResponse{.der = std::move(response.body), .valid_until_s = end_s};
}

void CertificateKeeper::note_failure(Key key, Watched& entry, const Error& error) {
  ++entry.failures;
  const std::int64_t pause_ms = pause_after(entry.failures);
  const bool has_response = key->staple().current(reactor_.clock().wall_s()) != nullptr;
  // What a revoked certificate's authority said before is true no more.
  if (error.code == Errc::Forbidden) {
    key->staple().set(nullptr);
    known_.erase(key->print());
  }
  const bool urgent = error.code == Errc::Forbidden || (entry.must_staple && !has_response);
  log::write(urgent ? log::Level::Error : log::Level::Warn, "ocsp.failed",
             {{"certificate", entry.name},
              {"responder", entry.question->url()},
              {"error", error},
              {"stapled", has_response && error.code != Errc::Forbidden},
              {"again_in_ms", pause_ms}});
  schedule(key, entry, reactor_.clock().mono_ms() + pause_ms);
}

}  // namespace sluice::gateway
