// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sluice::sync {

/// A state of a control plane's configuration. Numbers grow by one with each change; restoring a backup raises the
/// epoch, since the numbers behind the backup's have been given to changes that are lost. Later versions compare
/// greater.
struct Version {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;

  friend auto operator<=>(const Version&, const Version&) = default;

  /// The version that the next change makes.
  [[nodiscard]] Version next() const { return {epoch, number + 1}; }
};

/// "1.42": epoch, number.
[[nodiscard]] std::string to_string(const Version& version);
[[nodiscard]] Result<Version> parse_version(std::string_view text);

/// "v02_" and 28 hexadecimal digits, 12 of the epoch and 16 of the number: texts compare as versions do, which is what
/// Kong's data planes rely on.
[[nodiscard]] std::string to_wire(const Version& version);
/// Nothing for what is no such text: another product's version has a form of its own.
[[nodiscard]] Result<Version> parse_wire_version(std::string_view text);

}  // namespace sluice::sync
