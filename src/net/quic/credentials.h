// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "base/error.h"
#include "net/tls/identity.h"

namespace sluice::net::quic {

/// A key and its chain as GnuTLS wants them.
class PresentedIdentity {
 public:
  static Result<PresentedIdentity> from(const tls::Identity& identity);
  PresentedIdentity(PresentedIdentity&& other) noexcept;
  PresentedIdentity& operator=(PresentedIdentity&&) = delete;
  ~PresentedIdentity();

  [[nodiscard]] gnutls_pk_algorithm_t algorithm() const { return algorithm_; }
  /// Borrowed from this object.
  [[nodiscard]] gnutls_pcert_st* chain() { return chain_.data(); }
  [[nodiscard]] unsigned length() const { return static_cast<unsigned>(chain_.size()); }
  [[nodiscard]] gnutls_privkey_t key() const { return key_; }
  [[nodiscard]] const tls::Staple& staple() const { return *staple_; }

 private:
  explicit PresentedIdentity(const tls::Staple& staple) : staple_(&staple) {}
  Result<> import(const tls::Identity& identity);

  std::vector<gnutls_pcert_st> chain_;
  gnutls_privkey_t key_ = nullptr;
  gnutls_pk_algorithm_t algorithm_ = GNUTLS_PK_UNKNOWN;
  const tls::Staple* staple_;  // of the identity that this was made from
};

/// The identities of one server name, and what they were made from.
struct PresentedSet {
  std::shared_ptr<const tls::IdentitySet> from;
  std::vector<PresentedIdentity> identities;
};

/// What GnuTLS needs for handshakes on one shard: algorithms, and the identities of names, converted once and kept
/// while they are in use. Which identity a name gets is decided where TLS over TCP decides it.
class Credentials {
 public:
  Credentials();
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials();

  /// Fails when GnuTLS does not take a key or certificate that OpenSSL took.
  Result<std::shared_ptr<PresentedSet>> presented(const std::shared_ptr<const tls::IdentitySet>& identities);

  /// For gnutls_credentials_set() and gnutls_priority_set().
  [[nodiscard]] gnutls_certificate_credentials_t handle() const { return handle_; }
  [[nodiscard]] gnutls_priority_t priorities() const { return priorities_; }

 private:
  void forget_unused();

  gnutls_certificate_credentials_t handle_ = nullptr;
  gnutls_priority_t priorities_ = nullptr;
  std::unordered_map<const tls::IdentitySet*, std::shared_ptr<PresentedSet>> kept_;
};

}  // namespace sluice::net::quic
