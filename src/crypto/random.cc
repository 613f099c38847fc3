// SPDX-License-Identifier: Apache-2.0
#include "crypto/random.h"

#include <openssl/rand.h>

#include "base/assert.h"
#include "base/base64.h"

namespace sluice::crypto {

std::string random_octets(std::size_t n) {
  std::string octets(n, '\0');
  const int filled = RAND_bytes_ex(nullptr, reinterpret_cast<unsigned char*>(octets.data()), n, 0);
  SLUICE_ASSERT(filled == 1);  // going on with predictable keys would be worse
  return octets;
}

std::string random_token(std::size_t octets) {
  return base64url_encode(random_octets(octets));
}

}  // namespace sluice::crypto
