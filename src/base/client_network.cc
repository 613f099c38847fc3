// SPDX-License-Identifier: Apache-2.0
#include "base/client_network.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

IpAddress client_network(const IpAddress& address) {
  if (address.is_v4()) return address;
  constexpr std::size_t kPrefixOctets = 8;
  std::array<std::uint8_t, 16> octets = address.mapped_octets();
  std::fill(octets.begin() + kPrefixOctets, octets.end(), std::uint8_t{0});
  return IpAddress::from_v6(octets);
}

}  // namespace sluice
