// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "net/address.h"
#include "net/stream.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace sluice::net {

/// What a proxy in front of us says about a connection: the PROXY protocol, versions 1 and 2 (haproxy.org,
/// proxy-protocol.txt).
struct ProxyHeader {
  /// Unset when the sender speaks for itself (LOCAL) or does not know (UNKNOWN, UNSPEC, UNIX): the socket's own
  /// addresses are the ones to use.
  Address source;
  Address destination;
  std::size_t size = 0;  // octets of the header
};

/// Octets of the longest header that we take. Version 1 is limited to 107 by its definition.
inline constexpr std::size_t kMaxProxyHeader = 4096;

/// Reads a header from the start of `bytes`. No value: more octets are needed. Fails as soon as `bytes` cannot become
/// a valid header. The caller listens to it only if it trusts the peer.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view bytes);

/// Reads the header from a plain stream and leaves what follows it in the socket. Errors blame the client: Invalid,
/// Closed, Timeout.
Task<Result<ProxyHeader>> read_proxy_header(Stream& stream, rt::Deadline deadline);

}  // namespace sluice::net
