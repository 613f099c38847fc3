// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "schema/violations.h"

namespace sluice::cli::lint {

/// What a rule's function judges.
struct Subject {
  const Json* value = nullptr;  // null: not there
  std::string name;             // of the member, for messages
  const Json* document = nullptr;
};

/// Something found: what is wrong, and where below the subject.
struct Remark {
  std::string message;
  std::vector<schema::PathPart> path = {};
};

using Function = std::function<std::vector<Remark>(const Subject& subject)>;

/// The functions of Spectral rules by name: alphabetical, casing, defined, undefined, truthy, falsy, enumeration,
/// length, pattern, schema, unreferencedReusableObject, typedEnum, xor, or. Fails for another name or bad options.
Result<Function> make_function(const std::string& name, const Json& options);

}  // namespace sluice::cli::lint
