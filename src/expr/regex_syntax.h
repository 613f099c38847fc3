// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "expr/regex.h"

namespace sluice::expr {

/// A pattern rewritten for RE2, or the construct for which there is no exact translation.
struct Translation {
  std::string pattern;
  std::string refused;  // empty: translated
};

/// Rewrites what RE2 spells otherwise (`(?<n>` to `(?P<n>`, `\u{e9}` to `\x{e9}`) and finds what RE2 lacks or, worse,
/// would silently read in another sense (class intersection, nested classes). Plain syntax errors are left to RE2.
Translation translate_for_re2(std::string_view pattern, RegexDialect dialect);

/// Literal text that every match beginning at the start of the input begins with; stops at the first construct that
/// is not plainly literal.
std::string literal_prefix_of(std::string_view pattern);

}  // namespace sluice::expr
