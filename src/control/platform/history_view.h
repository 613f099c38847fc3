// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"
#include "control/platform/parts.h"
#include "control/platform/problem.h"
#include "control/publish/operation.h"
#include "store/history.h"

// Versions of a control plane as the platform API shows them.
namespace sluice::control::platform {

/// Without its rows in full: when, who, how many, and the first few by name.
Json show(const store::VersionEntry& entry, const store::Version& current);

/// A row in two versions. Whoever may not see secrets where the entities are finds "***" here, too.
Json show(const Parts& parts, const iam::Principal& who, const store::RowDifference& row);

/// 400 with everything that is wrong with a change: `routes[NAME].paths[0]`, by the operations it was made of.
Reply show_failures(const publish::Refusal& refusal, const std::vector<publish::Operation>& operations);

}  // namespace sluice::control::platform
