// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/ip.h"
#include "net/address.h"

namespace sluice::net {

/// Where clouds hand out credentials to whoever asks from within a machine. No service may lead there: whoever may
/// configure one could read them.
[[nodiscard]] bool is_metadata_address(const IpAddress& address);
/// The same of a service's address: at port 53 some clouds have their name servers there, which tell nothing secret.
[[nodiscard]] bool is_metadata_service(const Address& where);

}  // namespace sluice::net
