// SPDX-License-Identifier: Apache-2.0
#include "cli/environment.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/strings.h"

namespace sluice::cli {
namespace {

constexpr std::string_view kOpen = "${{";
constexpr std::string_view kClose = "}}";

/// The words of an expression; a quoted one loses its quotes, be they escaped (inside a JSON string) or not.
Result<std::vector<std::string>> words_of(std::string_view expression) {
  std::vector<std::string> words;
  for (std::string_view rest = trim(expression); !rest.empty(); rest = trim(rest)) {
    if (rest.starts_with('\\')) rest.remove_prefix(1);
    const char quote = rest.front();
    if (quote == '"' || quote == '\'' || quote == '`') {
      const std::size_t end = rest.find(quote, 1);
      if (end == rest.npos) return fail(Errc::Invalid, "a quotation mark is not closed");
      std::string_view word = rest.substr(1, end - 1);
      if (word.ends_with('\\')) word.remove_suffix(1);
      words.emplace_back(word);
      rest.remove_prefix(end + 1);
    } else if (quote == '|') {
      words.emplace_back("|");
      rest.remove_prefix(1);
    } else {
      const std::size_t end = std::min(rest.find_first_of(" \t|"), rest.size());
      words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
  }
  return words;
}

Result<std::string> to_bool(const std::string& value) {
  constexpr std::array<std::string_view, 6> kTrue = {"1", "t", "T", "TRUE", "true", "True"};
  constexpr std::array<std::string_view, 6> kFalse = {"0", "f", "F", "FALSE", "false", "False"};
  if (std::ranges::find(kTrue, value) != kTrue.end()) return "true";
  if (std::ranges::find(kFalse, value) != kFalse.end()) return "false";
  return fail(Errc::Invalid, "its value is not a boolean");
}

Result<std::string> indented(const std::string& value, const std::string& count) {
  TRY(const auto blanks, parse_int<std::uint16_t>(count));
  std::string text;
  for (std::string_view line : split(value, '\n')) {
    if (!text.empty()) text += '\n';
    text.append(blanks, ' ').append(line);
  }
  return text;
}

/// One expression and what it gives.
class Expression {
 public:
  Expression(const Environment& environment, Variables variables, std::vector<std::string>& values)
      : environment_(environment), variables_(variables), values_(values) {}

  Result<std::string> evaluate(std::string_view text) {
    TRY(const auto words, words_of(text));
    if (words.size() < 2 || words[0] != "env") return fail(Errc::Invalid, "expected: env \"DECK_NAME\"");
    const std::string& name = words[1];
    if (!name.starts_with("DECK_") && !name.starts_with("SLUICE_")) {
      return fail(Errc::Invalid, "environment variable " + name + ": names must start with DECK_ or SLUICE_");
    }
    std::string value = name;
    if (variables_ == Variables::Required) {
      auto found = environment_(name);
      if (!found) return fail(Errc::NotFound, "environment variable " + name + " is not set");
      value = *std::move(found);
      if (!value.empty()) values_.push_back(value);
    }
    for (std::size_t i = 2; i < words.size();) {
      if (words[i] != "|" || i + 1 == words.size()) return fail(Errc::Invalid, "expected a pipe before " + words[i]);
      const std::string& function = words[i + 1];
      const bool has_argument = i + 2 < words.size() && words[i + 2] != "|";
      auto piped = apply(function, has_argument ? words[i + 2] : std::string(), value);
      if (!piped) return fail("environment variable " + name + ": ", piped.error());
      value = *std::move(piped);
      i += has_argument ? 3 : 2;
    }
    return value;
  }

 private:
  Result<std::string> apply(const std::string& function, const std::string& argument, const std::string& value) const {
    const bool mocked = variables_ == Variables::Mocked;
    if (function == "indent") return indented(value, argument);
    if (function == "toBool") return mocked ? "false" : to_bool(value);
    if (function == "toInt") {
      if (mocked) return "42";
      TRY(const auto number, parse_int<std::int64_t>(value));
      return std::to_string(number);
    }
    if (function == "toFloat") {
      if (mocked) return "42";
      TRY(parse_double(value));
      return value;
    }
    return fail(Errc::Invalid, "unknown function " + function + "; there are toBool, toInt, toFloat and indent");
  }

  const Environment& environment_;
  Variables variables_;
  std::vector<std::string>& values_;
};

bool in_comment(std::string_view text, std::size_t at) {
  const std::size_t newline = text.rfind('\n', at);
  return trim(text.substr(newline == text.npos ? 0 : newline + 1)).starts_with('#');
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
}

Result<Substituted> substitute_environment(std::string_view text, const Environment& environment, Variables variables) {
  Substituted result;
  Expression expression(environment, variables, result.values);
  std::size_t done = 0;
  for (std::size_t at = text.find(kOpen); at != text.npos; at = text.find(kOpen, at)) {
    if (in_comment(text, at)) {
      at += kOpen.size();
      continue;
    }
    const auto line = [&] { return "line " + std::to_string(std::ranges::count(text.substr(0, at), '\n') + 1) + ": "; };
    const std::size_t end = text.find(kClose, at);
    if (end == text.npos) return fail(Errc::Invalid, line() + "${{ without }}");
    auto value = expression.evaluate(text.substr(at + kOpen.size(), end - at - kOpen.size()));
    if (!value) return fail(line(), value.error());
    result.text.append(text.substr(done, at - done)).append(*value);
    done = at = end + kClose.size();
  }
  result.text.append(text.substr(done));
  return result;
}

}  // namespace sluice::cli
