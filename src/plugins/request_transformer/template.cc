// SPDX-License-Identifier: Apache-2.0
#include "plugins/request_transformer/template.h"

#include <cstddef>
#include <utility>

#include "base/strings.h"

namespace sluice::plugins {

namespace {

/// The position of the parenthesis that closes the one at `open`; npos when there is none.
std::size_t closing(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '(') ++depth;
    if (text[i] == ')' && --depth == 0) return i;
  }
  return std::string_view::npos;
}

void append_value(std::string& out, const TemplateValueView& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    out.append(*text);
  } else if (const auto* list = std::get_if<std::vector<std::string_view>>(&value)) {
    out.append(join(*list, ", "));
  } else if (const auto* flag = std::get_if<bool>(&value); flag != nullptr && *flag) {
    out.append("true");
  }
}

}  // namespace

Result<Template> Template::parse(std::string_view text) {
  Template made;
  while (!text.empty()) {
    std::size_t begin = text.find("$(");
    std::size_t end = begin == text.npos ? text.npos : closing(text, begin + 1);
    if (end == text.npos) begin = text.size();
    if (begin > 0) made.pieces_.emplace_back(std::string(text.substr(0, begin)));
    if (begin == text.size()) break;
    TRY(Expression expression, Expression::parse(text.substr(begin + 2, end - begin - 2)));
    made.pieces_.emplace_back(std::move(expression));
    text.remove_prefix(end + 1);
  }
  return made;
}

Template Template::compile(std::string_view text) {
  auto parsed = parse(text);
  if (parsed) return std::move(*parsed);
  Template refused;
  refused.refused_ = std::move(parsed.error().what);
  return refused;
}

Result<std::string_view> Template::render(TemplateEnvironment& environment, Arena& arena) const {
  if (!refused_.empty()) return fail(Errc::Unsupported, refused_);
  if (pieces_.empty()) return std::string_view();
  if (const auto* only = std::get_if<std::string>(pieces_.data()); only != nullptr && pieces_.size() == 1) return *only;
  std::string text;
  for (const auto& piece : pieces_) {
    if (const auto* literal = std::get_if<std::string>(&piece)) {
      text.append(*literal);
      continue;
    }
    TRY(TemplateValueView value, std::get<Expression>(piece).evaluate(environment, arena));
    append_value(text, value);
  }
  return arena.copy(text);
}

}  // namespace sluice::plugins
