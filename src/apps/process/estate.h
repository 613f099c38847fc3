// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include <sys/types.h>

#include "base/error.h"

namespace sluice::process {

/// What a supervisor leaves to the program that takes its place in the same process, by exec: its children stay its
/// children. All descriptors are numbers of that process. Another version of the program may have written it.
struct Estate {
  struct Leaving {
    pid_t pid = 0;
    int link = -1;
    std::int64_t kill_in_ms = 0;
  };

  pid_t worker = 0;  // that serves; 0: it has died, and another is to be started
  int link = -1;     // to it; -1: it is about to die
  int keepsake = -1;
  int orders = -1;           // what the worker sent with Notice::Orders
  std::vector<int> sockets;  // that listen, in the order in which it sent them
  std::vector<Leaving> leaving;
  int pid_file = -1;

  /// A file in memory; the descriptor is the caller's.
  [[nodiscard]] Result<int> write() const;
  /// Closes `fd`.
  static Result<Estate> read(int fd);
  /// All that must survive exec.
  [[nodiscard]] std::vector<int> descriptors() const;
};

}  // namespace sluice::process
