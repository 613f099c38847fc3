// SPDX-License-Identifier: Apache-2.0
#include "plugins/grpc_gateway/path_template.h"

#include "base/strings.h"

namespace sluice::plugins::grpc {
namespace {

constexpr std::string_view kSegment = "[^/]+";
constexpr std::string_view kRest = ".+";

/// Literals and wildcards as a regular expression.
void append_pattern(std::string& out, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("**")) {
      out += kRest;
      ++i;
    } else if (text[i] == '*') {
      out += kSegment;
    } else {
      if (std::string_view(R"(\.+?()|[]{}^$)").find(text[i]) != std::string_view::npos) out += '\\';
      out += text[i];
    }
  }
}

}  // namespace

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
  PathTemplate made;
  std::string pattern = "^";
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    append_pattern(pattern, text.substr(0, open));
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return fail(Errc::Invalid, "path template without '}'");
    const std::string_view variable = text.substr(1, close - 1);
    const std::size_t equals = variable.find('=');
    made.fields_.emplace_back(variable.substr(0, equals));
    pattern += '(';
    append_pattern(pattern, equals == std::string_view::npos ? "*" : variable.substr(equals + 1));
    pattern += ')';
    text.remove_prefix(close + 1);
  }
  pattern += '$';
  TRY(made.pattern_, expr::Regex::compile(pattern, expr::RegexDialect::Rust));
  return made;
}

std::optional<std::vector<std::pair<std::string_view, std::string>>> PathTemplate::match(std::string_view path) const {
  const auto groups = pattern_->groups(path, expr::Anchor::Start);
  if (groups.empty()) return std::nullopt;
  std::vector<std::pair<std::string_view, std::string>> found;
  for (std::size_t i = 0; i < fields_.size() && i + 1 < groups.size(); ++i) {
    found.emplace_back(fields_[i], percent_decode_lenient(groups[i + 1]));
  }
  return found;
}

}  // namespace sluice::plugins::grpc
