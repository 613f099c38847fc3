// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/regex.h"

namespace sluice::plugins {

/// An `Origin` taken apart: `https://api.test:8443`. RFC 6454, 6.2.
struct Origin {
  std::string text;  // lower case, without the scheme's default port; the text itself where it is no such origin
  std::string host;  // empty where it is no such origin ("null")

  static Origin parse(std::string_view text);
};

/// Which origins may read a response, from a configuration's `origins`.
class Origins {
 public:
  /// Entries are `*`, origins, or regular expressions, which must match a whole origin, or the host alone where they
  /// hold no colon.
  explicit Origins(const std::vector<std::string>& entries);

  /// Whether the answer is `*`: no entries, or one of them is `*`.
  [[nodiscard]] bool any() const { return any_; }
  /// Whether there are entries besides a lone `*`: then caches are told that the answer may depend on the origin.
  [[nodiscard]] bool listed() const { return listed_; }
  /// The only origin there is, which is told to everybody; empty when there are more or when it is an expression.
  [[nodiscard]] const std::string& only() const { return only_; }
  /// What to tell a client of this origin; nothing when it may not read the response.
  [[nodiscard]] std::optional<std::string> match(std::string_view origin) const;

  /// What is wrong with an entry, or nothing.
  static std::optional<std::string> check(std::string_view entry);

 private:
  struct Entry {
    std::string plain;  // normalised; empty for an expression
    expr::RegexRef regex;
    bool host_only = false;
  };
  static bool matches(const Entry& entry, const Origin& origin);

  bool any_;
  bool listed_;
  std::string only_;
  std::vector<Entry> entries_;
};

}  // namespace sluice::plugins
