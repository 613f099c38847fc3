// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/uuid.h"
#include "crypto/chain_verifier.h"
#include "crypto/presented_certificate.h"
#include "gateway/exchange.h"
#include "plugins/mtls_auth/recently_seen.h"
#include "rt/clock.h"

namespace sluice::plugins {

/// A client whose certificate has been verified, and what requests ask of it.
struct VerifiedClient {
  crypto::VerifiedChain chain;
  std::vector<Uuid> authorities;   // rows of ca_certificates in the chain, the issuer's first
  std::vector<std::string> names;  // crypto::Certificate::identities()
  std::string common_name;         // of the subject; empty: none
  std::string digest;              // of the certificate and its issuer's, whatever else the client has shown
};

/// Verifies what clients show, by rows of ca_certificates, and remembers whom it has verified: a check of signatures
/// costs as much as a request. What is remembered ends with the certificates, and with the authorities themselves when
/// a row of them changes. Belongs to one plugin instance, thus to one thread.
class VerifiedClients {
 public:
  using Ref = std::shared_ptr<const VerifiedClient>;

  /// `keep_ms`: for how long a client is not verified again; 0: it always is.
  VerifiedClients(std::vector<Uuid> authorities, crypto::ChainVerifier::Anchors anchors, std::int64_t keep_ms);

  /// The error says why nobody vouches for the certificate; it is for the log.
  Result<Ref> verify(const crypto::PresentedCertificate& shown, const gateway::Directory& directory,
                     const rt::Clock& clock);

  [[nodiscard]] std::size_t size() const { return known_.size(); }

 private:
  struct Listed {
    Uuid id;
    crypto::Certificate certificate;
  };
  struct Known {
    Ref client;
    std::int64_t until_ms = 0;  // monotonic
  };

  void follow(const gateway::Directory& directory);
  [[nodiscard]] bool is_current(const gateway::Directory& directory) const;
  Ref find(const crypto::PresentedCertificate& shown, const rt::Clock& clock);
  Result<Ref> verify_anew(const crypto::PresentedCertificate& shown, std::int64_t now_s) const;

  const std::vector<Uuid> wanted_;
  const crypto::ChainVerifier::Anchors anchors_;
  const std::int64_t keep_ms_;
  std::vector<Listed> listed_;  // as of the last request
  std::unique_ptr<crypto::ChainVerifier> verifier_;
  RecentlySeen<Known> known_;
};

}  // namespace sluice::plugins
