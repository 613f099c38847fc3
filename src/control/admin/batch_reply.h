// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/publish/publisher.h"

// What became of many entities at once, as JSON.
namespace sluice::control::admin {

/// Documents by type, then id. They go out as they are stored: they are never parsed again.
std::string upserts_by_type(const sync::Delta& delta);
/// Ids by type.
Json removals_by_type(const sync::Delta& delta);

}  // namespace sluice::control::admin
