// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "net/tls/client_policy.h"
#include "net/tls/identity.h"
#include "net/tls/openssl.h"

namespace sluice::net::tls {

class ServerContext;

/// What OpenSSL's callbacks know and decide about one handshake; the connection's app data while it lasts.
struct ServerHandshake {
  const ServerContext& context;
  const IdentityResolver* resolver = nullptr;          // may be null
  std::string server_name = {};                        // as the client asks for it, in lower case, without a last dot
  std::shared_ptr<const ClientPolicy> clients = {};    // null: what the listener asks of every client
  std::shared_ptr<const IdentitySet> identities = {};  // null: the listener's own
};

/// Makes handshakes of `context` choose by server name: what is presented, what is asked of the client, which sessions
/// may be resumed; and staple what authorities say.
void install_choices(SSL_CTX* context);

}  // namespace sluice::net::tls
