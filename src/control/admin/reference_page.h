// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"

namespace sluice::control::admin {

/// The page docs/admin-api.md, from the document that `/openapi.json` answers with: what each entity's endpoints and
/// fields are, then the endpoints of the node. A test compares both; UPDATE_GOLDEN=1 has it write the page anew.
[[nodiscard]] std::string reference_page(const Json& openapi);

}  // namespace sluice::control::admin
