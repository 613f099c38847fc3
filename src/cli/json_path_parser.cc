// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "base/strings.h"
#include "cli/json_path_steps.h"

namespace sluice::cli::json_path {
namespace {

bool is_name_character(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '_' || c == '-' || c == '/' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// Recursive descent. Filters inside filters are bounded by `kDepth`.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Step>> whole() {
    skip_blanks();
    if (!take('$')) return problem("a path starts with $");
    TRY(auto steps, path());
    skip_blanks();
    if (at_ != text_.size()) return problem("unexpected character");
    return steps;
  }

 private:
  static constexpr int kDepth = 32;

  Result<std::vector<Step>> path() {
    std::vector<Step> steps;
    while (at_ < text_.size() && !method_call()) {
      Step step;
      if (take("..")) {
        step.kind = Step::Kind::Descendant;
        TRY(step.selectors, peek() == '[' ? bracket() : dotted());
      } else if (take('.')) {
        TRY(step.selectors, peek() == '[' ? bracket() : dotted());
      } else if (peek() == '[') {
        TRY(step.selectors, bracket());
      } else if (take('~')) {
        step.kind = Step::Kind::Names;
      } else if (take('^')) {
        step.kind = Step::Kind::Parent;
      } else {
        break;
      }
      steps.push_back(std::move(step));
    }
    return steps;
  }

  Result<std::vector<Selector>> dotted() {
    Selector selector;
    if (take('*')) return std::vector{selector};
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    if (at_ == begin) return problem("expected a name");
    selector.kind = Selector::Kind::Name;
    selector.name = text_.substr(begin, at_ - begin);
    return std::vector{selector};
  }

  Result<std::vector<Selector>> bracket() {
    std::vector<Selector> selectors;
    take('[');
    do {
      skip_blanks();
      TRY(Selector selector, one_selector());
      selectors.push_back(std::move(selector));
      skip_blanks();
    } while (take(','));
    if (!take(']')) return problem("expected ]");
    return selectors;
  }

  Result<Selector> one_selector() {
    Selector selector;
    if (take('*')) return selector;
    if (take('?')) {
      selector.kind = Selector::Kind::Filter;
      TRY(Filter filter, any());
      selector.filter = std::make_shared<const Filter>(std::move(filter));
      return selector;
    }
    if (peek() == '\'' || peek() == '"') {
      selector.kind = Selector::Kind::Name;
      TRY(selector.name, quoted());
      return selector;
    }
    if (is_ascii_digit(peek()) || peek() == '-' || peek() == ':') return position();
    const std::size_t begin = at_;  // JSONPath-plus: names need no quotes
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != ']') ++at_;
    selector.kind = Selector::Kind::Name;
    selector.name = trim(text_.substr(begin, at_ - begin));
    if (selector.name.empty()) return problem("expected a name, an index, * or ?");
    return selector;
  }

  Result<Selector> position() {
    Selector selector;
    selector.kind = Selector::Kind::Index;
    TRY(selector.from, number());
    if (!take(':')) return selector;
    selector.kind = Selector::Kind::Slice;
    TRY(selector.to, number());
    if (take(':')) {
      TRY(const auto step, number());
      selector.step = step.value_or(1);
    }
    if (selector.step == 0) return problem("a slice cannot take steps of 0");
    return selector;
  }

