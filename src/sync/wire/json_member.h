// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

// Members of messages, taken without trust.
namespace sluice::sync::wire {

/// A text that must be there. At most a kilobyte of it: versions, hashes and names are short.
Result<std::string> text_member(const Json& object, std::string_view name);
/// A text, empty when it is not there.
Result<std::string> optional_text(const Json& object, std::string_view name);
/// The one element of an array, an object.
Result<const Json*> only_element(const Json& params);

}  // namespace sluice::sync::wire
