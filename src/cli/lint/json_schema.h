// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "schema/violations.h"

namespace sluice::cli::lint {

struct SchemaProblem {
  std::vector<schema::PathPart> path;  // below the value
  std::string message;
};

/// Where a value breaks a JSON Schema. Known: boolean schemas, `$ref` within the schema, type, enum, const, the bounds
/// of numbers, strings, arrays and objects, pattern, properties, patternProperties, additionalProperties,
/// propertyNames, required, dependentRequired, items, prefixItems, contains, uniqueItems, allOf, anyOf, oneOf, not,
/// if/then/else. Formats and annotations are not judged.
std::vector<SchemaProblem> check_schema(const Json& schema, const Json& value);

}  // namespace sluice::cli::lint
