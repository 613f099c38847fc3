// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <random>

#include <xxhash.h>

namespace sluice {
namespace {

std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32U) | device();
}

}  // namespace

std::uint64_t hash_bytes(std::string_view octets) {
  static const std::uint64_t kSeed = draw_seed();
  return XXH3_64bits_withSeed(octets.data(), octets.size(), kSeed);
}

std::uint64_t stable_hash(std::string_view octets, std::uint64_t seed) {
  return XXH3_64bits_withSeed(octets.data(), octets.size(), seed);
}

}  // namespace sluice
