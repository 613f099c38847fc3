// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice::http {

/// Field names that the gateway itself looks at. Recognised once, when a head is parsed, so that later look-ups
/// compare one octet instead of strings.
enum class Known : std::uint8_t {
  None,
  Accept,
  Authorization,
  Connection,
  ContentLength,
  ContentType,
  Cookie,
  Date,
  Expect,
  Host,
  Http2Settings,
  KeepAlive,
  KongDebug,
  Origin,
  Proxy,
  ProxyAuthenticate,
  ProxyAuthorization,
  ProxyConnection,
  Server,
  Te,
  Trailer,
  TransferEncoding,
  Upgrade,
  UserAgent,
  Via,
  XForwardedFor,
  XForwardedHost,
  XForwardedPath,
  XForwardedPort,
  XForwardedPrefix,
  XForwardedProto,
  XKongProxyLatency,
  XKongRequestId,
  XKongResponseLatency,
  XKongUpstreamLatency,
  XKongUpstreamStatus,
  XRealIp,
};
static_assert(static_cast<unsigned>(Known::XRealIp) < 64, "Headers keeps a bit for each");

/// The well-known name, compared without regard to case; Known::None for every other.
Known known_field(std::string_view name);

/// Canonical spelling, e.g. "Content-Length"; empty for Known::None.
std::string_view spelling(Known field);

/// Whether a field may follow the content: not one that frames, routes, authenticates or controls (RFC 9110, 6.5.1).
bool may_be_trailer(std::string_view name);

/// ASCII comparison without regard to case.
bool same_name(std::string_view a, std::string_view b);

/// RFC 9110, 5.6.2: a non-empty token.
bool is_token(std::string_view text);

/// RFC 9110, 5.5: no control octets but HTAB, no outer white space demanded here.
bool is_field_value(std::string_view text);

}  // namespace sluice::http
