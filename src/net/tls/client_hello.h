// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/stream.h"
#include "rt/clock.h"
#include "rt/task.h"

namespace sluice::net::tls {

/// What a TLS client says first, as far as a router asks. RFC 8446, 4.1.2; RFC 6066, 3.
struct ClientHello {
  std::string sni;  // lower-case, without a trailing dot; empty: the client names no host
};

/// Octets of the largest first message that we look into, its record headers included. Real ones, with keys that
/// withstand quantum computers, have less than 4 kB.
inline constexpr std::size_t kMaxClientHello = 16 * 1024;

/// Reads a ClientHello, which may be spread over several records, from the start of `bytes`. No value: more octets are
/// needed. Fails, blaming the client, as soon as `bytes` cannot become one: Unsupported when this is no TLS at all,
/// TooLarge, else Invalid.
Result<std::optional<ClientHello>> parse_client_hello(std::string_view bytes);

/// Looks at the ClientHello on a plain stream and leaves it in the socket, for a handshake or for an upstream. Errors
/// blame the client: as above, Closed, Timeout.
Task<Result<ClientHello>> peek_client_hello(Stream& stream, rt::Deadline deadline);

/// Why a client is turned away before the handshake. RFC 8446, 6.
enum class Alert : std::uint8_t { AccessDenied = 49, DecodeError = 50, InternalError = 80, UnrecognizedName = 112 };
/// The record that says so.
std::string fatal_alert(Alert alert);

}  // namespace sluice::net::tls
