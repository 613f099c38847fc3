// SPDX-License-Identifier: Apache-2.0
#include "expr/regex_syntax.h"

#include <cctype>

#include "base/strings.h"

namespace sluice::expr {
namespace {

class Translator {
 public:
  Translator(std::string_view pattern, RegexDialect dialect) : rest_(pattern), rust_(dialect == RegexDialect::Rust) {}

  Translation run() {
    while (!rest_.empty() && out_.refused.empty()) step();
    return std::move(out_);
  }

 private:
  void step() {
    if (rest_.front() == '\\') return escape();
    if (in_class_) return class_member();
    switch (rest_.front()) {
      case '[':
        return open_class();
      case '(':
        return group();
      case '{':
        return brace();
      default:
        return copy(1);
    }
  }

  void escape() {
    if (rest_.size() < 2) return copy(1);
    const char c = rest_[1];
    if (is_ascii_digit(c) && c != '0' && !in_class_) return refuse("back-reference");
    if ((c == 'k' || c == 'g') && !in_class_) return refuse("back-reference");
    if (c == 'Q' && rust_) return refuse("quotation \\Q...\\E");
    if (c == 'Q') return quotation();
    if (rust_ && c == 'u') return unicode_escape();
    if (rust_ && (c == '<' || c == '>')) return refuse("word boundary \\< or \\>");
    if (rust_ && c == 'b' && rest_.starts_with("\\b{")) return refuse("word boundary \\b{...}");
    copy(2);
  }

  void quotation() {
    const auto end = rest_.find("\\E");
    copy(end == std::string_view::npos ? rest_.size() : end + 2);
  }

  void unicode_escape() {
    std::string_view digits;
    std::size_t length = 0;
    if (rest_.starts_with("\\u{")) {
      const auto close = rest_.find('}');
      if (close == std::string_view::npos) return refuse("unclosed \\u{");
      digits = rest_.substr(3, close - 3);
      length = close + 1;
    } else {
      digits = rest_.substr(2, 4);
      length = 6;
      if (digits.size() < 4) return refuse("incomplete \\u escape");
    }
    for (const char c : digits) {
      if (hex_value(c) < 0) return refuse("malformed \\u escape");
    }
    out_.pattern.append("\\x{").append(digits).append("}");
    rest_.remove_prefix(length);
  }

  void open_class() {
    in_class_ = true;
    copy(1);
    if (rest_.starts_with('^')) copy(1);
    if (rest_.starts_with(']')) copy(1);  // first in a class it stands for itself
  }

  void class_member() {
    if (rest_.front() == ']') in_class_ = false;
    if (rest_.starts_with("[:")) {
      const auto close = rest_.find(":]");
      if (close != std::string_view::npos) return copy(close + 2);
    }
    if (rust_) {
      if (rest_.front() == '[') return refuse("nested character class");
      for (const std::string_view operation : {"&&", "--", "~~"}) {
        if (rest_.starts_with(operation)) return refuse("character class operation " + std::string(operation));
      }
    }
    copy(1);
  }

  void group() {
    if (rest_.starts_with("(?=") || rest_.starts_with("(?!")) return refuse("look-ahead");
    if (rest_.starts_with("(?<=") || rest_.starts_with("(?<!")) return refuse("look-behind");
    if (rest_.starts_with("(?>")) return refuse("atomic group");
    if (rest_.starts_with("(?(")) return refuse("conditional group");
    if (rest_.starts_with("(?|")) return refuse("branch reset group");
    if (rest_.starts_with("(?#")) return refuse("comment group");
    if (rest_.starts_with("(*")) return refuse("backtracking verb");
    if (rest_.starts_with("(?P=") || rest_.starts_with("(?P>") || rest_.starts_with("(?R") ||
        rest_.starts_with("(?&")) {
      return refuse("back-reference or recursion");
    }
    if (rest_.starts_with("(?<")) {
      out_.pattern += "(?P<";
      rest_.remove_prefix(3);
      return;
    }
    copy(1);
  }

  // In Rust's syntax an unescaped brace always begins a counted repetition; RE2 would take any other for itself.
  void brace() {
    if (rust_ && (rest_.size() < 2 || !is_ascii_digit(rest_[1])))
      return refuse("unescaped { that begins no repetition");
    copy(1);
  }

  void copy(std::size_t n) {
    out_.pattern.append(rest_.substr(0, n));
    rest_.remove_prefix(n < rest_.size() ? n : rest_.size());
  }
  void refuse(std::string construct) { out_.refused = std::move(construct); }

  std::string_view rest_;
  bool rust_;
  bool in_class_ = false;
  Translation out_;
};

// Constructs after which a scan by characters misreads what follows: quotations and their stray end, escapes that take
// the next character whatever it is, comments, verbs, flags that stand alone (RE2 lets a `?` behind them apply to what
// is before them), and the flag that allows both blanks and comments.
bool defies_scanning(std::string_view pattern) {
  for (const std::string_view construct : {"\\Q", "\\E", "\\c", "(?#", "(*"}) {
    if (pattern.find(construct) != std::string_view::npos) return true;
  }
  for (auto at = pattern.find("(?"); at != std::string_view::npos; at = pattern.find("(?", at + 2)) {
    const std::string_view flags = pattern.substr(at + 2, pattern.find_first_of(":)<=!>", at) - at - 1);
    if (flags.ends_with(')') || flags.find('x') != std::string_view::npos) return true;
  }
  return false;
}

// Whether a `|` stands outside every group and class: then no branch's prefix is common to all matches.
bool has_alternatives(std::string_view pattern) {
  int depth = 0;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\') {
      ++i;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (pattern.substr(i + 1).starts_with("]") || pattern.substr(i + 1).starts_with("^]")) return true;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')') {
      --depth;
    } else if (c == '|' && depth <= 0) {
      return true;
    }
  }
  return in_class;
}

}  // namespace

Translation translate_for_re2(std::string_view pattern, RegexDialect dialect) {
  return Translator(pattern, dialect).run();
}

std::string literal_prefix_of(std::string_view pattern) {
  std::string prefix;
  if (defies_scanning(pattern) || has_alternatives(pattern)) return prefix;
  if (pattern.starts_with('^')) pattern.remove_prefix(1);
  while (!pattern.empty()) {
    char c = pattern.front();
    if (std::string_view(".[](){}*+?|^$").find(c) != std::string_view::npos) break;
    if (static_cast<unsigned char>(c) >= 0x80) break;  // a quantifier would apply to the whole code point
    std::size_t length = 1;
    if (c == '\\') {
      if (pattern.size() < 2 || !std::ispunct(static_cast<unsigned char>(pattern[1]))) break;
      if (pattern[1] == '<' || pattern[1] == '>') break;
      c = pattern[1];
      length = 2;
    }
    pattern.remove_prefix(length);
    if (!pattern.empty() && (pattern[0] == '*' || pattern[0] == '?' || pattern[0] == '{')) break;
    prefix += c;
  }
  return prefix;
}

}  // namespace sluice::expr
