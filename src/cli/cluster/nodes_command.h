// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "cli/cluster/platform.h"

namespace sluice::cli {

/// What the command line says to `nodes`.
struct NodesArguments {
  PlatformArguments platform;
  bool watch = false;
  bool once = false;
  bool as_json = false;
  bool no_colour = false;
};

/// Shows the data planes of a control plane: once, or anew each second until it is interrupted.
Result<int> show_nodes(const NodesArguments& arguments);

}  // namespace sluice::cli
