// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice {

/// Hash of octets under a seed drawn at start-up, so that nobody outside can prepare collisions. Differs between runs.
[[nodiscard]] std::uint64_t hash_bytes(std::string_view octets);

/// The same under a fixed seed: stable between runs and machines, and therefore not for tables of foreign keys.
[[nodiscard]] std::uint64_t stable_hash(std::string_view octets, std::uint64_t seed = 0);

/// Hasher for maps keyed by strings; transparent, so that a string_view looks up without a copy:
/// `std::unordered_map<std::string, T, StringHash, std::equal_to<>>`.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash_bytes(text); }
};

}  // namespace sluice
