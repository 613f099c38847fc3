// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/door.h"

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include "base/log.h"
#include "base/time.h"

namespace sluice::control::cluster {
namespace {

constexpr int kMaxIntermediates = 4;
// So many guests are judged before whoever else waits on this shard has its turn.
constexpr std::size_t kJudgedAtOnce = 32;
constexpr std::int64_t kSeeOffMs = 3'000;  // longer than a link takes to say goodbye

std::unexpected<Error> closed(std::string why) {
  return fail(Errc::Forbidden, std::move(why), Blame::Client);
}

bool is_current(const crypto::Certificate& certificate) {
  const std::int64_t now = unix_seconds();
  return certificate.not_before() <= now && now < certificate.not_after();
}

template <class T, class U>
bool has(const std::vector<T>& list, const U& wanted) {
  return std::ranges::find(list, wanted) != list.end();
}

}  // namespace

/// Whoever has come while his certificate was valid may stay when it ends: what he serves would only get old.
struct Door::Visitor {
  const net::Stream& stream;
  const crypto::Certificate& certificate;
  const std::string& fingerprint;
  std::string_view server_name;
  net::tls::Validity validity;
};

Result<std::shared_ptr<Hub>> Door::judge(const net::Stream& stream, std::string_view server_name) const {
  const auto certificate = net::tls::peer_certificate(stream);
  if (!certificate) return closed("no certificate");
  if (!is_current(*certificate)) return closed("its certificate is not valid now: " + certificate->subject());
  const std::string fingerprint = certificate->sha256_hex();
  return judge(Visitor{stream, *certificate, fingerprint, server_name, net::tls::Validity::Now});
}

void Door::note_refused(const net::Address& peer, const Error& error) {
  static log::Counted refused(log::Level::Warn, "cluster.refused");
  refused.hit({{"peer", peer.to_string()}, {"reason", error.what}});
}

/// Where a name asks for a control plane, that one alone decides. What opens the standard one opens no other: nobody
/// gets what is another one's because of a name.
Result<std::shared_ptr<Hub>> Door::judge(const Visitor& visitor) const {
  TRY(auto hub, directory_.by_server_name(visitor.server_name));
  if (hub == nullptr) return judge_nameless(visitor);
  const Uuid& id = hub->control_plane();
  if (has(directory_.pinned_at(visitor.fingerprint), id)) return hub;
  const auto issuers = directory_.issuers(id);
  if (hub == directory_.standard()) {
    TRY(judge_standard(visitor));
  } else if (issuers) {
    TRY(judge_issued(visitor, *issuers));
  } else {
    return closed("its certificate is not pinned to the control plane that it asks for: " +
                  visitor.certificate.subject());
  }
  return hub;
}

/// Whoever asks for none comes to the one that has pinned his certificate, else to the standard one.
Result<std::shared_ptr<Hub>> Door::judge_nameless(const Visitor& visitor) const {
  auto standard = directory_.standard();
  if (is_own(visitor)) return standard;
  const auto pinned = directory_.pinned_at(visitor.fingerprint);
  if (pinned.empty()) {
    TRY(judge_standard(visitor));
    return standard;
  }
  if (has(pinned, standard->control_plane())) return standard;
  if (pinned.size() > 1) {
    return fail(Errc::Conflict, "its certificate is pinned to several control planes, and it asks for none by name",
                Blame::Client);
  }
  if (auto hub = directory_.find(pinned.front())) return hub;
  return fail(Errc::Unavailable, "the control plane that has pinned its certificate is not open here", Blame::System);
}

bool Door::is_own(const Visitor& visitor) const {
  return terms_.shared && has(terms_.own_fingerprints, visitor.fingerprint);
}

/// A standard control plane with authorities of its own trusts those alone.
Result<> Door::judge_standard(const Visitor& visitor) const {
  if (is_own(visitor)) return {};
  const auto issuers = directory_.issuers(directory_.standard()->control_plane());
  if (issuers && !issuers->empty()) return judge_issued(visitor, *issuers);
  if (terms_.trust == nullptr) return closed("its certificate is unknown: " + visitor.certificate.subject());
  TRY(net::tls::verify_client(visitor.stream, *terms_.trust, kMaxIntermediates, visitor.validity));
  if (terms_.common_names.empty()) return {};
  const std::string name = visitor.certificate.common_name();
  if (has(terms_.common_names, name)) return {};
  return closed("its common name is not among cluster_allowed_common_names: " + name);
}

Result<> Door::judge_issued(const Visitor& visitor, const std::vector<std::string>& issuers) const {
  if (issuers.empty()) return closed("the control plane that it asks for has no authority yet");
  TRY(const auto trust, net::tls::TrustStore::from_pem(issuers));
  return net::tls::verify_client(visitor.stream, *trust, 0, visitor.validity);
}

// Guests
// -------------------------------------------------------------------------------------------------------------------

Door::Guest::Guest(Door& door, const net::Stream& stream, std::string server_name, std::shared_ptr<Hub> hub,
                   Dismiss dismiss)
    : door_(door),
      stream_(stream),
      server_name_(std::move(server_name)),
      hub_(std::move(hub)),
      certificate_(net::tls::peer_certificate(stream)),
      fingerprint_(certificate_ ? certificate_->sha256_hex() : std::string()),
      dismiss_(std::move(dismiss)),
      number_(door.next_++) {
  door_.guests_.emplace(number_, this);
}

Door::Guest::~Guest() {
  door_.guests_.erase(number_);
}

void Door::change(Terms terms) {
  terms_ = std::move(terms);
  judge_again();
}

void Door::judge_again() {
  if (guests_.empty()) return;
  judge_again_ = true;
  if (!judging_) chores_.spawn(judge_guests());
}

Result<> Door::judge(const Guest& guest) const {
  if (!guest.certificate_) return closed("no certificate");
  TRY(const auto hub, judge(Visitor{guest.stream_, *guest.certificate_, guest.fingerprint_, guest.server_name_,
                                    net::tls::Validity::AnyTime}));
  if (hub == guest.hub_) return {};
  return closed("its certificate now belongs to another control plane");
}

/// Begins in a later turn: whoever says that something has changed is in the midst of it.
Task<void> Door::judge_guests() {
  judging_ = true;
  while (std::exchange(judge_again_, false)) {
    std::uint64_t reached = 0;
    while (guests_.upper_bound(reached) != guests_.end()) {
      co_await rt::Sleep(reactor_, reactor_.after_ms(1));
      auto next = guests_.upper_bound(reached);
      for (std::size_t judged = 0; judged < kJudgedAtOnce && next != guests_.end(); ++judged) {
        reached = next->first;
        Guest& guest = *next->second;
        ++next;
        if (guest.dismissed_) continue;
        const auto still = judge(guest);
        if (!still) dismiss(guest, still.error().what);
      }
    }
  }
  judging_ = false;
}

void Door::dismiss(Guest& guest, const std::string& why) {
  static log::Counted dismissed(log::Level::Notice, "cluster.no_longer_admitted");
  dismissed.hit({{"peer", guest.stream_.peer().to_string()},
                 {"control_plane", guest.hub_->control_plane().to_string()},
                 {"reason", why}});
  guest.dismissed_ = true;
  chores_.spawn(see_off(guest.number_));
  guest.dismiss_(why);
}

/// A link may be in the midst of sending, to somebody who takes nothing.
Task<void> Door::see_off(std::uint64_t number) {
  co_await rt::Sleep(reactor_, reactor_.after_ms(kSeeOffMs));
  const auto guest = guests_.find(number);
  if (guest != guests_.end()) ::shutdown(guest->second->stream_.fd(), SHUT_RDWR);
}

}  // namespace sluice::control::cluster
