// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/gateway/state.h"

namespace sluice::cli {

struct ExportOptions {
  std::vector<std::string> select_tags;  // stand in `_info` once instead of at every entity
  std::string workspace;
  bool with_ids = false;       // else only where nothing else tells an entity
  bool skip_defaults = false;  // leave out what has its default
};

/// A configuration as a state file: routes inside services, credentials inside consumers, and so on; references by
/// name. What wanted_state() makes of it is the same configuration.
Json export_state(const entity::Catalog& catalog, const State& state, const ExportOptions& options);

}  // namespace sluice::cli
