// SPDX-License-Identifier: Apache-2.0
// The core schema of YAML 1.2, section 10.3: what plain scalars mean.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/yaml.h"

namespace sluice {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t digits_at(std::string_view text, std::size_t from) {
  std::size_t at = from;
  while (at < text.size() && is_digit(text[at])) ++at;
  return at - from;
}

/// The spelling of a decimal integer or float without its sign.
enum class Spelling { Other, Integer, Float };

Spelling spelling(std::string_view unsigned_text) {
  const std::size_t whole = digits_at(unsigned_text, 0);
  std::size_t at = whole;
  std::size_t fraction = 0;
  if (at == unsigned_text.size()) return whole > 0 ? Spelling::Integer : Spelling::Other;
  if (unsigned_text[at] == '.') {
    fraction = digits_at(unsigned_text, ++at);
    at += fraction;
  }
  if (whole + fraction == 0) return Spelling::Other;
  if (at < unsigned_text.size() && (unsigned_text[at] == 'e' || unsigned_text[at] == 'E')) {
    ++at;
    if (at < unsigned_text.size() && (unsigned_text[at] == '+' || unsigned_text[at] == '-')) ++at;
    const std::size_t exponent = digits_at(unsigned_text, at);
    if (exponent == 0) return Spelling::Other;
    at += exponent;
  }
  return at == unsigned_text.size() ? Spelling::Float : Spelling::Other;
}

/// 0x1f and 0o17, unsigned by the standard; anything else, or more than 63 bits, stays a string.
Json resolve_radix(std::string_view plain) {
  const std::string_view digits = plain.substr(2);
  std::int64_t value = 0;
  const auto [end, status] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, plain[1] == 'x' ? 16 : 8);
  const bool whole = status == std::errc() && end == digits.data() + digits.size() && digits.front() != '-';
  return whole ? Json(value) : Json(plain);
}

Result<Json> resolve_decimal(std::string_view plain, std::string_view unsigned_text, Spelling kind) {
  const bool negative = plain.front() == '-';
  const std::string_view readable = negative ? plain : unsigned_text;  // from_chars takes no plus sign
  const char* end = readable.data() + readable.size();
  if (kind == Spelling::Integer) {
    std::int64_t value = 0;
    if (std::from_chars(readable.data(), end, value).ec == std::errc()) return Json(value);
  }
  double value = 0;
  if (std::from_chars(readable.data(), end, value).ec == std::errc::result_out_of_range) {
    // Tells "too large" from "too small", which from_chars does not.
    value = std::strtod(std::string(readable).c_str(), nullptr);
    if (!std::isfinite(value)) return fail(Errc::Invalid, "number out of range");
  }
  return Json(value);
}

/// Lower, Capital or UPPER spelling of a lower-case word; other mixtures are strings.
bool is_word(std::string_view plain, std::string_view lower) {
  if (plain.size() != lower.size()) return false;
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  const bool all_upper = std::ranges::equal(plain, lower, {}, {}, upper);
  const bool tail_lower = plain.substr(1) == lower.substr(1);
  return all_upper || (tail_lower && (plain[0] == lower[0] || plain[0] == upper(lower[0])));
}

Result<Json> resolve_number(std::string_view plain) {
  const bool is_signed = plain.front() == '+' || plain.front() == '-';
  const std::string_view unsigned_text = plain.substr(is_signed ? 1 : 0);
  const bool infinite = is_signed || plain.front() == '.'
                            ? unsigned_text.starts_with('.') && is_word(unsigned_text.substr(1), "inf")
                            : false;
  if (infinite || plain == ".nan" || plain == ".NaN" || plain == ".NAN") {
    return fail(Errc::Invalid, "a number must be finite");
  }
  if (!is_signed && plain.size() > 2 && plain[0] == '0' && (plain[1] == 'x' || plain[1] == 'o')) {
    return resolve_radix(plain);
  }
  const Spelling kind = spelling(unsigned_text);
  if (kind == Spelling::Other) return Json(plain);
  return resolve_decimal(plain, unsigned_text, kind);
}

}  // namespace

Result<Json> resolve_yaml_scalar(std::string_view plain) {
  if (plain.empty() || plain == "~") return Json();
  switch (plain.front()) {
    case 'n':
    case 'N':
      return is_word(plain, "null") ? Json() : Json(plain);
    case 't':
    case 'T':
      return is_word(plain, "true") ? Json(true) : Json(plain);
    case 'f':
    case 'F':
      return is_word(plain, "false") ? Json(false) : Json(plain);
    default:
      break;
  }
  const char first = plain.front();
  if (is_digit(first) || first == '-' || first == '+' || first == '.') return resolve_number(plain);
  return Json(plain);
}

}  // namespace sluice
