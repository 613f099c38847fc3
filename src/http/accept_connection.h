// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "http/server_stream.h"
#include "net/stream.h"
#include "rt/task.h"

namespace sluice::net::tls {
class IdentityResolver;
class ServerContext;
}  // namespace sluice::net::tls

namespace sluice::http {

/// Asked once the client's address is known for certain. False: its connection is one too many and ends.
using Admit = std::function<bool(const net::Address& peer)>;

/// What a listener expects of a connection before HTTP begins.
struct AcceptTerms {
  bool proxy_protocol = false;
  bool http2 = false;                                                 // on a plain listener; with TLS, ALPN decides
  bool tls = false;                                                   // then `context` is not null
  std::shared_ptr<const net::tls::ServerContext> context = {};        // null: plain
  std::shared_ptr<const net::tls::IdentityResolver> identities = {};  // null: the context's own certificate serves all
  Admit admit = {};  // asked between the PROXY header and the handshake, which costs more than all else; null: all
};

/// Prepares a fresh connection, as the octets come: PROXY header, TLS handshake, the choice of the HTTP version. What
/// it reads beyond that goes to `early`; what it learns of the client goes to `info`. Plain HTTP where TLS is spoken is
/// answered with 400. An error means that the connection is to be closed. All outlive the task. One coroutine frame,
/// and that of what it waits for.
Task<Result<>> accept_connection(net::Stream& stream, ConnectionInfo& info, std::string& early, AcceptTerms terms,
                                 rt::Deadline deadline);

}  // namespace sluice::http
