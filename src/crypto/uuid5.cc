// SPDX-License-Identifier: Apache-2.0
#include "crypto/uuid5.h"

#include <cstring>

#include "crypto/hash.h"

namespace sluice::crypto {

Uuid uuid_v5(const Uuid& space, std::string_view name) {
  std::string hashed(reinterpret_cast<const char*>(space.octets.data()), space.octets.size());
  hashed += name;
  const std::string octets = sha1(hashed);
  Uuid uuid;
  std::memcpy(uuid.octets.data(), octets.data(), uuid.octets.size());
  return uuid.with_version(5);
}

Uuid dns_namespace() {
  return {{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}};
}

}  // namespace sluice::crypto
