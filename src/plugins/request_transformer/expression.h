// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/arena.h"
#include "base/error.h"

namespace sluice::plugins {

/// What an expression may read.
enum class TemplateTable : std::uint8_t { Headers, QueryParams, UriCaptures, Shared };

/// nil, a boolean, a text, or the texts of a header or argument that was sent several times. Texts live as long as the
/// exchange.
using TemplateValueView = std::variant<std::monostate, bool, std::string_view, std::vector<std::string_view>>;

/// Answers look-ups of expressions.
class TemplateEnvironment {
 public:
  virtual ~TemplateEnvironment() = default;
  [[nodiscard]] virtual TemplateValueView find(TemplateTable table, std::string_view key) = 0;
};

/// The part of Lua that templates are usually written in: `headers.x`, `query_params["a b"]`, `uri_captures[1]`,
/// `headers.x[2]` for the second of several values, literals, `..`, `and`, `or` and parentheses. Everything else needs
/// a Lua machine and is refused when the configuration is loaded.
class Expression {
 public:
  static Result<Expression> parse(std::string_view text);

  /// Fails as Lua would: concatenating nil, indexing what is no table. Texts that had to be made are in `arena`.
  [[nodiscard]] Result<TemplateValueView> evaluate(TemplateEnvironment& environment, Arena& arena) const;

 private:
  class Parser;
  enum class Kind : std::uint8_t { Nil, Bool, Text, Lookup, Concat, And, Or };

  Kind kind_ = Kind::Nil;
  bool flag_ = false;                   // Bool
  std::string text_;                    // Text: itself; Lookup: the key
  TemplateTable table_{};               // Lookup
  std::optional<std::size_t> element_;  // Lookup: which of several values, from 1
  std::vector<Expression> operands_;    // Concat, And, Or: two
};

}  // namespace sluice::plugins
