// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice {

/// "line 3, column 14" of an octet in a text; both count from 1, columns in characters. Offsets past the end mean the
/// end.
[[nodiscard]] std::string text_position(std::string_view text, std::size_t offset);

}  // namespace sluice
