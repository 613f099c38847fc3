// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.h"
#include "expr/fields.h"
#include "expr/input.h"
#include "expr/regex.h"

namespace sluice::expr {

enum class Op : std::uint8_t {
  Equal,
  NotEqual,
  Regex,
  Prefix,
  Suffix,
  Contains,
  Greater,
  GreaterEqual,
  Less,
  LessEqual,
  In,
  NotIn,
};

/// `field op value`. A field with several values (header, query argument) must hold for all of them, or with `any` for
/// one; an absent field makes the test false.
struct Test {
  FieldRef field;
  bool lower = false;
  bool any = false;
  Op op = Op::Equal;
  std::variant<std::string, std::int64_t, IpAddress, Cidr, RegexRef> value;
};

struct Node {
  enum class Kind : std::uint8_t { And, Or, Not, Test };
  Kind kind = Kind::Test;
  std::vector<Node> children;        // of And and Or: two or more; of Not: one
  std::unique_ptr<const Test> test;  // of Test
};

/// What is wrong with an expression, and where: line and column count from 1.
struct Problem {
  std::size_t line = 1;
  std::size_t column = 1;
  std::string message;
};
/// "line 1, column 5: unknown field http.foo".
std::string to_string(const Problem& problem);

/// How much of the path the expression fixed, for strip_path and captures.
struct PathMatch {
  std::size_t length = 0;        // octets of the path's beginning that a `^=` or a regex matched
  const Regex* regex = nullptr;  // the regex that matched, if it was one; lives as long as the expression
};

/// A parsed and type-checked expression of the ecosystem's router language. Immutable; usable from any thread.
class Expression {
 public:
  /// After a mistake of meaning (unknown field, wrong type) reading goes on, so that all of them are reported; a
  /// mistake of grammar ends it.
  static std::expected<Expression, std::vector<Problem>> parse(std::string_view text, Schema schema,
                                                               RegexCache& regexes);

  /// Does not allocate. `path`, when given, is written only if the result is true.
  [[nodiscard]] bool matches(const Input& input, PathMatch* path = nullptr) const;

  [[nodiscard]] const Node& root() const { return root_; }

 private:
  explicit Expression(Node root) : root_(std::move(root)) {}
  Node root_;
};

}  // namespace sluice::expr
