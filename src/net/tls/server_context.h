// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/tls/identity.h"
#include "net/tls/openssl.h"
#include "net/tls/profile.h"
#include "net/tls/ticket_keys.h"
#include "net/tls/trust_store.h"

namespace sluice::net::tls {

enum class ClientAuth : std::uint8_t {
  Off,       // do not ask for a certificate
  Optional,  // ask; a certificate that does not verify fails the handshake
  Required,
  Any,  // required, but not verified here: whoever accepts the connection judges it, before it is used
};

/// How a listener speaks TLS.
struct ServerSettings {
  Profile profile = {};
  std::vector<std::string> alpn = {"h2", "http/1.1"};  // the server's order decides; empty: ALPN is ignored
  std::shared_ptr<const IdentitySet> identity = {};    // for names that no resolver knows; required
  ClientAuth client_auth = ClientAuth::Off;
  std::shared_ptr<const TrustStore> client_trust = {};  // required for Optional and Required
  int client_verify_depth = 1;                          // intermediate certificates at most
  std::int64_t session_timeout_s = 24L * 60 * 60;
  bool tickets = true;
  std::string policy = {};  // anything else that makes sessions of this listener worthless elsewhere
};

/// One listener's TLS configuration, made off the request path. Immutable; shared by shards.
///
/// Sessions are resumed by stateless tickets only, bound to the server name and to a digest of the policy: a ticket
/// earned under one name or policy (client certificates, versions, ciphers) does not pass under another, although all
/// share the keys.
class ServerContext {
 public:
  static Result<std::shared_ptr<const ServerContext>> make(ServerSettings settings, std::shared_ptr<TicketKeys> keys);

  [[nodiscard]] SSL_CTX* handle() const { return context_.get(); }
  [[nodiscard]] const ServerSettings& settings() const { return settings_; }
  /// The protocols in ALPN's wire form.
  [[nodiscard]] const std::string& alpn_wire() const { return alpn_wire_; }
  /// Digest of what sessions of this listener were made under.
  [[nodiscard]] const std::string& session_policy() const { return session_policy_; }

 private:
  explicit ServerContext(ServerSettings settings) : settings_(std::move(settings)) {}
  Result<> set_up(std::shared_ptr<TicketKeys> keys);
  Result<> set_up_client_auth();
  [[nodiscard]] std::string policy_digest() const;

  ServerSettings settings_;
  std::string alpn_wire_;
  std::string session_policy_;
  std::shared_ptr<TicketKeys> keys_;
  SslCtxPtr context_;
};

/// `["h2", "http/1.1"]` as ALPN sends it. Fails when a name is empty or longer than 255 octets.
Result<std::string> alpn_wire_form(const std::vector<std::string>& protocols);

}  // namespace sluice::net::tls
