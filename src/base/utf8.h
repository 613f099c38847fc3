// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// Octets of the well-formed UTF-8 sequence at the start of `text` (1 to 4); 0 when it is ill-formed or empty. RFC
/// 3629.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

/// The code point of a sequence whose length utf8_sequence() gave.
[[nodiscard]] char32_t decode_utf8(std::string_view sequence);

/// Appends a code point; surrogates and values above U+10FFFF become U+FFFD.
void append_utf8(std::string& out, char32_t code_point);

/// What stands for octets that are not UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

}  // namespace sluice
