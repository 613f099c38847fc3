// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace sluice::net::tls {

struct PemPair {
  std::string certificate;
  std::string key;
};

/// A new P-256 key and a certificate that it signs itself, valid from yesterday for ten years; for listeners that have
/// none configured. `dns_names` must not be empty; the first is also the subject's common name.
Result<PemPair> make_self_signed(const std::vector<std::string>& dns_names);

}  // namespace sluice::net::tls
