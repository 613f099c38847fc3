// SPDX-License-Identifier: Apache-2.0
#include "http/address_counts.h"

#include <algorithm>

namespace sluice::http {
namespace {
constexpr std::size_t kNetworkOctets = 8;  // of an IPv6 client
}

AddressCounts::Key AddressCounts::key_of(const IpAddress& address) {
  Key key = address.mapped_octets();
  if (address.is_v6()) std::fill(key.begin() + kNetworkOctets, key.end(), std::uint8_t{0});
  return key;
}

AddressCounts::Seat AddressCounts::take(const IpAddress& address) {
  auto& entry = *entries_.try_emplace(key_of(address)).first;
  entry.second.counts = this;
  ++entry.second.connections;
  return Seat(entry);
}

std::uint32_t AddressCounts::count(const IpAddress& address) const {
  const auto found = entries_.find(key_of(address));
  return found == entries_.end() ? 0 : found->second.connections;
}

}  // namespace sluice::http
