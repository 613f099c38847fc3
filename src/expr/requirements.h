// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "expr/expression.h"

namespace sluice::expr {

/// What a name (host or SNI) must look like. Suffix begins with a dot, Prefix ends with one, so that an index can look
/// them up label by label.
struct NamePattern {
  enum class Kind : std::uint8_t { Exact, Suffix, Prefix };
  Kind kind = Kind::Exact;
  std::string text;
  friend auto operator<=>(const NamePattern&, const NamePattern&) = default;
};

/// A header field, named as in the language, and a value in lower case.
struct HeaderValue {
  std::string name;
  std::string value;
  friend auto operator<=>(const HeaderValue&, const HeaderValue&) = default;
};

/// Conditions without which an expression cannot hold: for each attribute one of the listed values must apply. They
/// narrow down where to look and never replace the evaluation. Empty optional: nothing is known to be required.
struct Requirements {
  std::optional<std::vector<NamePattern>> names;  // http.host or tls.sni
  std::optional<std::vector<std::string>> path_prefixes;
  std::optional<std::vector<std::uint16_t>> dst_ports;
  std::optional<std::vector<HeaderValue>> header_values;  // one of the field's values, compared without case
};

/// `name_field` says which field `names` is about.
Requirements requirements_of(const Expression& expression, Field name_field);

}  // namespace sluice::expr
