// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/door.h"

#include <algorithm>

#include "base/time.h"
#include "net/tls/peer.h"

namespace sluice::control::cluster {
namespace {

constexpr int kMaxIntermediates = 4;

std::unexpected<Error> closed(std::string why) {
  return fail(Errc::Forbidden, std::move(why), Blame::Client);
}

/// "example" of "CN=example,O=Example".
std::string common_name(const crypto::Certificate& certificate) {
  const std::string subject = certificate.subject();
  const std::size_t at = subject.find("CN=");
  if (at == subject.npos) return {};
  return subject.substr(at + 3, subject.find(',', at) - at - 3);
}

bool is_current(const crypto::Certificate& certificate) {
  const std::int64_t now = unix_seconds();
  return certificate.not_before() <= now && now < certificate.not_after();
}

}  // namespace

/// The cluster's own certificate opens every control plane, a pinned one those that pinned it, an issued one those
/// that trust the issuer. Where a name asks for one of several, it decides; it never opens what the certificate does
/// not.
Result<std::shared_ptr<Hub>> Door::judge(const net::Stream& stream, std::string_view server_name) const {
  const auto certificate = net::tls::peer_certificate(stream);
  if (!certificate) return closed("no certificate");
  if (!is_current(*certificate)) return closed("its certificate is not valid now: " + certificate->subject());
  auto asked = directory_.by_server_name(server_name);
  const std::string fingerprint = certificate->sha256_hex();
  if (terms_.shared && std::ranges::find(terms_.own_fingerprints, fingerprint) != terms_.own_fingerprints.end()) {
    return asked != nullptr ? asked : directory_.standard();
  }

  const auto pinned = directory_.by_certificate(fingerprint);
  if (!pinned.empty()) {
    if (asked == nullptr) return pinned.front();
    if (std::ranges::find(pinned, asked) != pinned.end()) return asked;
    return closed("its certificate is pinned by another control plane than the one it asks for");
  }
  auto hub = asked != nullptr ? asked : directory_.standard();
  TRY(judge_issued(stream, *certificate, *hub));
  return hub;
}

Result<> Door::judge_issued(const net::Stream& stream, const crypto::Certificate& certificate, const Hub& hub) const {
  const auto issuers = directory_.issuers(hub);
  if (!issuers.empty()) {
    TRY(const auto trust, net::tls::TrustStore::from_pem(issuers));
    return net::tls::verify_client(stream, *trust, 0);
  }
  if (terms_.trust == nullptr) return closed("its certificate is unknown: " + certificate.subject());
  TRY(net::tls::verify_client(stream, *terms_.trust, kMaxIntermediates));
  if (terms_.common_names.empty()) return {};
  const std::string name = common_name(certificate);
  if (std::ranges::find(terms_.common_names, name) != terms_.common_names.end()) return {};
  return closed("its common name is not among cluster_allowed_common_names: " + name);
}

}  // namespace sluice::control::cluster
