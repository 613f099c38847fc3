// SPDX-License-Identifier: Apache-2.0
#include "http/websocket/text.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace sluice::http::websocket {
namespace {

constexpr std::size_t kLongestSequence = 4;

/// Whether octets may follow that make it one sequence. The second octet alone is restricted by the first, and to a
/// range that ends at one of its bounds, so trying both bounds decides.
bool may_become_sequence(std::string_view tail) {
  for (const char filler : {'\x80', '\xBF'}) {
    std::array<char, kLongestSequence> tried{};
    tried.fill(filler);
    std::copy(tail.begin(), tail.end(), tried.begin());
    if (utf8_sequence({tried.data(), tried.size()}) > tail.size()) return true;
  }
  return false;
}

/// Where the last sequence of `text` begins if it is unfinished: at most three octets before the end.
std::size_t begin_of_unfinished(std::string_view text) {
  const std::size_t most = std::min(text.size(), kLongestSequence - 1);
  for (std::size_t back = 1; back <= most; ++back) {
    const auto octet = static_cast<std::uint8_t>(text[text.size() - back]);
    if (octet < 0x80) break;
    if (octet >= 0xC0) return may_become_sequence(text.substr(text.size() - back)) ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

std::optional<std::size_t> check_text(std::string_view text, std::size_t checked) {
  const std::string_view fresh = text.substr(checked);
  const std::size_t whole = begin_of_unfinished(fresh);
  if (!is_utf8(fresh.substr(0, whole))) return std::nullopt;
  return checked + whole;
}

bool is_close_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

}  // namespace sluice::http::websocket
