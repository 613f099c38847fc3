// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice {

/// A universally unique identifier, RFC 9562. Ordered like its text.
struct Uuid {
  std::array<std::uint8_t, 16> octets{};

  static constexpr std::size_t kTextSize = 36;

  /// `8-4-4-4-12` hexadecimal digits of either case; nothing else.
  static Result<Uuid> parse(std::string_view text);
  /// Version 4: 122 random bits.
  static Uuid random();

  /// Lower case.
  [[nodiscard]] std::string to_string() const;
  /// Writes the 36 characters of to_string().
  void write(char* out) const;
  [[nodiscard]] bool is_nil() const { return *this == Uuid{}; }
  /// The same octets with version and variant set, as versions 4 and 5 need it.
  [[nodiscard]] Uuid with_version(std::uint8_t version) const;

  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

}  // namespace sluice

template <>
struct std::hash<sluice::Uuid> {
  std::size_t operator()(const sluice::Uuid& uuid) const noexcept;
};
