// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "expr/expression.h"

namespace sluice::expr {
namespace {

constexpr int kMaxDepth = 100;  // of nested groups: the parser and the evaluator recurse
constexpr std::size_t kMaxBytes = 64 * 1024;

struct Symbol {
  std::string_view text;
  Op op;
};
// Longer symbols first, since some begin with others.
constexpr std::array kSymbols = {
    Symbol{"==", Op::Equal},  Symbol{"!=", Op::NotEqual},     Symbol{"^=", Op::Prefix},
    Symbol{"=^", Op::Suffix}, Symbol{">=", Op::GreaterEqual}, Symbol{"<=", Op::LessEqual},
    Symbol{"~", Op::Regex},   Symbol{">", Op::Greater},       Symbol{"<", Op::Less},
};

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_word(char c) {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '_';
}

std::string_view describe(Type type) {
  switch (type) {
    case Type::String:
      return "a string";
    case Type::Int:
      return "an integer";
    case Type::Ip:
      return "an IP address";
  }
  return "";
}

bool applies(Op op, Type type) {
  switch (op) {
    case Op::Equal:
    case Op::NotEqual:
      return true;
    case Op::Regex:
    case Op::Prefix:
    case Op::Suffix:
    case Op::Contains:
      return type == Type::String;
    case Op::In:
    case Op::NotIn:
      return type == Type::Ip;
    default:
      return type == Type::Int;
  }
}

// A recursive descent over the text itself: what a literal may look like depends on where it stands.
class Parser {
 public:
  Parser(std::string_view text, Schema schema, RegexCache& regexes) : text_(text), schema_(schema), regexes_(regexes) {}

  std::optional<Node> run() {
    std::optional<Node> root = alternatives(0);
    if (root && (skip_space(), at_ < text_.size())) {
      syntax("expected && or || or the end, not " + here());
      root.reset();
    }
    return problems_.empty() ? std::move(root) : std::nullopt;
  }
  std::vector<Problem> problems() && { return std::move(problems_); }

 private:
  using Parsed = std::optional<Node>;  // empty: the grammar was broken and the problem noted

  Parsed alternatives(int depth) {
    return chain("||", Node::Kind::Or, [&] { return chain("&&", Node::Kind::And, [&] { return term(depth); }); });
  }

  template <class Operand>
  Parsed chain(std::string_view symbol, Node::Kind kind, Operand operand) {
    Parsed first = operand();
    if (!first || !take(symbol)) return first;
    Node node{.kind = kind, .children = {}, .test = nullptr};
    node.children.push_back(std::move(*first));
    do {
      Parsed next = operand();
      if (!next) return std::nullopt;
      node.children.push_back(std::move(*next));
    } while (take(symbol));
    return node;
  }

  Parsed term(int depth) {
    skip_space();
    if (take("(")) return group(depth);
    if (!text_.substr(at_).starts_with("!=") && take("!")) {
      if (!take("(")) return syntax("! applies to a group only: expected ( but found " + here());
      Parsed inner = group(depth);
      if (!inner) return std::nullopt;
      Node negation{.kind = Node::Kind::Not, .children = {}, .test = nullptr};
      negation.children.push_back(std::move(*inner));
      return negation;
    }
    return test();
  }

  Parsed group(int depth) {
    if (depth >= kMaxDepth) return syntax("groups are nested too deeply");
    Parsed inner = alternatives(depth + 1);
    if (inner && !take(")")) return syntax("expected ) but found " + here());
    return inner;
  }

