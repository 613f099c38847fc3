// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/uuid.h"
#include "gateway/config/snapshot.h"

namespace sluice::gateway {

/// Whether the text of a document contains a reference to a secret.
bool has_secret_reference(std::string_view document);

/// `document` with every `{vault://...}` text replaced by the secret that it names (reference section 10). Backend
/// `env`, directly or through a vaults entity of the same workspace. What cannot be resolved becomes "" and is logged.
Json resolve_secrets(const Json& document, const Snapshot& snapshot, const Uuid& workspace);

}  // namespace sluice::gateway
