// SPDX-License-Identifier: Apache-2.0
#include "net/tls/server_context.h"

#include <utility>

#include "crypto/hash.h"
#include "net/tls/server_handshake.h"

namespace sluice::net::tls {
namespace {

/// ClientAuth::Any.
int take_any_certificate(int, X509_STORE_CTX*) {
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
  TRY(alpn_wire_, alpn_wire_form(settings_.alpn));
  install_choices(context);
  TRY(set_up_client_auth());

  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  session_policy_ = policy_digest();
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
