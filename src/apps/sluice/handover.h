// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "configuration.h"
#include "sockets.h"

namespace sluice::apps {

/// Everything that a supervisor tells a worker, through a file in memory whose number is the worker's argument. It
/// carries the text of the settings file as it was at the start: a worker that replaces another one must not fail
/// because somebody is editing. A new version of the program, started on the same sockets, can read it as well.
struct Handover {
  SettingsArguments arguments;  // with `text`
  ListeningSockets sockets;
  std::size_t shards = 1;
  int link = -1;      // descriptor of the worker's end
  int keepsake = -1;  // what the worker before left; -1: nothing

  /// The descriptor is the caller's.
  [[nodiscard]] Result<int> write() const;
  /// Closes `fd`.
  static Result<Handover> read(int fd);
};

}  // namespace sluice::apps
