// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

#include "apps/process/link.h"
#include "base/time.h"

namespace sluice::process {

/// All steps of an upgrade take less, whatever goes wrong.
inline constexpr Millis kUpgradeAtMost{660'000};

/// One attempt to put another version of the program in the place of this one, while the worker that serves goes on.
///
///   supervisor: starts the program anew           new worker: reads its settings, opens listeners that are missing,
///                                                 loads what it will serve, says Prepared
///   supervisor: tries whether the program could
///   supervise; Release to the old worker          old worker: lets go of what both would write, sends channels, says
///                                                 Released
///   supervisor: channels, TakeOver to the new one new worker: takes what was written since, serves, says Ready
///   supervisor: Leave to the old worker; becomes  old worker: finishes what it has begun, and ends
///   the new program by exec, and has its children
///
/// Until Ready everything can be undone: the new worker is killed, the old one resumes; or, should it die while the new
/// one prepares, another of the same program takes its place.
struct Upgrade {
  enum class Step : std::uint8_t { Preparing, Releasing, TakingOver, Ready };

  Upgrade() = default;
  Upgrade(const Upgrade&) = delete;
  Upgrade& operator=(const Upgrade&) = delete;
  /// Kills the new worker, unless it was taken, and closes everything.
  ~Upgrade();

  /// What the new worker has written about its failure.
  [[nodiscard]] std::string complaint() const;

  Step step = Step::Preparing;
  pid_t worker = 0;                  // the new one; 0: it has died, or was taken
  Link link;                         // to it
  int program = -1;                  // the file that is executed, as it was when the upgrade began
  int errors = -1;                   // file in memory that the new worker writes to
  std::vector<int> sockets;          // that the new worker listens on
  std::vector<int> channels;         // from the old worker, for the new one
  int orders = -1;                   // for its supervisor
  int keepsake = -1;                 // of the new worker
  std::int64_t give_up_ms = 0;       // when this step has taken too long
  std::int64_t take_over_by_ms = 0;  // at the latest, however often the new worker says that it is alive
};

}  // namespace sluice::process
