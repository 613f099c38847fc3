// SPDX-License-Identifier: Apache-2.0
#include "net/quic/handshake.h"

#include <array>
#include <ctime>
#include <utility>

#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "base/strings.h"
#include "net/tls/server_context.h"

namespace sluice::net::quic {
namespace {

constexpr std::string_view kAlpn = "h3";

Handshake& handshake_of(gnutls_session_t session) {
  return *static_cast<Handshake*>(static_cast<ngtcp2_crypto_conn_ref*>(::gnutls_session_get_ptr(session))->user_data);
}

/// As OpenSSL names them, so that logs and headers have one name whatever the version of HTTP.
std::string_view suite_name(gnutls_cipher_algorithm_t cipher) {
  switch (cipher) {
    case GNUTLS_CIPHER_AES_128_GCM:
      return "TLS_AES_128_GCM_SHA256";
    case GNUTLS_CIPHER_AES_256_GCM:
      return "TLS_AES_256_GCM_SHA384";
    case GNUTLS_CIPHER_CHACHA20_POLY1305:
      return "TLS_CHACHA20_POLY1305_SHA256";
    default:
      return "";
  }
}

}  // namespace

Handshake::~Handshake() {
  if (session_ != nullptr) ::gnutls_deinit(session_);
}

Result<> Handshake::open(ngtcp2_conn& connection) {
  connection_ = &connection;
  reference_.user_data = this;
  reference_.get_conn = [](ngtcp2_crypto_conn_ref* reference) {
    return static_cast<Handshake*>(reference->user_data)->connection_;
  };
  constexpr unsigned kFlags =
      GNUTLS_SERVER | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA;
  const gnutls_datum_t alpn{reinterpret_cast<unsigned char*>(const_cast<char*>(kAlpn.data())), kAlpn.size()};
  const bool made =
      ::gnutls_init(&session_, kFlags) == 0 && ::gnutls_priority_set(session_, credentials_.priorities()) == 0 &&
      ::ngtcp2_crypto_gnutls_configure_server_session(session_) == 0 &&
      ::gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, credentials_.handle()) == 0 &&
      ::gnutls_alpn_set_protocols(session_, &alpn, 1, GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE) == 0;
  if (!made) return fail(Errc::Unavailable, "no TLS session for HTTP/3", Blame::System);
  ::gnutls_session_set_ptr(session_, &reference_);
  ::ngtcp2_conn_set_tls_native_handle(connection_, session_);
  return {};
}

std::string Handshake::asked_name() const {
  std::array<char, 256> text{};
  std::size_t size = text.size() - 1;
  unsigned type = 0;
  if (::gnutls_server_name_get(session_, text.data(), &size, &type, 0) != 0 || type != GNUTLS_NAME_DNS) return {};
  std::string name = to_lower(text.data());
  if (name.ends_with('.')) name.pop_back();
  return name;
}

int Handshake::choose_identity(gnutls_session_t session, const gnutls_cert_retr_st* /*info*/, gnutls_pcert_st** chain,
                               unsigned* length, gnutls_ocsp_data_st** staples, unsigned* staple_count,
                               gnutls_privkey_t* key, unsigned* flags) {
  Handshake& handshake = handshake_of(session);
  PresentedIdentity* chosen = handshake.choose();
  if (chosen == nullptr) return -1;
  *chain = chosen->chain();
  *length = chosen->length();
  *key = chosen->key();
  *staples = handshake.staple(*chosen);
  *staple_count = *staples != nullptr ? 1 : 0;
  *flags = 0;  // all of it stays ours
  return 0;
}

PresentedIdentity* Handshake::choose() {
  name_ = asked_name();
  std::shared_ptr<const tls::IdentitySet> found;
  if (terms_.resolver) found = terms_.resolver->find(name_);
  if (!found) found = terms_.context->settings().identity;
  auto presented = credentials_.presented(found);
  if (!presented) return nullptr;
  shown_ = *std::move(presented);
  // In the client's order. It is not in what GnuTLS passes to this callback, which is about older versions of TLS.
  gnutls_sign_algorithm_t wanted{};
  for (std::size_t i = 0; ::gnutls_sign_algorithm_get_requested(session_, i, &wanted) == 0; ++i) {
    for (PresentedIdentity& identity : shown_->identities) {
      if (::gnutls_sign_supports_pk_algorithm(wanted, identity.algorithm()) != 0) return &identity;
    }
  }
  return nullptr;
}

gnutls_ocsp_data_st* Handshake::staple(const PresentedIdentity& identity) {
  staple_ = identity.staple().current(std::time(nullptr));
  if (!staple_) return nullptr;
  staple_view_ = {};
  staple_view_.response = {reinterpret_cast<unsigned char*>(const_cast<char*>(staple_->der.data())),
                           static_cast<unsigned>(staple_->der.size())};
  staple_view_.exptime = staple_->valid_until_s;
  return &staple_view_;
}

std::unique_ptr<const TlsInfo> Handshake::info() {
  auto made = std::make_unique<TlsInfo>();
  made->version = "TLSv1.3";
  made->cipher = suite_name(::gnutls_cipher_get(session_));
  made->sni = name_;
  made->alpn = kAlpn;
  return made;
}

}  // namespace sluice::net::quic
