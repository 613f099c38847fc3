// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "expr/regex.h"

// What a JSONPath expression is made of. json_path_parser.cc makes it, json_path.cc follows it.
namespace sluice::cli::json_path {

struct Filter;

struct Selector {
  enum class Kind : std::uint8_t { Name, Index, Slice, All, Filter };
  Kind kind = Kind::All;
  std::string name;
  std::optional<std::int64_t> from;  // of a slice; the position of an index
  std::optional<std::int64_t> to;
  std::int64_t step = 1;
  std::shared_ptr<const Filter> filter;
};

struct Step {
  enum class Kind : std::uint8_t { Child, Descendant, Names, Parent };
  Kind kind = Kind::Child;
  std::vector<Selector> selectors;
};

/// One side of a comparison.
struct Operand {
  enum class Kind : std::uint8_t { Literal, Relative, Absolute, Property, Length, Count };
  Kind kind = Kind::Literal;
  Json literal;
  std::vector<Step> steps;
};

struct Filter {
  enum class Kind : std::uint8_t { Or, And, Not, Exists, Compare, Matches };
  Kind kind = Kind::Exists;
  std::vector<Filter> parts;  // of Or, And, Not
  std::string comparison;     // "==", "!=", "<", "<=", ">", ">="
  Operand left;
  Operand right;
  expr::RegexRef regex;  // of Matches
  bool whole = false;    // the regular expression must match the whole text
};

Result<std::vector<Step>> parse(std::string_view text);

}  // namespace sluice::cli::json_path
