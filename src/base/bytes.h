// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice {

/// A size in octets.
struct Bytes {
  std::uint64_t count = 0;

  friend auto operator<=>(Bytes, Bytes) = default;
};

constexpr Bytes kibibytes(std::uint64_t n) {
  return {n << 10U};
}
constexpr Bytes mebibytes(std::uint64_t n) {
  return {n << 20U};
}

/// `4096`, `8k`, `10m` or `1g`, either case, powers of 1024, as in nginx and kong.conf.
[[nodiscard]] Result<Bytes> parse_bytes(std::string_view text);
/// The shortest such spelling that is exact: `8k`, `1500`.
[[nodiscard]] std::string to_string(Bytes size);

}  // namespace sluice
