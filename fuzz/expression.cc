// SPDX-License-Identifier: Apache-2.0
#include "expr/expression.h"

#include <array>
#include <string>
#include <utility>

#include "base/ip.h"
#include "input.h"

namespace {

using namespace sluice;

class TwoFields final : public expr::HeaderSource {
 public:
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override {
    if (name == "a" && nth < 2) return nth == 0 ? "one" : "two";
    return std::nullopt;
  }
};

}  // namespace

/// The first octet chooses the schema, the rest up to a zero octet is the expression, and what follows is the path of
/// the request that it is asked about.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const auto schema = fuzz::choose(input, 4) == 0 ? expr::Schema::Stream : expr::Schema::Http;
  const std::size_t zero = input.find('\0');
  const std::string text(input.substr(0, zero));
  const std::string path = "/" + std::string(zero == std::string_view::npos ? "a/b" : input.substr(zero + 1));

  expr::RegexCache regexes;
  auto parsed = expr::Expression::parse(text, schema, regexes);
  if (!parsed) {
    fuzz::expect(!parsed.error().empty(), "says why");
    for (const expr::Problem& problem : parsed.error()) {
      fuzz::expect(problem.line >= 1 && problem.column >= 1 && !problem.message.empty(), "says where");
    }
    return 0;
  }
  const TwoFields fields;
  expr::Input request;
  request.method = "GET";
  request.host = "example.test";
  request.path = path;
  request.query = "a=1&b=%41&b=2&c";
  request.src_ip = *IpAddress::parse("10.1.2.3");
  request.dst_ip = *IpAddress::parse("::1");
  request.src_port = 1234;
  request.dst_port = 443;
  request.headers = &fields;
  expr::PathMatch match;
  const bool holds = parsed->matches(request, &match);
  fuzz::expect(holds == parsed->matches(request), "the same with and without the path");
  if (holds) fuzz::expect(match.length <= path.size(), "matches no more than there is");
  return 0;
}
