// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/uuid.h"
#include "dataplane/row_table.h"

namespace sluice::dataplane {

/// What names a configuration.
struct Standing {
  std::string control_plane;  // UUID of ours; empty: another product's, or none yet
  std::string version;        // wire form of protocol 2, opaque where it is another product's; empty: none
  std::string hash;           // the sender's: sync::Digest of ours, any 32 characters of others
  std::int64_t since_ms = 0;  // wall clock, when it was taken
  Uuid default_workspace;     // how the sender calls the workspace that has no name here; nil: not told

  [[nodiscard]] bool empty() const { return version.empty() && hash.empty(); }
};

/// A configuration with its name.
struct State {
  Standing standing;
  RowTable rows;
};

/// What leads from one State to the next: the rows that differ.
struct Step {
  struct Put {
    std::string type;
    Uuid id;
    HeldRow row;
  };
  Standing to;
  std::vector<Put> puts;
  std::vector<sync::EntityKey> removals;
};

}  // namespace sluice::dataplane
