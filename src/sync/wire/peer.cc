// SPDX-License-Identifier: Apache-2.0
#include "sync/wire/peer.h"

#include <array>

#include <fmt/core.h>

#include "base/strings.h"

namespace sluice::sync::wire {
namespace {

constexpr std::size_t kMaxDigits = 6;

/// Takes the digits off the front of `rest`.
Result<int> take_number(std::string_view& rest, std::string_view whole) {
  std::size_t digits = 0;
  while (digits < rest.size() && is_ascii_digit(rest[digits])) ++digits;
  if (digits == 0 || digits > kMaxDigits) {
    return fail(Errc::Invalid, "not a version such as 3.10.0: '" + std::string(whole.substr(0, 64)) + "'",
                Blame::Client);
  }
  TRY(const int number, parse_int<int>(rest.substr(0, digits)));
  rest.remove_prefix(digits);
  return number;
}

}  // namespace

Result<ProductVersion> parse_product_version(std::string_view text) {
  std::string_view rest = text;
  std::array<int, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i == 2 && !rest.starts_with('.')) break;  // "3.10"
    if (i > 0 && !rest.starts_with('.')) {
      return fail(Errc::Invalid, "not a version such as 3.10.0: '" + std::string(text.substr(0, 64)) + "'",
                  Blame::Client);
    }
    if (i > 0) rest.remove_prefix(1);
    TRY(numbers[i], take_number(rest, text));
  }
  // What follows (".2", "-enterprise-edition") does not matter for compatibility.
  return ProductVersion{numbers[0], numbers[1], numbers[2]};
}

std::string to_string(const ProductVersion& version) {
  return fmt::format("{}.{}.{}", version.major, version.minor, version.patch);
}

}  // namespace sluice::sync::wire
