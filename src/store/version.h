// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace sluice::store {

/// A state of a control plane. Numbers grow by one with each change; restoring a backup raises the epoch, since the
/// numbers behind the backup's have been given to changes that are lost. Later versions compare greater.
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

/// When something happened, by the wall clock.
using SysTime = std::chrono::sys_time<Millis>;

}  // namespace sluice::store