  Parsed test() {
    auto test = std::make_unique<Test>();
    skip_space();
    const std::size_t start = at_;
    const std::optional<FieldRef> field = operand(*test);
    if (stopped_) return std::nullopt;
    skip_space();
    const std::size_t op_at = at_;
    const std::optional<Op> op = operation();
    if (!op) return syntax("expected an operator but found " + here());
    test->op = *op;
    // An unknown field has no type, but reading on finds what else is wrong.
    const std::optional<Type> type = field ? std::optional(field->type()) : std::nullopt;
    if (type && test->lower && *type != Type::String) {
      mistake(start, "lower() takes a string, and " + name_ + " is " + std::string(describe(*type)));
    }
    if (type && !applies(*op, *type)) {
      mistake(op_at, "operator " + std::string(text_.substr(op_at, at_ - op_at)) + " does not apply to " + name_ +
                         ", which is " + std::string(describe(*type)));
    }
    if (field) test->field = *field;
    if (!literal(*test, type && applies(*op, *type) ? type : std::nullopt)) return std::nullopt;
    return Node{.kind = Node::Kind::Test, .children = {}, .test = std::move(test)};
  }

  // `field`, `lower(field)`, `any(lower(field))`, ...
  std::optional<FieldRef> operand(Test& test) {
    int open = 0;
    for (;;) {
      skip_space();
      const std::size_t start = at_;
      name_ = word(".");
      if (name_.empty()) {
        syntax("expected a field but found " + here());
        return std::nullopt;
      }
      if (!take("(")) {
        auto field = find_field(schema_, name_);
        if (!field) mistake(start, "unknown field " + name_);
        for (; open > 0; --open) {
          if (take(")")) continue;
          syntax("expected ) but found " + here());
          return std::nullopt;
        }
        return field;
      }
      ++open;
      if (name_ == "lower") {
        test.lower = true;
      } else if (name_ == "any") {
        test.any = true;
      } else {
        mistake(start, "unknown function " + name_ + "()");
      }
    }
  }

  std::optional<Op> operation() {
    for (const Symbol& symbol : kSymbols) {
      if (take(symbol.text)) return symbol.op;
    }
    const std::size_t start = at_;
    const std::string name = word("");
    if (name == "contains") return Op::Contains;
    if (name == "in") return Op::In;
    if (name == "not") {
      skip_space();
      if (word("") == "in") return Op::NotIn;
    }
    at_ = start;
    return std::nullopt;
  }

  // `type` is empty when the left side is already known to be wrong: then the literal is only read over.
  bool literal(Test& test, std::optional<Type> type) {
    skip_space();
    const std::size_t start = at_;
    if (at_ == text_.size()) return fail("expected a value but found the end");
    if (text_[at_] == '"' || text_.substr(at_).starts_with("r\"") || text_.substr(at_).starts_with("r#")) {
      std::optional<std::string> value = text_[at_] == '"' ? quoted() : raw();
      if (!value) return false;
      if (type == Type::String) {
        string_value(test, std::move(*value), start);
      } else if (type) {
        mistake(start, name_ + " is compared with " + std::string(describe(*type)) + ", not with a string");
      }
      return true;
    }
    const std::string value = word(".:/-");
    if (value.empty()) return fail("expected a value but found " + here());
    if (!type) return true;
    switch (*type) {
      case Type::String:
        mistake(start, "expected a string in double quotes but found " + value);
        break;
      case Type::Int:
        int_value(test, value, start);
        break;
      case Type::Ip:
        ip_value(test, value, start);
        break;
    }
    return true;
  }

  void string_value(Test& test, std::string value, std::size_t start) {
    if (test.op != Op::Regex) {
      test.value = std::move(value);
    } else if (auto regex = regexes_.get(value, RegexDialect::Rust)) {
      test.value = std::move(*regex);
    } else {
      mistake(start, regex.error().what);
    }
  }

  void int_value(Test& test, std::string_view text, std::size_t start) {
    std::string_view digits = text;
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
      base = 16;
      digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.starts_with('0')) {
      base = 8;
      digits.remove_prefix(1);
    }
    std::uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (digits.empty() || end != digits.data() + digits.size() || error == std::errc::invalid_argument) {
      return mistake(start, "expected an integer but found " + std::string(text));
    }
    if (error != std::errc{} || magnitude > kMax + (negative ? 1 : 0)) {
      return mistake(start, "integer out of range: " + std::string(text));
    }
    test.value = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
  }

