// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstring>

#include <ngtcp2/ngtcp2.h>

#include "net/address.h"

namespace sluice::net::quic {

/// As ngtcp2 takes it; borrows from `address`.
inline ngtcp2_addr address_view(const Address& address) {
  return {const_cast<sockaddr*>(address.data()), address.size()};
}

inline Address address_of(const ngtcp2_addr& address) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.addr, std::min<std::size_t>(address.addrlen, sizeof storage));
  return Address::from(storage);
}

}  // namespace sluice::net::quic
