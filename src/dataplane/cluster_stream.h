// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/secret.h"
#include "dataplane/cluster_identity.h"
#include "net/dns/resolver.h"
#include "net/stream.h"
#include "rt/scope.h"
#include "rt/task.h"

namespace sluice::dataplane {

/// A forward proxy that understands CONNECT.
struct ForwardProxy {
  bool tls = false;
  std::string host;
  std::uint16_t port = 0;
  Secret<std::string> credentials;  // "user:password"; empty: none
  bool verify = true;               // its certificate
};
/// Of "http(s)://user:password@host:port".
Result<ForwardProxy> parse_forward_proxy(std::string_view url);

/// Where the control plane is.
struct ControlPlaneAddress {
  std::string host;
  std::uint16_t port = 8005;
  std::string server_name;  // asked for in the handshake
  std::optional<ForwardProxy> proxy;
};
/// Of "host:port"; IPv6 addresses in brackets.
Result<ControlPlaneAddress> parse_control_plane(std::string_view text);

/// A connection to the control plane, with TLS, through the proxy if there is one. Stays in its place.
class ClusterStream {
 public:
  ClusterStream(rt::Reactor& reactor, net::dns::Resolver* resolver) : reactor_(reactor), resolver_(resolver) {}
  ClusterStream(const ClusterStream&) = delete;
  ClusterStream& operator=(const ClusterStream&) = delete;

  /// Connects; the certificate of the other side in PEM, found to be the right one. Everything outlives the task.
  Task<Result<std::string>> open(const ControlPlaneAddress& to, const ClusterIdentity& identity, rt::Deadline deadline);
  [[nodiscard]] net::Stream& stream() { return stream_; }

 private:
  Task<Result<>> reach(const ControlPlaneAddress& to, rt::Deadline deadline);
  Task<Result<>> reach_through_tls(const ControlPlaneAddress& to, rt::Deadline deadline);
  Task<void> carry();

  rt::Reactor& reactor_;
  net::dns::Resolver* resolver_;
  net::Stream to_proxy_;  // where the proxy itself speaks TLS: a stream carries one layer
  net::Stream inner_;
  net::Stream stream_;
  rt::TaskScope carrying_;
};

}  // namespace sluice::dataplane
