// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace sluice {

/// Parses one YAML document into the values that JSON has. An empty text is null.
///
/// Plain scalars follow the core schema of YAML 1.2: `true`, `false`, `null`, `~`, integers (decimal, 0o17, 0x1f) and
/// floats in their spellings; everything else, `yes` and `on` included, is a string, and so is whatever is quoted.
/// Integers beyond 64 bits become doubles. Keys are strings as written. Merge keys (`<<`) are honoured; explicit
/// members win. Refused with line and column: duplicate keys, a second document, depth over 128, non-finite numbers,
/// tags beyond the core ones, and aliases that together copy more than 256 MiB.
Result<Json> parse_yaml(std::string_view text);

/// Block style, two spaces of indentation, strings quoted where a reader (YAML 1.1 ones included) could take them for
/// something else. parse_yaml() reads back an equal value.
std::string to_yaml(const Json& value);

/// What a plain (unquoted) scalar means in the core schema; fails for `.inf` and `.nan`.
Result<Json> resolve_yaml_scalar(std::string_view plain);

}  // namespace sluice
