// SPDX-License-Identifier: Apache-2.0
#include "net/tls/server_context.h"

#include <utility>

#include "base/strings.h"
#include "crypto/hash.h"

namespace sluice::net::tls {
namespace {

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  const auto* handshake = static_cast<const ServerHandshake*>(SSL_get_app_data(ssl));
  if (handshake == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const std::string& ours = handshake->context.alpn_wire();
  auto* selected = const_cast<unsigned char*>(*chosen);
  const int outcome = SSL_select_next_proto(&selected, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                            static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = selected;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301, 3.2
}

/// Accepts the server name, so that it appears in SSL_get_servername; the choice is made in choose_identity.
int accept_server_name(SSL*, int*, void*) {
  return SSL_TLSEXT_ERR_OK;
}

/// ClientAuth::Any.
int take_any_certificate(int, X509_STORE_CTX*) {
  return 1;
}

/// The listener's own identity is part of the SSL_CTX and costs nothing here.
int choose_identity(SSL* ssl, void*) {
  const auto* handshake = static_cast<const ServerHandshake*>(SSL_get_app_data(ssl));
  if (handshake == nullptr || handshake->resolver == nullptr) return 1;
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  std::string name = asked == nullptr ? std::string() : to_lower(asked);
  if (name.ends_with('.')) name.pop_back();
  const auto found = handshake->resolver->find(name);
  if (!found || found == handshake->context.settings().identity) return 1;
  SSL_certs_clear(ssl);  // or an ECDSA identity of the listener would stay beside an RSA one of this name
  for (const Identity& identity : found->identities()) {
    if (!identity.apply(ssl)) return 0;
  }
  return 1;
}

}  // namespace

Result<std::string> alpn_wire_form(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return fail(Errc::Invalid, "ALPN protocol name: " + protocol);
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

Result<std::shared_ptr<const ServerContext>> ServerContext::make(ServerSettings settings,
                                                                 std::shared_ptr<TicketKeys> keys) {
  std::shared_ptr<ServerContext> made(new ServerContext(std::move(settings)));
  TRY(made->set_up(std::move(keys)));
  return made;
}

Result<> ServerContext::set_up(std::shared_ptr<TicketKeys> keys) {
  if (!settings_.identity) return fail(Errc::Invalid, "a TLS listener needs a certificate");
  context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = context_.get();
  if (context == nullptr) return config_failure("TLS context");
  TRY(settings_.profile.apply(context));
  for (const Identity& identity : settings_.identity->identities()) TRY(identity.apply(context));
  SSL_CTX_set_cert_cb(context, choose_identity, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, accept_server_name);
  TRY(alpn_wire_, alpn_wire_form(settings_.alpn));
  if (!alpn_wire_.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  TRY(set_up_client_auth());

  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  const std::string id = policy_digest();
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(id.data()),
                                 static_cast<unsigned>(id.size()));
  SSL_CTX_set_timeout(context, static_cast<long>(settings_.session_timeout_s));
  if (settings_.tickets && keys) {
    SSL_CTX_set_num_tickets(context, 1);  // a second one costs 15-25 µs a handshake
    keys->install(context);
    keys_ = std::move(keys);
  } else {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
  }
  return {};
}

Result<> ServerContext::set_up_client_auth() {
  if (settings_.client_auth == ClientAuth::Off) return {};
  if (settings_.client_auth == ClientAuth::Any) {
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, take_any_certificate);
    return {};
  }
  if (!settings_.client_trust) return fail(Errc::Invalid, "client certificates need a list of CA certificates");
  SSL_CTX* context = context_.get();
  int mode = SSL_VERIFY_PEER;
  if (settings_.client_auth == ClientAuth::Required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
  SSL_CTX_set_verify_depth(context, settings_.client_verify_depth);
  SSL_CTX_set1_cert_store(context, settings_.client_trust->handle());
  SSL_CTX_set_client_CA_list(context, settings_.client_trust->subjects());
  return {};
}

/// 32 octets, as long as OpenSSL allows.
std::string ServerContext::policy_digest() const {
  const Profile& profile = settings_.profile;
  crypto::Digest digest(crypto::Hash::Sha256);
  auto add = [&digest](std::string_view text) { digest.update(text).update(std::string_view("\0", 1)); };
  add(settings_.policy);
  add(std::to_string(static_cast<int>(settings_.client_auth)));
  add(std::to_string(settings_.client_verify_depth));
  add(settings_.client_trust ? settings_.client_trust->digest() : "");
  add(std::to_string(static_cast<int>(profile.oldest)) + "-" + std::to_string(static_cast<int>(profile.newest)));
  add(profile.ciphers);
  add(profile.suites);
  return digest.finish();
}

}  // namespace sluice::net::tls
