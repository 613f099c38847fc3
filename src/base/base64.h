// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

// RFC 4648, sections 4 (`+/`, padded) and 5 (`-_`, unpadded).
namespace sluice {

[[nodiscard]] std::string base64_encode(std::string_view octets);
[[nodiscard]] std::string base64url_encode(std::string_view octets);

/// Padding may be left out, but must be right where there is some; any other character is an error, and so are trailing
/// bits that are not zero, since they would give one value two spellings.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);
[[nodiscard]] Result<std::string> base64url_decode(std::string_view text);

}  // namespace sluice
