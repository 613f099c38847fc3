// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugins/request_transformer/operations.h"

namespace sluice::plugins {

/// Edits the members of a JSON object; values are always texts. Without content, additions make an object. Nothing
/// when there is nothing to change: the content is no JSON object, or no operation applies to no content.
std::optional<std::string> edit_json(std::string_view content, const RenderedOperationsView& operations);

}  // namespace sluice::plugins
