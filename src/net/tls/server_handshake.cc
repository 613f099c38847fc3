// SPDX-License-Identifier: Apache-2.0
#include "net/tls/server_handshake.h"

#include <ctime>
#include <string_view>

#include <openssl/ssl.h>

#include "base/strings.h"
#include "crypto/hash.h"
#include "net/tls/server_context.h"

namespace sluice::net::tls {
namespace {

ServerHandshake* handshake_of(SSL* ssl) {
  return static_cast<ServerHandshake*>(SSL_get_app_data(ssl));
}

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  const ServerHandshake* handshake = handshake_of(ssl);
  if (handshake == nullptr || handshake->context.alpn_wire().empty()) return SSL_TLSEXT_ERR_NOACK;
  const std::string& ours = handshake->context.alpn_wire();
  auto* selected = const_cast<unsigned char*>(*chosen);
  const int outcome = SSL_select_next_proto(&selected, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = selected;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2
}

/// Accepts the server name, so that it appears in SSL_get_servername.
int accept_server_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

/// The one host name of the hello, RFC 6066, 3; empty when there is none. OpenSSL judges a malformed one later.
std::string asked_name(SSL* ssl) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1) return {};
  constexpr std::size_t kHead = 5;  // length of the list, type, length of the name
  if (size < kHead || data[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = (std::size_t{data[3]} << 8U) + data[4];
  if (length > size - kHead) return {};
  std::string name = to_lower({reinterpret_cast<const char*>(data + kHead), length});
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// What a client shows never fails the handshake; the verdict stays in SSL_get_verify_result.
int note_verdict(int, X509_STORE_CTX*) {
  return 1;
}

void ask_for_certificate(SSL* ssl, const ClientPolicy& policy) {
  SSL_set_verify(ssl, SSL_VERIFY_PEER, note_verdict);
  SSL_set_verify_depth(ssl, policy.verify_depth);
  if (policy.trust) SSL_set1_verify_cert_store(ssl, policy.trust->handle());
  if (policy.named) SSL_set_client_CA_list(ssl, policy.named->subjects());
  SSL_set_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_num_tickets(ssl, 0);
}

/// A session is resumed only under the name that it was made for, and never where certificates are asked for: what was
/// shown to one name counts for nothing under another.
bool bind_sessions(SSL* ssl, const ServerHandshake& handshake) {
  crypto::Digest digest(crypto::Hash::Sha256);
  digest.update(handshake.context.session_policy()).update(handshake.clients ? "asked" : "").update(":");
  const std::string id = digest.update(handshake.server_name).finish();
  return SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(id.data()),
                                    static_cast<unsigned>(id.size())) == 1;
}

/// Before anything else is looked at, tickets included: OpenSSL's other callbacks come after a session is resumed.
int on_client_hello(SSL* ssl, int*, void*) {
  ServerHandshake* handshake = handshake_of(ssl);
  if (handshake == nullptr) return SSL_CLIENT_HELLO_SUCCESS;
  handshake->server_name = asked_name(ssl);
  const bool own_rules = handshake->context.settings().client_auth != ClientAuth::Off;
  if (handshake->resolver != nullptr && !own_rules) {
    handshake->clients = handshake->resolver->clients(handshake->server_name);
    if (handshake->clients) ask_for_certificate(ssl, *handshake->clients);
  }
  return bind_sessions(ssl, *handshake) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
}

/// The listener's own identity is part of the SSL_CTX and costs nothing here. Not called for resumed sessions.
int choose_identity(SSL* ssl, void*) {
  ServerHandshake* handshake = handshake_of(ssl);
  if (handshake == nullptr || handshake->resolver == nullptr) return 1;
  auto found = handshake->resolver->find(handshake->server_name);
  if (!found || found == handshake->context.settings().identity) return 1;
  SSL_certs_clear(ssl);  // or an ECDSA identity of the listener would stay beside an RSA one of this name
  for (const Identity& identity : found->identities()) {
    if (!identity.apply(ssl)) return 0;
  }
  handshake->identities = std::move(found);
  return 1;
}

/// Called when the client asks for it, and the certificate is chosen.
int staple_response(SSL* ssl, void*) {
  const ServerHandshake* handshake = handshake_of(ssl);
  if (handshake == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto& shown = handshake->identities ? handshake->identities : handshake->context.settings().identity;
  const X509* chosen = SSL_get_certificate(ssl);
  for (const Identity& identity : shown->identities()) {
    if (identity.leaf().handle() != chosen) continue;
    const auto response = identity.staple().current(std::time(nullptr));
    if (!response) break;
    void* copy = OPENSSL_memdup(response->der.data(), response->der.size());  // OpenSSL's from here on
    if (copy == nullptr) break;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response->der.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

void install_choices(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_cert_cb(context, choose_identity, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, accept_server_name);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  SSL_CTX_set_tlsext_status_cb(context, staple_response);
}

}  // namespace sluice::net::tls
