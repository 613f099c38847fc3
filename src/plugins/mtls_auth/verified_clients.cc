// SPDX-License-Identifier: Apache-2.0
#include "plugins/mtls_auth/verified_clients.h"

#include <algorithm>
#include <utility>

namespace sluice::plugins {

VerifiedClients::VerifiedClients(std::vector<Uuid> authorities, crypto::ChainVerifier::Anchors anchors,
                                 std::int64_t keep_ms)
    : wanted_(std::move(authorities)), anchors_(anchors), keep_ms_(keep_ms) {}

Result<VerifiedClients::Ref> VerifiedClients::verify(const crypto::PresentedCertificate& shown,
                                                     const gateway::Directory& directory, const rt::Clock& clock) {
  follow(directory);
  if (Ref known = find(shown, clock)) return known;
  TRY(Ref client, verify_anew(shown, clock.wall_s()));
  if (keep_ms_ > 0) known_.put(shown.digest(), {client, clock.mono_ms() + keep_ms_});
  return client;
}

/// Requests of one moment may have begun under different generations of the configuration; the authorities follow the
/// request.
void VerifiedClients::follow(const gateway::Directory& directory) {
  if (verifier_ && is_current(directory)) return;
  listed_.clear();
  std::vector<crypto::Certificate> certificates;
  for (const Uuid& id : wanted_) {
    const crypto::Certificate* authority = directory.authority(id);
    if (authority == nullptr) continue;  // believed as long as it is there
    listed_.push_back({id, *authority});
    certificates.push_back(*authority);
  }
  verifier_ = std::make_unique<crypto::ChainVerifier>(certificates, anchors_);
  known_.clear();
}

/// Handles are compared, which `listed_` keeps: none of them is another certificate's by now.
bool VerifiedClients::is_current(const gateway::Directory& directory) const {
  auto next = listed_.begin();
  for (const Uuid& id : wanted_) {
    const crypto::Certificate* authority = directory.authority(id);
    if (authority == nullptr) continue;
    if (next == listed_.end() || next->id != id || next->certificate.handle() != authority->handle()) return false;
    ++next;
  }
  return next == listed_.end();
}

VerifiedClients::Ref VerifiedClients::find(const crypto::PresentedCertificate& shown, const rt::Clock& clock) {
  const Known* known = known_.find(shown.digest());
  if (known == nullptr) return nullptr;
  const crypto::VerifiedChain& chain = known->client->chain;
  const std::int64_t now_s = clock.wall_s();
  const bool is_valid = chain.begins_s <= now_s && now_s <= chain.ends_s;
  return is_valid && clock.mono_ms() < known->until_ms ? known->client : nullptr;
}

Result<VerifiedClients::Ref> VerifiedClients::verify_anew(const crypto::PresentedCertificate& shown,
                                                          std::int64_t now_s) const {
  auto client = std::make_shared<VerifiedClient>();
  TRY(client->chain, verifier_->verify(shown.chain(), now_s));
  for (const crypto::Certificate& above : client->chain.certificates) {
    const auto row = std::ranges::find(listed_, above.sha256_hex(),
                                       [](const Listed& listed) { return listed.certificate.sha256_hex(); });
    if (row != listed_.end()) client->authorities.push_back(row->id);
  }
  const crypto::Certificate& leaf = shown.chain().front();
  client->names = leaf.identities();
  client->common_name = leaf.common_name();
  for (std::size_t i = 0; i < std::min<std::size_t>(2, client->chain.certificates.size()); ++i) {
    client->digest += client->chain.certificates[i].sha256_hex();
  }
  return client;
}

}  // namespace sluice::plugins
