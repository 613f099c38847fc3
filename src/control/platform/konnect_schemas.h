// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/admin/parts.h"
#include "control/admin/route_tree.h"

namespace sluice::control::platform {

/// `/v1/schemas/json/{type}` as Konnect's clients read it (reference/konnect.md, 3.4): names in the singular, the
/// fields of credentials below `value`, the settings of vaults by their backend. Also `../validate`. `parts` outlives
/// the tree.
void add_konnect_schemas(admin::RouteTree& tree, const admin::Parts& parts);

}  // namespace sluice::control::platform
