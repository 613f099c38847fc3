// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include "base/error.h"
#include "net/quic/credentials.h"
#include "net/stream.h"
#include "net/tls/identity.h"

namespace sluice::net::tls {
class ServerContext;
}

namespace sluice::net::quic {

/// How a listener speaks TLS at this moment: the same objects as over TCP.
struct TlsTerms {
  std::shared_ptr<const tls::ServerContext> context;      // its identity is for names that the resolver does not know
  std::shared_ptr<const tls::IdentityResolver> resolver;  // may be null
};

/// TLS 1.3 of one connection, by GnuTLS. There is no resumption, and so no 0-RTT: what a ticket would save is one
/// signature, and what it must not carry from one name to another is a long list.
///
/// Certificates of clients are never asked for here. A request for a host that asks for one is answered with 421 by
/// whoever judges requests, since TlsInfo::client_policy is null.
class Handshake {
 public:
  /// `credentials` outlives it.
  Handshake(Credentials& credentials, TlsTerms terms) : credentials_(credentials), terms_(std::move(terms)) {}
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake();

  /// Makes the session of `connection`, which outlives it.
  Result<> open(ngtcp2_conn& connection);
  /// What was agreed upon, once that is so. Texts live as long as this object.
  [[nodiscard]] std::unique_ptr<const TlsInfo> info();

  /// GnuTLS asks which certificate to show.
  static int choose_identity(gnutls_session_t session, const gnutls_cert_retr_st* info, gnutls_pcert_st** chain,
                             unsigned* length, gnutls_ocsp_data_st** staples, unsigned* staple_count,
                             gnutls_privkey_t* key, unsigned* flags);

 private:
  [[nodiscard]] PresentedIdentity* choose();
  [[nodiscard]] std::string asked_name() const;
  /// Null: there is no answer of an authority.
  [[nodiscard]] gnutls_ocsp_data_st* staple(const PresentedIdentity& identity);

  Credentials& credentials_;
  TlsTerms terms_;
  gnutls_session_t session_ = nullptr;
  ngtcp2_conn* connection_ = nullptr;
  ngtcp2_crypto_conn_ref reference_{};   // what ngtcp2 wants a session to point to
  std::shared_ptr<PresentedSet> shown_;  // GnuTLS borrows from it
  std::shared_ptr<const tls::StapledResponse> staple_;
  gnutls_ocsp_data_st staple_view_{};
  std::string name_;
};

}  // namespace sluice::net::quic
