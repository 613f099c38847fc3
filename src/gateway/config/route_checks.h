// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "entity/route.h"
#include "gateway/router/route_spec.h"

namespace sluice::gateway {

/// Checks of patterns and expressions for the validation of route entities, so that files and the Admin API learn what
/// is wrong with them together with everything else. Any thread may call them.
entity::RouteChecks route_checks(router::Flavor flavor);

}  // namespace sluice::gateway
