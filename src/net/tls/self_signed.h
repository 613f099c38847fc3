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

/// What a certificate of our own making is like.
struct SelfSignedTerms {
  const char* curve = "P-256";  // OpenSSL's name
  int days = 3650;              // from yesterday on
};

/// A new key and a certificate that it signs itself; for listeners that have none configured, and for clusters.
/// `dns_names` must not be empty; the first is also the subject's common name.
Result<PemPair> make_self_signed(const std::vector<std::string>& dns_names, const SelfSignedTerms& terms = {});

}  // namespace sluice::net::tls
