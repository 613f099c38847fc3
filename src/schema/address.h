// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::schema {

enum class HostKind : std::uint8_t { Name, Ipv4, Ipv6 };

/// `example.com`, `10.0.0.1:80`, `[::1]:8080`, `::1`, taken apart.
struct HostText {
  HostKind kind = HostKind::Name;
  std::string host;  // lower case; IPv6 without brackets, as it was written
  std::optional<std::uint16_t> port;
};

enum class HostProblem : std::uint8_t { Invalid, Port };

/// What a host with an optional port says, or what is wrong with it: the host, or only its port.
struct ParsedHost {
  std::optional<HostText> value;
  HostProblem problem = HostProblem::Invalid;
};
ParsedHost parse_host(std::string_view text);

bool is_ipv4(std::string_view text);
/// Without brackets and without a zone.
bool is_ipv6(std::string_view text);
bool is_ip(std::string_view text);
/// An address, '/' and a prefix length that fits.
bool is_cidr(std::string_view text);
/// Labels of letters, digits, '-' and '_', at most 253 octets, no label over 63; a final dot is allowed.
bool is_host_name(std::string_view text);

}  // namespace sluice::schema
