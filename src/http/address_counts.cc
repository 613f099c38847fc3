// SPDX-License-Identifier: Apache-2.0
#include "http/address_counts.h"

#include "base/client_network.h"

namespace sluice::http {

AddressCounts::Key AddressCounts::key_of(const IpAddress& address) {
  return client_network(address).mapped_octets();
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
