// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sluice::gateway {

/// What this node adds to how upstreams say that their targets are chosen.
struct BalancerPreferences {
  std::int64_t slow_start_ms = 0;  // for a target's share to grow from a tenth to its weight; 0: it has it at once
  std::string zone;                // of the node: targets of the same one come first; empty: all are alike
};

}  // namespace sluice::gateway
