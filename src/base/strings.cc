// SPDX-License-Identifier: Apache-2.0
#include "base/strings.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/hash.h"

namespace sluice {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef";
constexpr char kUpperHex[] = "0123456789ABCDEF";

template <class Part>
std::string join_parts(std::span<const Part> parts, std::string_view separator) {
  std::string out;
  for (const Part& part : parts) {
    if (&part != parts.data()) out += separator;
    out += part;
  }
  return out;
}

/// The octet that `%XX` at `at` stands for; -1 when there is no well-formed escape.
int escaped_octet(std::string_view text, std::size_t at) {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]);
  const int low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::string decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const int octet = escaped_octet(text, at); octet >= 0) {
      out.push_back(static_cast<char>(octet));
      at += 2;
    } else {
      out.push_back(plus_is_blank && text[at] == '+' ? ' ' : text[at]);
    }
  }
  return out;
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_upper);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, ascii_lower, ascii_lower);
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return iequals(text.substr(0, prefix.size()), prefix);
}

std::size_t ihash(std::string_view text) {
  char buffer[256];
  if (text.size() > sizeof(buffer)) return hash_bytes(to_lower(text));
  std::ranges::transform(text, buffer, ascii_lower);
  return hash_bytes({buffer, text.size()});
}

std::string_view trim(std::string_view text, std::string_view unwanted) {
  const std::size_t first = text.find_first_not_of(unwanted);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(unwanted) - first + 1);
}

std::vector<std::string_view> split_list(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (const std::string_view piece : split(text, separator)) {
    if (const std::string_view trimmed = trim(piece); !trimmed.empty()) pieces.push_back(trimmed);
  }
  return pieces;
}

std::string join(std::span<const std::string> parts, std::string_view separator) {
  return join_parts(parts, separator);
}
std::string join(std::span<const std::string_view> parts, std::string_view separator) {
  return join_parts(parts, separator);
}

std::unexpected<Error> detail::not_a_number(std::string_view text, bool out_of_range) {
  return fail(Errc::Invalid, (out_of_range ? "number out of range: " : "not a number: ") + std::string(text));
}

Result<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = end == text.data() + text.size();
  if (status == std::errc() && whole && std::isfinite(value)) return value;
  return detail::not_a_number(text, status == std::errc::result_out_of_range);
}

std::string to_hex(std::string_view octets) {
  std::string out;
  out.reserve(octets.size() * 2);
  for (const char c : octets) {
    const auto octet = static_cast<std::uint8_t>(c);
    out.push_back(kLowerHex[octet >> 4U]);
    out.push_back(kLowerHex[octet & 0xFU]);
  }
  return out;
}

Result<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return fail(Errc::Invalid, "an odd number of hexadecimal digits");
  std::string out;
  out.reserve(digits.size() / 2);
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_value(digits[i]);
    const int low = hex_value(digits[i + 1]);
    if (high < 0 || low < 0) return fail(Errc::Invalid, "not a hexadecimal digit");
    out.push_back(static_cast<char>(high * 16 + low));
  }
  return out;
}

std::string percent_encode(std::string_view text, std::string_view also_kept) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    const bool unreserved = is_ascii_alpha(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved || also_kept.contains(c)) {
      out.push_back(c);
    } else {
      const auto octet = static_cast<std::uint8_t>(c);
      out.push_back('%');
      out.push_back(kUpperHex[octet >> 4U]);
      out.push_back(kUpperHex[octet & 0xFU]);
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  for (std::size_t at = text.find('%'); at != text.npos; at = text.find('%', at + 3)) {
    if (escaped_octet(text, at) < 0) return fail(Errc::Invalid, "malformed percent-encoding");
  }
  return decode(text, false);
}

std::string percent_decode_lenient(std::string_view text) {
  return decode(text, false);
}

std::string form_decode(std::string_view text) {
  return decode(text, true);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the usual table: the row before last is what a swap of neighbours refers to.
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, substituted});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(row);
  }
  return above[b.size()];
}

std::optional<std::string_view> nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongestWord = 128;  // the table is quadratic, and nobody mistypes a longer one
  if (word.size() > kLongestWord) return std::nullopt;
  std::optional<std::string_view> nearest;
  std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sluice
