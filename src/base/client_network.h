// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ip.h"

namespace sluice {

/// What one client is counted by: an IPv4 address as it is, an IPv6 address's /64, which is what one of them is given.
[[nodiscard]] IpAddress client_network(const IpAddress& address);

}  // namespace sluice
