// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/expression.h"

#include <utility>

#include <fmt/format.h>

#include "base/strings.h"

namespace sluice::plugins {

namespace {

bool is_name_start(char c) {
  return is_ascii_alpha(c) || c == '_';
}
bool is_name_char(char c) {
  return is_name_start(c) || is_ascii_digit(c);
}

std::optional<TemplateTable> table_named(std::string_view name) {
  if (name == "headers") return TemplateTable::Headers;
  if (name == "query_params") return TemplateTable::QueryParams;
  if (name == "uri_captures") return TemplateTable::UriCaptures;
  if (name == "shared") return TemplateTable::Shared;
  return std::nullopt;
}

bool is_true(const TemplateValueView& value) {
  if (std::holds_alternative<std::monostate>(value)) return false;
  const bool* flag = std::get_if<bool>(&value);
  return flag == nullptr || *flag;
}

}  // namespace

/// Recursive descent with Lua's precedences: `or` < `and` < `..`.
class Expression::Parser {
 public:
  explicit Parser(std::string_view text) : all_(text), rest_(text) {}

  Result<Expression> run() {
    TRY(Expression parsed, any());
    skip_blanks();
    if (!rest_.empty()) return refuse();
    return parsed;
  }

 private:
  static constexpr int kMaxDepth = 32;

  [[nodiscard]] std::unexpected<Error> refuse() const {
    return fail(Errc::Unsupported,
                fmt::format("template expression '$({})' is not supported: only look-ups in headers, query_params, "
                            "uri_captures and shared, literals, '..', 'and' and 'or' are, as long as there is no Lua",
                            all_));
  }
  void skip_blanks() { rest_ = trim(rest_); }
  bool take(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }
  bool take_word(std::string_view word) {
    skip_blanks();
    bool longer = rest_.size() > word.size() && is_name_char(rest_[word.size()]);
    return !longer && take(word);
  }
  std::string_view take_name() {
    skip_blanks();
    std::size_t size = 0;
    if (!rest_.empty() && is_name_start(rest_.front())) {
      while (size < rest_.size() && is_name_char(rest_[size])) ++size;
    }
    std::string_view name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return name;
  }

  static Expression pair(Kind kind, Expression left, Expression right) {
    Expression made;
    made.kind_ = kind;
    made.operands_.push_back(std::move(left));
    made.operands_.push_back(std::move(right));
    return made;
  }

  Result<Expression> any() {
    TRY(Expression left, conjunction());
    while (take_word("or")) {
      TRY(Expression right, conjunction());
      left = pair(Kind::Or, std::move(left), std::move(right));
    }
    return left;
  }
  Result<Expression> conjunction() {
    TRY(Expression left, concatenation());
    while (take_word("and")) {
      TRY(Expression right, concatenation());
      left = pair(Kind::And, std::move(left), std::move(right));
    }
    return left;
  }
  Result<Expression> concatenation() {
    TRY(Expression left, primary());
    while (take("..")) {
      TRY(Expression right, primary());
      left = pair(Kind::Concat, std::move(left), std::move(right));
    }
    return left;
  }

  Result<Expression> primary() {
    if (++depth_ > kMaxDepth) return refuse();
    skip_blanks();
    if (take("(")) {
      TRY(Expression inner, any());
      if (!take(")")) return refuse();
      --depth_;
      return inner;
    }
    --depth_;
    if (rest_.starts_with('"') || rest_.starts_with('\'')) return text_literal();
    if (!rest_.empty() && is_ascii_digit(rest_.front())) return number_literal();
    return name();
  }

  Result<Expression> name() {
    Expression made;
    std::string_view word = take_name();
    if (word == "nil") return made;
    if (word == "true" || word == "false") {
      made.kind_ = Kind::Bool;
      made.flag_ = word == "true";
      return made;
    }
    auto table = table_named(word);
    if (!table) return refuse();
    made.kind_ = Kind::Lookup;
    made.table_ = *table;
    TRY(made.text_, key());
    if (rest_.starts_with('[')) {
      TRY(std::string element, key());
      auto index = parse_int<std::size_t>(element);
      if (!index) return refuse();
      made.element_ = *index;
    }
    skip_blanks();
    if (!rest_.empty() && std::string_view("[:(=<>~+-*/%^").find(rest_.front()) != std::string_view::npos)
      return refuse();
    return made;
  }

  /// `.name`, `["text"]` or `[number]`.
  Result<std::string> key() {
    skip_blanks();
    if (!rest_.starts_with("..") && take(".")) {
      std::string_view word = take_name();
      if (word.empty()) return refuse();
      return std::string(word);
    }
    if (!take("[")) return refuse();
    skip_blanks();
    bool quoted = rest_.starts_with('"') || rest_.starts_with('\'');
    TRY(Expression inside, quoted ? text_literal() : number_literal());
    if (!take("]")) return refuse();
    return std::move(inside.text_);
  }

  Result<Expression> text_literal() {
    Expression made;
    made.kind_ = Kind::Text;
    char quote = rest_.front();
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == quote) {
        rest_.remove_prefix(i + 1);
        return made;
      }
      if (rest_[i] == '\\') {
        constexpr std::string_view kEscaped = "\\\"'";
        ++i;
        if (i == rest_.size() || kEscaped.find(rest_[i]) == kEscaped.npos) return refuse();
      }
      made.text_ += rest_[i];
    }
    return refuse();
  }
  Result<Expression> number_literal() {
    Expression made;
    made.kind_ = Kind::Text;
    while (!rest_.empty() && is_ascii_digit(rest_.front())) {
      made.text_ += rest_.front();
      rest_.remove_prefix(1);
    }
    if (made.text_.empty() || (!rest_.empty() && is_name_char(rest_.front()))) return refuse();
    return made;
  }

  std::string_view all_;
  std::string_view rest_;
  int depth_ = 0;
};

Result<Expression> Expression::parse(std::string_view text) {
  return Parser(text).run();
}

namespace {

Result<std::string_view> operand_text(const TemplateValueView& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return *text;
  return fail(Errc::Invalid, "attempt to concatenate a value that is no string");
}

}  // namespace

Result<TemplateValueView> Expression::evaluate(TemplateEnvironment& environment, Arena& arena) const {
  switch (kind_) {
    case Kind::Nil:
      return TemplateValueView();
    case Kind::Bool:
      return TemplateValueView(flag_);
    case Kind::Text:
      return TemplateValueView(std::string_view(text_));
    case Kind::Lookup: {
      TemplateValueView found = environment.find(table_, text_);
      if (!element_) return found;
      const auto* list = std::get_if<std::vector<std::string_view>>(&found);
      if (list == nullptr) return fail(Errc::Invalid, fmt::format("attempt to index '{}', which is no list", text_));
      if (*element_ == 0 || *element_ > list->size()) return TemplateValueView();
      return TemplateValueView((*list)[*element_ - 1]);
    }
    case Kind::And:
    case Kind::Or: {
      TRY(TemplateValueView left, operands_[0].evaluate(environment, arena));
      if (is_true(left) == (kind_ == Kind::Or)) return left;
      return operands_[1].evaluate(environment, arena);
    }
    case Kind::Concat: {
      TRY(TemplateValueView left, operands_[0].evaluate(environment, arena));
      TRY(TemplateValueView right, operands_[1].evaluate(environment, arena));
      TRY(std::string_view head, operand_text(left));
      TRY(std::string_view tail, operand_text(right));
      return TemplateValueView(arena.copy(std::string(head).append(tail)));
    }
  }
  return TemplateValueView();
}

}  // namespace sluice::plugins
