// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <array>
#include <cstdint>

namespace sluice {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kForeign = 0xFF;

using Table = std::array<std::uint8_t, 256>;

constexpr Table table_of(std::string_view alphabet) {
  Table table{};
  table.fill(kForeign);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return table;
}
constexpr Table kStandardTable = table_of(kStandard);
constexpr Table kUrlTable = table_of(kUrl);

std::string encode(std::string_view octets, std::string_view alphabet, bool padded) {
  std::string out;
  out.reserve((octets.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    const std::string_view group = octets.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = (bits << 8U) | (i < group.size() ? static_cast<std::uint8_t>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      if (i <= group.size()) {
        out.push_back(alphabet[(bits >> (18U - 6U * i)) & 0x3FU]);
      } else if (padded) {
        out.push_back('=');
      }
    }
  }
  return out;
}

Result<std::string> decode(std::string_view text, const Table& table) {
  const auto malformed = [] { return fail(Errc::Invalid, "malformed base64", Blame::Client); };
  const std::size_t end = text.find('=');
  if (end != text.npos) {
    const std::string_view padding = text.substr(end);
    if (text.size() % 4 != 0 || padding.size() > 2 || padding.find_first_not_of('=') != padding.npos)
      return malformed();
    text = text.substr(0, end);
  }
  if (text.size() % 4 == 1) return malformed();

  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const std::uint8_t value = table[static_cast<std::uint8_t>(c)];
    if (value == kForeign) return malformed();
    bits = (bits << 6U) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>((bits >> count) & 0xFFU));
    }
  }
  if ((bits & ((1U << count) - 1U)) != 0) return malformed();
  return out;
}

}  // namespace

std::string base64_encode(std::string_view octets) {
  return encode(octets, kStandard, true);
}
std::string base64url_encode(std::string_view octets) {
  return encode(octets, kUrl, false);
}
Result<std::string> base64_decode(std::string_view text) {
  return decode(text, kStandardTable);
}
Result<std::string> base64url_decode(std::string_view text) {
  return decode(text, kUrlTable);
}

}  // namespace sluice
