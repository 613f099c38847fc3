// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/route_checks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "expr/expression.h"
#include "expr/regex.h"

namespace sluice::gateway {
namespace {

bool is_stream(const Json::Object& route) {
  constexpr std::array<std::string_view, 4> kStream = {"tcp", "tls", "tls_passthrough", "udp"};
  const Json* protocols = route.find("protocols");
  return protocols != nullptr && protocols->is_array() && !protocols->as_array().empty() &&
         protocols->as_array().front().is_string() &&
         std::ranges::find(kStream, protocols->as_array().front().as_string()) != kStream.end();
}

}  // namespace

entity::RouteChecks route_checks(router::Flavor flavor) {
  const auto dialect = flavor == router::Flavor::Traditional ? expr::RegexDialect::Pcre : expr::RegexDialect::Rust;
  entity::RouteChecks checks;
  checks.regex = [dialect](std::string_view pattern) -> std::optional<std::string> {
    const auto regex = expr::Regex::compile(pattern, dialect);
    if (regex) return std::nullopt;
    return "invalid regex: '" + std::string(pattern) + "': " + regex.error().what;
  };
  checks.expression = [](const Json::Object& route) -> std::optional<std::string> {
    const Json* text = route.find("expression");
    if (text == nullptr || !text->is_string()) return std::nullopt;
    expr::RegexCache regexes;
    const auto parsed = expr::Expression::parse(text->as_string(),
                                                is_stream(route) ? expr::Schema::Stream : expr::Schema::Http, regexes);
    if (parsed) return std::nullopt;
    std::string what = "Router Expression failed validation: ";
    for (std::size_t i = 0; i < parsed.error().size(); ++i) {
      what.append(i == 0 ? "" : "; ").append(expr::to_string(parsed.error()[i]));
    }
    return what;
  };
  return checks;
}

}  // namespace sluice::gateway
