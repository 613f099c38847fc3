// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "entity/fwd.h"
#include "gateway/exchange.h"
#include "gateway/identity.h"
#include "rt/reactor.h"
#include "telemetry/stream_record.h"

namespace sluice::gateway {

/// What carries a session.
enum class Transport : std::uint8_t { Tcp, Udp };

/// One TCP connection or UDP session on its way through the gateway: what a StreamPlugin may see. Belongs to its shard.
/// The configuration that it began with stays with it: a session may last for days.
class StreamSession {
 public:
  StreamSession(rt::Reactor& on, Transport carried_by) : reactor(on), transport(carried_by) {}
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

  rt::Reactor& reactor;
  const Transport transport;
  Client client;             // its views are of the texts below
  bool passthrough = false;  // TLS that the gateway does not look into
  std::string sni;           // lower-case; what a TLS client asked for, empty: nothing
  std::string tls_version;   // known once the handshake is done
  std::string tls_cipher;
  std::shared_ptr<const crypto::PresentedCertificate> certificate;  // null: the client showed none

  const entity::Route* route = nullptr;      // null: nothing matched
  const entity::Service* service = nullptr;  // null: the route has none
  const Directory* directory = nullptr;      // never null once plugins see the session
  telemetry::StreamRecord record;

  [[nodiscard]] const rt::Clock& clock() const { return reactor.clock(); }
};

}  // namespace sluice::gateway
