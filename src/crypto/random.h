// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

namespace sluice::crypto {

/// Unpredictable octets for keys and tokens, from OpenSSL's generator. (base/random.h is for ids.)
[[nodiscard]] std::string random_octets(std::size_t n);

/// A token of `octets` random octets in base64url, 43 characters for 32 of them.
[[nodiscard]] std::string random_token(std::size_t octets = 32);

}  // namespace sluice::crypto