  void ip_value(Test& test, std::string_view text, std::size_t start) {
    if (test.op != Op::In && test.op != Op::NotIn) {
      const auto address = IpAddress::parse(text);
      if (!address) return mistake(start, "expected an IP address but found " + std::string(text));
      test.value = *address;
      return;
    }
    const auto range = text.find('/') == std::string_view::npos ? std::nullopt : exact_range(text);
    if (!range) return mistake(start, "expected an address range such as 10.0.0.0/8 but found " + std::string(text));
    test.value = *range;
  }

  // The language refuses `10.1.2.3/8`: bits behind the prefix must be zero.
  static std::optional<Cidr> exact_range(std::string_view text) {
    const auto address = IpAddress::parse(text.substr(0, text.find('/')));
    const auto range = Cidr::parse(text);
    return address && range && range->first() == *address ? std::optional(*range) : std::nullopt;
  }

  std::optional<std::string> quoted() {
    const std::size_t start = at_++;
    std::string value;
    for (; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        ++at_;
        return value;
      }
      if (text_[at_] != '\\') {
        value += text_[at_];
        continue;
      }
      const std::string_view known = "nrt\\\"";
      const auto which = ++at_ < text_.size() ? known.find(text_[at_]) : std::string_view::npos;
      if (which == std::string_view::npos) {
        --at_;
        syntax("unknown escape in a string; known are \\n \\r \\t \\\\ \\\"");
        return std::nullopt;
      }
      value += std::string_view("\n\r\t\\\"")[which];
    }
    at_ = start;
    syntax("string is not closed");
    return std::nullopt;
  }

  // r"..." or r#"..."#, with as many # as needed.
  std::optional<std::string> raw() {
    const std::size_t start = at_++;
    std::string close = "\"";
    while (at_ < text_.size() && text_[at_] == '#') {
      close += '#';
      ++at_;
    }
    const std::size_t from = at_ + 1;
    const std::size_t end = at_ < text_.size() && text_[at_] == '"' ? text_.find(close, from) : std::string_view::npos;
    if (end == std::string_view::npos) {
      at_ = start;
      syntax("raw string is not closed");
      return std::nullopt;
    }
    at_ = end + close.size();
    return std::string(text_.substr(from, end - from));
  }

  std::string word(std::string_view also) {
    const std::size_t start = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || also.find(text_[at_]) != std::string_view::npos)) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  bool take(std::string_view symbol) {
    skip_space();
    if (!text_.substr(at_).starts_with(symbol)) return false;
    at_ += symbol.size();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  [[nodiscard]] std::string here() const {
    if (at_ >= text_.size()) return "the end";
    return "'" + std::string(text_.substr(at_, 1)) + "'";
  }

  std::nullopt_t syntax(std::string message) {
    if (!std::exchange(stopped_, true)) mistake(at_, std::move(message));
    return std::nullopt;
  }
  bool fail(std::string message) {
    syntax(std::move(message));
    return false;
  }
  void mistake(std::size_t offset, std::string message) {
    const std::string_view before = text_.substr(0, offset);
    const auto line_start = before.rfind('\n');
    problems_.push_back({.line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1,
                         .column = line_start == std::string_view::npos ? offset + 1 : offset - line_start,
                         .message = std::move(message)});
  }

  std::string_view text_;
  Schema schema_;
  RegexCache& regexes_;
  std::size_t at_ = 0;
  bool stopped_ = false;
  std::string name_;  // of the field last read, for messages
  std::vector<Problem> problems_;
};

}  // namespace

std::string to_string(const Problem& problem) {
  return "line " + std::to_string(problem.line) + ", column " + std::to_string(problem.column) + ": " + problem.message;
}

std::expected<Expression, std::vector<Problem>> Expression::parse(std::string_view text, Schema schema,
                                                                  RegexCache& regexes) {
  if (text.size() > kMaxBytes) {
    return std::unexpected(std::vector{Problem{.message = "expression is longer than 64 KiB"}});
  }
  Parser parser(text, schema, regexes);
  if (auto root = parser.run()) return Expression(std::move(*root));
  return std::unexpected(std::move(parser).problems());
}

}  // namespace sluice::expr
