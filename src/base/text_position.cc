// SPDX-License-Identifier: Apache-2.0
#include "base/text_position.h"

#include <algorithm>

namespace sluice {

std::string text_position(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = 1 + std::ranges::count(before, '\n');
  const std::string_view row = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
  const auto column = 1 + std::ranges::count_if(row, starts_character);
  return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace sluice
