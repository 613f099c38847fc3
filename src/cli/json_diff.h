// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/json.h"

namespace sluice::cli {

/// Two objects as one text: members in order of their names, a line each, with `-` and `+` in front of what only the
/// first or the second has. Members that are null count as absent.
std::string json_diff(const Json& before, const Json& after);

/// Colours for a terminal: red for lines that begin with `-`, green for `+`.
std::string coloured_diff(std::string_view diff);

}  // namespace sluice::cli
