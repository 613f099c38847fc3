// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/error.h"

// Text in ASCII terms, as protocols and configuration need it. No locale is ever consulted.
namespace sluice {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}
[[nodiscard]] constexpr char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c;
}
[[nodiscard]] constexpr bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_ascii_alpha(char c) {
  return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

[[nodiscard]] std::string to_lower(std::string_view text);
[[nodiscard]] std::string to_upper(std::string_view text);

/// Equal but for the case of ASCII letters.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
[[nodiscard]] bool istarts_with(std::string_view text, std::string_view prefix);
[[nodiscard]] std::size_t ihash(std::string_view text);

/// For maps whose string keys ignore case: `std::unordered_map<std::string, T, IHash, IEqual>`.
struct IHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return ihash(text); }
};
struct IEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return iequals(a, b); }
};

/// Without leading and trailing `unwanted` characters: blanks and line breaks unless told otherwise.
[[nodiscard]] std::string_view trim(std::string_view text, std::string_view unwanted = " \t\r\n");

/// The pieces between separators, empty ones included: `for (std::string_view piece : split(text, ','))`. An empty text
/// has one empty piece. The pieces are views of `text`.
class Split {
 public:
  class Iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(std::string_view text, char separator) : rest_(text), separator_(separator) { advance(); }
    std::string_view operator*() const { return piece_; }
    Iterator& operator++() {
      if (last_) {
        done_ = true;
      } else {
        advance();
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) { return it.done_; }

   private:
    void advance() {
      const std::size_t end = rest_.find(separator_);
      piece_ = rest_.substr(0, end);
      last_ = end == rest_.npos;
      if (!last_) rest_.remove_prefix(end + 1);
    }
    std::string_view rest_;
    std::string_view piece_;
    char separator_ = '\0';
    bool last_ = false;
    bool done_ = false;
  };

  Split(std::string_view text, char separator) : text_(text), separator_(separator) {}
  [[nodiscard]] Iterator begin() const { return {text_, separator_}; }
  [[nodiscard]] std::default_sentinel_t end() const { return {}; }

 private:
  std::string_view text_;
  char separator_;
};
[[nodiscard]] inline Split split(std::string_view text, char separator) {
  return {text, separator};
}

/// The trimmed, non-empty pieces of a list such as `a, b,c`.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text, char separator = ',');

[[nodiscard]] std::string join(std::span<const std::string> parts, std::string_view separator);
[[nodiscard]] std::string join(std::span<const std::string_view> parts, std::string_view separator);

namespace detail {
[[nodiscard]] std::unexpected<Error> not_a_number(std::string_view text, bool out_of_range);
}

/// The whole text as one integer: no blanks, no plus sign; out of range and empty are errors.
template <std::integral T>
[[nodiscard]] Result<T> parse_int(std::string_view text, int base = 10) {
  T value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (status == std::errc() && end == text.data() + text.size()) return value;
  return detail::not_a_number(text, status == std::errc::result_out_of_range);
}

/// The whole text as one finite decimal number.
[[nodiscard]] Result<double> parse_double(std::string_view text);

/// Lower-case hexadecimal digits of octets, and back (either case; an odd count or another character is an error).
[[nodiscard]] std::string to_hex(std::string_view octets);
[[nodiscard]] Result<std::string> from_hex(std::string_view digits);

/// Value of a hexadecimal digit; -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Percent-encodes everything but RFC 3986's unreserved characters and those in `also_kept`.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view also_kept = {});
/// Fails at a percent sign without two hexadecimal digits after it.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);
/// Leaves malformed escapes as they stand, as most servers do with query strings.
[[nodiscard]] std::string percent_decode_lenient(std::string_view text);
/// One name or value of application/x-www-form-urlencoded: a plus sign is a blank; otherwise lenient.
[[nodiscard]] std::string form_decode(std::string_view text);

/// The candidate that a mistyped word most likely meant: the smallest edit distance (a swap of neighbours counts once),
/// at most a third of the word's length. The view is one of `candidates`.
[[nodiscard]] std::optional<std::string_view> nearest_word(std::string_view word,
                                                           std::span<const std::string_view> candidates);
/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace sluice
