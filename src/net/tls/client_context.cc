// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_context.h"

#include "net/tls/server_context.h"

namespace sluice::net::tls {
namespace {

/// Returning 1 takes the reference over.
int on_new_session(SSL* ssl, SSL_SESSION* session) {
  const auto* binding = static_cast<const ClientBinding*>(SSL_get_app_data(ssl));
  if (binding == nullptr) return 0;
  binding->context->sessions().keep(binding->peer, SslSessionPtr(session));
  return 1;
}

}  // namespace

SslSessionPtr SessionCache::find(std::string_view peer) {
  std::lock_guard lock(mutex_);
  auto found = sessions_.find(peer);
  if (found == sessions_.end()) return nullptr;
  if (SSL_SESSION_is_resumable(found->second.get()) != 1) {
    sessions_.erase(found);
    return nullptr;
  }
  // A copy, because OpenSSL marks the session of a connection that ends badly, on that connection's shard.
  return SslSessionPtr(SSL_SESSION_dup(found->second.get()));
}

void SessionCache::keep(std::string_view peer, SslSessionPtr session) {
  std::lock_guard lock(mutex_);
  auto place = sessions_.lower_bound(peer);
  if (place != sessions_.end() && place->first == peer) {
    place->second = std::move(session);
    return;
  }
  if (sessions_.size() >= kCapacity) sessions_.erase(sessions_.begin());  // any other will do
  sessions_.emplace(std::string(peer), std::move(session));
}

Result<std::shared_ptr<const ClientContext>> ClientContext::make(ClientSettings settings) {
  std::shared_ptr<ClientContext> made(new ClientContext(std::move(settings)));
  TRY(made->set_up());
  return made;
}

Result<> ClientContext::set_up() {
  context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = context_.get();
  if (context == nullptr) return config_failure("TLS context");
  TRY(settings_.profile.apply(context));
  if (settings_.verify) {
    if (!settings_.trust) return fail(Errc::Invalid, "verifying an upstream needs a list of CA certificates");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    SSL_CTX_set_verify_depth(context, settings_.verify_depth);
    SSL_CTX_set1_cert_store(context, settings_.trust->handle());
  }
  if (settings_.identity) TRY(settings_.identity->apply(context));
  if (!settings_.alpn.empty()) {
    TRY(auto wire, alpn_wire_form(settings_.alpn));
    // Unlike the rest of OpenSSL, this returns 0 for success.
    if (SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                                static_cast<unsigned>(wire.size())) != 0) {
      return config_failure("ALPN");
    }
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, on_new_session);
  return {};
}

}  // namespace sluice::net::tls
