// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "plugins/request_transformer/operations.h"

namespace sluice::plugins {

/// Edits the parts of multipart/form-data content (RFC 7578): rename, remove, replace, add; nothing can be appended. A
/// part that is renamed or replaced keeps nothing but its name and value. Nothing when the content cannot be read or
/// has no boundary.
std::optional<std::string> edit_multipart(std::string_view content, std::string_view content_type,
                                          const RenderedOperationsView& operations);

}  // namespace sluice::plugins
