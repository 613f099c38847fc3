// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/openapi/references.h"

namespace sluice::cli::openapi {

/// The parameters of an operation: its own, and those of its path that it does not replace.
Result<std::vector<const Json*>> parameters_of(const ReferencesView& references, const Json& path_item,
                                               const Json& operation);

/// Fills a request-validator plugin's configuration from what the operation says of its parameters and body, unless it
/// has schemas already. False when there is nothing to validate.
Result<bool> fill_validator(const ReferencesView& references, const Json& path_item, const Json& operation,
                            Json::Object& config);

}  // namespace sluice::cli::openapi
