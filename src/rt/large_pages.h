// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace sluice::rt {

/// Has the kernel put the process's own memory, where it is in use without gaps, into pages of 2 MiB. What is read all
/// over a large heap (a router's tables) then waits for fewer look-ups of addresses, which under a hypervisor take as
/// long as the memory itself. Nothing happens where the kernel cannot (before Linux 6.1), or where the
/// machine's owner has switched large pages off.
class LargePages {
 public:
  static constexpr std::size_t kBytes = 2 << 20;

  /// Takes stock of the process as it is now: blocks of which at least seven eighths are in memory, so that the rest
  /// costs little. Takes a millisecond for some hundred megabytes.
  static LargePages of_process();

  /// Converts one block, within some milliseconds, in which others that touch memory for the first time may wait. False
  /// when all are done.
  bool step();

  [[nodiscard]] std::size_t left() const { return blocks_.size(); }

 private:
  std::vector<std::uintptr_t> blocks_;  // those still to do
};

}  // namespace sluice::rt
