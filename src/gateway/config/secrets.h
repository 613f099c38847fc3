// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json.h"
#include "gateway/config/snapshot.h"

namespace sluice::gateway {

/// `document` with every `{vault://...}` text replaced by the secret that it names (reference section 10). Backend
/// `env`, directly or through a vaults entity with a prefix. What cannot be resolved becomes "" and is logged.
Json resolve_secrets(const Json& document, const Snapshot& snapshot);

}  // namespace sluice::gateway