  Result<std::optional<std::int64_t>> number() {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_ascii_digit(text_[at_]) || text_[at_] == '-')) ++at_;
    if (at_ == begin) return std::nullopt;
    TRY(const auto value, parse_int<std::int64_t>(text_.substr(begin, at_ - begin)));
    skip_blanks();
    return value;
  }

  Result<std::string> quoted() {
    const char quote = text_[at_++];
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      value += text_[at_++];
    }
    if (at_ == text_.size()) return problem("a quotation mark is not closed");
    ++at_;
    return value;
  }

  // Filters
  // -----------------------------------------------------------------------------------------------------------------

  Result<Filter> any() { return list(Filter::Kind::Or, "||"); }

  Result<Filter> list(Filter::Kind kind, std::string_view separator) {
    Filter filter;
    filter.kind = kind;
    do {
      TRY(Filter part, kind == Filter::Kind::Or ? list(Filter::Kind::And, "&&") : basic());
      filter.parts.push_back(std::move(part));
      skip_blanks();
    } while (take(separator));
    if (filter.parts.size() > 1) return filter;
    Filter only = std::move(filter.parts.front());
    return only;
  }

  Result<Filter> basic() {
    if (++depth_ > kDepth) return problem("too deeply nested");
    skip_blanks();
    Filter filter;
    if (text_.substr(at_).starts_with('!') && !text_.substr(at_).starts_with("!=")) {
      ++at_;
      filter.kind = Filter::Kind::Not;
      TRY(Filter negated, basic());
      filter.parts.push_back(std::move(negated));
    } else if (take('(')) {
      TRY(filter, any());
      skip_blanks();
      if (!take(')')) return problem("expected )");
    } else {
      TRY(filter, comparison());
    }
    --depth_;
    return filter;
  }

  Result<Filter> comparison() {
    Filter filter;
    for (const std::string_view function : {"match(", "search("}) {
      if (!take(function)) continue;
      filter.kind = Filter::Kind::Matches;
      filter.whole = function == "match(";
      TRY(filter.left, operand());
      skip_blanks();
      if (!take(',')) return problem("expected ,");
      skip_blanks();
      TRY(const std::string pattern, peek() == '/' ? slashed() : quoted());
      TRY(filter.regex, compile(pattern));
      skip_blanks();
      if (!take(')')) return problem("expected )");
      return filter;
    }
    TRY(filter.left, operand());
    if (take(".match(")) {
      filter.kind = Filter::Kind::Matches;
      TRY(const std::string pattern, peek() == '/' ? slashed() : quoted());
      TRY(filter.regex, compile(pattern));
      if (!take(')')) return problem("expected )");
      return filter;
    }
    skip_blanks();
    if (take("=~")) {
      filter.kind = Filter::Kind::Matches;
      skip_blanks();
      TRY(const std::string pattern, peek() == '/' ? slashed() : quoted());
      TRY(filter.regex, compile(pattern));
      return filter;
    }
    for (const std::string_view sign : {"===", "!==", "==", "!=", "<=", ">=", "<", ">"}) {
      if (!take(sign)) continue;
      filter.kind = Filter::Kind::Compare;
      filter.comparison = sign.size() == 3 ? sign.substr(0, 2) : sign;
      skip_blanks();
      TRY(filter.right, operand());
      break;
    }
    return filter;
  }

  Result<Operand> operand() {
    skip_blanks();
    Operand operand;
    if (take("@property")) {
      operand.kind = Operand::Kind::Property;
    } else if (take('@') || take('$')) {
      operand.kind = text_[at_ - 1] == '@' ? Operand::Kind::Relative : Operand::Kind::Absolute;
      TRY(operand.steps, path());
      if (take(".length")) operand.kind = Operand::Kind::Length;
    } else if (take("length(") || take("count(")) {
      operand.kind = text_[at_ - 2] == 'h' ? Operand::Kind::Length : Operand::Kind::Count;
      skip_blanks();
      if (!take('@')) return problem("expected @");
      TRY(operand.steps, path());
      skip_blanks();
      if (!take(')')) return problem("expected )");
    } else {
      TRY(operand.literal, literal());
    }
    return operand;
  }

  Result<Json> literal() {
    if (peek() == '\'' || peek() == '"') {
      TRY(std::string value, quoted());
      return Json(std::move(value));
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_name_character(text_[at_]) || text_[at_] == '.' || text_[at_] == '+')) ++at_;
    auto value = parse_json(text_.substr(begin, at_ - begin));
    if (!value) return problem("expected a value, @ or $");
    return value;
  }

  Result<std::string> slashed() {
    std::string pattern;
    for (++at_; at_ < text_.size() && text_[at_] != '/'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] != '/') pattern += text_[at_++];
      if (text_[at_] == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '/') ++at_;
      pattern += text_[at_];
    }
    if (at_ == text_.size()) return problem("a regular expression is not closed");
    ++at_;
    if (take('i')) pattern.insert(0, "(?i)");
    return pattern;
  }

  Result<expr::RegexRef> compile(const std::string& pattern) const {
    auto regex = expr::Regex::compile(pattern, expr::RegexDialect::Rust);
    if (!regex) return problem(regex.error().what);
    return regex;
  }

  // Characters
  // -----------------------------------------------------------------------------------------------------------------

  [[nodiscard]] bool method_call() const {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with(".match(")) return true;
    return rest.starts_with(".length") && (rest.size() == 7 || !is_name_character(rest[7]));
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\t') ++at_;
  }
  [[nodiscard]] std::unexpected<Error> problem(const std::string& what) const {
    return fail(Errc::Invalid,
                "JSONPath '" + std::string(text_) + "', position " + std::to_string(at_ + 1) + ": " + what);
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::vector<Step>> parse(std::string_view text) {
  return Parser(text).whole();
}

}  // namespace sluice::cli::json_path
