// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "base/json.h"
#include "schema/violations.h"

namespace sluice::entity {

/// How many levels of objects and arrays a document may have, itself included. Our JSON readers take 128; what carries
/// a document to data planes, into files and into backups needs some of them for itself.
inline constexpr std::size_t kMaxNesting = 100;

/// Adds a violation for each member of the document that is nested deeper. True: there is none.
bool check_nesting(const Json& document, schema::Violations& violations);

}  // namespace sluice::entity
