// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "configuration.h"
#include "sockets.h"

namespace sluice::apps {

/// Everything that a supervisor tells a worker, through a file in memory whose number is the worker's argument. It
/// carries the text of the settings file as it was at the start: a worker that replaces another one must not fail
/// because somebody is editing. Another version of the program may read it: members are only ever added.
struct Handover {
  SettingsArguments arguments;  // with `text`
  ListeningSockets sockets;
  std::size_t shards = 1;
  int link = -1;        // descriptor of the worker's end
  int keepsake = -1;    // what the worker before left; -1: nothing
  std::string program;  // path that the program was started from; empty: it is not known
  std::string prefix;   // that all versions have in common

  // For the first worker of another version, which reads its settings anew and opens the listeners that it lacks
  bool next_version = false;
  int errors = -1;  // descriptor that takes what it has to complain about

  /// The descriptor is the caller's.
  [[nodiscard]] Result<int> write() const;
  /// Closes `fd`. With `descriptors`, those of the sockets are places in that list.
  static Result<Handover> read(int fd, std::span<const int> descriptors = {});
};

}  // namespace sluice::apps
