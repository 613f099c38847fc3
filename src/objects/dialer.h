// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "net/dns/resolver.h"
#include "net/stream.h"
#include "net/tls/client_context.h"
#include "net/tls/trust_store.h"
#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::objects {

/// Connects to a name or an address; each address of a name is tried in turn, within the deadline. `resolver` may be
/// null: then only addresses can be reached.
Task<Result<>> connect_to_name(net::Stream& stream, rt::Reactor& reactor, net::dns::Resolver* resolver,
                               std::string host, std::uint16_t port, rt::Deadline deadline);

/// Opens connections for requests of our own making, with TLS where asked for. Belongs to its reactor.
class Dialer {
 public:
  /// `resolver` may be null, `trust` too: then nothing can be verified, and what has to be fails.
  Dialer(rt::Reactor& reactor, net::dns::Resolver* resolver, std::shared_ptr<const net::tls::TrustStore> trust);

  /// As http::Dial.
  Task<Result<>> dial(net::Stream& stream, std::string host, std::uint16_t port, bool tls, bool verify,
                      rt::Deadline deadline);

 private:
  rt::Reactor& reactor_;
  net::dns::Resolver* resolver_;
  std::shared_ptr<const net::tls::TrustStore> trust_;
  std::map<bool, std::shared_ptr<const net::tls::ClientContext>> contexts_;  // by whether they verify
};

}  // namespace sluice::objects
