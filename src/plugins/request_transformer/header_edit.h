// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/error.h"
#include "http/headers.h"
#include "plugins/request_transformer/operations.h"

namespace sluice::plugins {

/// Remove, rename, replace, add, append; names compare without regard to case. Fails when a new name is no token.
Result<> edit_headers(http::Headers& headers, const RenderedOperationsView& operations);

/// Renames all lines of `name`; lines that have the new name already go. A change of case only is a change too.
void rename_header(http::Headers& headers, std::string_view name, std::string_view new_name);

/// A value that cannot end its line: control octets are percent-encoded, as OpenResty does it. In the arena.
std::string_view safe_header_value(Arena& arena, std::string_view value);

}  // namespace sluice::plugins
