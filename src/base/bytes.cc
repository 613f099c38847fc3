// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include "base/strings.h"

namespace sluice {

Result<Bytes> parse_bytes(std::string_view text) {
  unsigned shift = 0;
  if (!text.empty()) {
    switch (ascii_lower(text.back())) {
      case 'k':
        shift = 10;
        break;
      case 'm':
        shift = 20;
        break;
      case 'g':
        shift = 30;
        break;
      default:
        break;
    }
  }
  const auto count = parse_int<std::uint64_t>(text.substr(0, text.size() - (shift != 0 ? 1 : 0)));
  if (!count) return fail(Errc::Invalid, "not a size such as 4096, 8k or 10m: " + std::string(text));
  if (*count > (UINT64_MAX >> shift)) return fail(Errc::Invalid, "size out of range: " + std::string(text));
  return Bytes{*count << shift};
}

std::string to_string(Bytes size) {
  static constexpr struct {
    unsigned shift;
    char letter;
  } kUnits[] = {{30, 'g'}, {20, 'm'}, {10, 'k'}};
  for (const auto& unit : kUnits) {
    const std::uint64_t whole = size.count >> unit.shift;
    if (whole != 0 && whole << unit.shift == size.count) return std::to_string(whole) + unit.letter;
  }
  return std::to_string(size.count);
}

}  // namespace sluice
