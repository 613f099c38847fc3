// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/tls/identity.h"
#include "net/tls/openssl.h"
#include "net/tls/profile.h"
#include "net/tls/trust_store.h"

namespace sluice::net::tls {

/// How we speak TLS to upstreams of one configuration.
struct ClientSettings {
  Profile profile = {};
  bool verify = true;
  bool verify_name = true;                        // false: the chain alone, whoever connects judges the name
  std::shared_ptr<const TrustStore> trust = {};   // required when verify is set
  int verify_depth = 1;                           // intermediate certificates at most
  std::shared_ptr<const Identity> identity = {};  // presented when the upstream asks; may be null
  std::vector<std::string> alpn = {};             // offered, in this order; empty: none
};

/// Sessions of earlier connections, to be resumed. Thread-safe; the newest session of each peer is kept.
class SessionCache {
 public:
  static constexpr std::size_t kCapacity = 256;

  /// A copy for one connection; null when there is none that may still be resumed.
  [[nodiscard]] SslSessionPtr find(std::string_view peer);
  void keep(std::string_view peer, SslSessionPtr session);

 private:
  std::mutex mutex_;  // taken once per handshake, never per request
  std::map<std::string, SslSessionPtr, std::less<>> sessions_;
};

/// TLS towards upstreams, made off the request path and shared by shards.
class ClientContext {
 public:
  static Result<std::shared_ptr<const ClientContext>> make(ClientSettings settings);

  [[nodiscard]] SSL_CTX* handle() const { return context_.get(); }
  [[nodiscard]] const ClientSettings& settings() const { return settings_; }
  [[nodiscard]] SessionCache& sessions() const { return *sessions_; }

 private:
  explicit ClientContext(ClientSettings settings)
      : settings_(std::move(settings)), sessions_(std::make_unique<SessionCache>()) {}
  Result<> set_up();

  ClientSettings settings_;
  SslCtxPtr context_;
  std::unique_ptr<SessionCache> sessions_;
};

/// Where a connection's sessions go; its app data. Sessions are reused only between the same two peers under the same
/// name, since resuming repeats no verification.
struct ClientBinding {
  std::shared_ptr<const ClientContext> context;
  std::string peer;
};

}  // namespace sluice::net::tls
