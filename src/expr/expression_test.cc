// SPDX-License-Identifier: Apache-2.0
#include "expr/expression.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "expr/requirements.h"

namespace sluice::expr {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Headers final : public HeaderSource {
 public:
  std::multimap<std::string, std::string> values;  // by name as sent
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name, std::size_t nth) const override {
    for (const auto& [sent, text] : values) {
      if (names_header(sent, name) && nth-- == 0) return text;
    }
    return std::nullopt;
  }
};

struct Request {
  Headers headers;
  Input input;
  Request() {
    headers.values = {{"X-Env", "Prod"}, {"X-Env", "Blue"}, {"X-One", "v1"}};
    input = {.protocol = Protocol::Https,
             .method = "GET",
             .host = "api.example.com",
             .path = "/v1/users/42",
             .query = "a=1&b=x%20y&a=2&flag",
             .sni = "api.example.com",
             .src_ip = *IpAddress::parse("10.1.2.3"),
             .dst_ip = *IpAddress::parse("::1"),
             .src_port = 40000,
             .dst_port = 8443,
             .headers = &headers};
  }
};

bool holds(std::string_view text, PathMatch* path = nullptr) {
  RegexCache cache;
  auto expression = Expression::parse(text, Schema::Http, cache);
  if (!expression) {
    ADD_FAILURE() << text << ": " << to_string(expression.error().front());
    return false;
  }
  const Request request;
  return expression->matches(request.input, path);
}

std::vector<std::string> problems(std::string_view text, Schema schema = Schema::Http) {
  RegexCache cache;
  auto expression = Expression::parse(text, schema, cache);
  std::vector<std::string> result;
  if (expression) return result;
  for (const auto& problem : expression.error()) result.push_back(to_string(problem));
  return result;
}

TEST(Expression, EvaluatesEveryOperator) {
  const std::map<std::string, bool> rows = {
      {R"(http.path == "/v1/users/42")", true},
      {R"(http.path != "/v1/users/42")", false},
      {R"(http.path ^= "/v1")", true},
      {R"(http.path =^ "/42")", true},
      {R"(http.path contains "users")", true},
      {R"(http.path ~ "^/v\\d/")", true},
      {R"(http.path ~ r#"^/v\d+/users/\d+$"#)", true},
      {R"(http.path ~ r"^/w")", false},
      {R"(net.dst.port == 8443)", true},
      {R"(net.port == 0x20FB)", true},
      {R"(net.dst.port == 020373)", true},
      {R"(net.dst.port != 80)", true},
      {R"(net.dst.port > 8443)", false},
      {R"(net.dst.port >= 8443)", true},
      {R"(net.dst.port < 8444)", true},
      {R"(net.dst.port <= -1)", false},
      {R"(net.src.ip == 10.1.2.3)", true},
      {R"(net.src.ip != 10.1.2.3)", false},
      {R"(net.src.ip in 10.0.0.0/8)", true},
      {R"(net.src.ip not in 10.0.0.0/8)", false},
      {R"(net.dst.ip == ::1)", true},
      {R"(net.dst.ip in 10.0.0.0/8)", false},
      {R"(net.protocol == "https")", true},
      {R"(tls.sni =^ ".example.com")", true},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(holds(text), expected) << text;
}

TEST(Expression, BindsAndTighterThanOr) {
  EXPECT_TRUE(holds(R"(http.method == "GET" || http.method == "PUT" && http.host == "no")"));
  EXPECT_FALSE(holds(R"((http.method == "GET" || http.method == "PUT") && http.host == "no")"));
  EXPECT_TRUE(holds(R"(!(http.method == "PUT") && !(http.host == "no"))"));
}

TEST(Expression, AsksEveryValueUnlessAnyIsSaid) {
  EXPECT_FALSE(holds(R"(http.headers.x_env == "Prod")"));
  EXPECT_TRUE(holds(R"(any(http.headers.x_env) == "Prod")"));
  EXPECT_TRUE(holds(R"(any(lower(http.headers.x_env)) == "blue")"));
  EXPECT_TRUE(holds(R"(lower(any(http.headers.x_env)) ~ "^bl")"));
  EXPECT_TRUE(holds(R"(http.headers.x_one == "v1")"));
  EXPECT_TRUE(holds(R"(any(http.queries.a) == "2")"));
  EXPECT_FALSE(holds(R"(http.queries.a == "2")"));
  EXPECT_TRUE(holds(R"(http.queries.b == "x y")"));
  EXPECT_TRUE(holds(R"(http.queries.flag == "")"));
}

TEST(Expression, AnAbsentFieldFailsEveryTest) {
  EXPECT_FALSE(holds(R"(http.headers.missing == "x")"));
  EXPECT_FALSE(holds(R"(http.headers.missing != "x")"));
  EXPECT_FALSE(holds(R"(any(http.queries.missing) != "x")"));
  EXPECT_TRUE(holds(R"(!(http.headers.missing == "x"))"));
  EXPECT_FALSE(holds(R"(http.path.segments.3 != "x")"));
}

TEST(Expression, ReadsPathSegments) {
  EXPECT_TRUE(holds(R"(http.path.segments.0 == "v1")"));
  EXPECT_TRUE(holds(R"(http.path.segments.1_2 == "users/42")"));
  EXPECT_TRUE(holds(R"(http.path.segments.len == 3)"));
  EXPECT_FALSE(holds(R"(http.path.segments.2_3 == "42")"));
}

TEST(PathSegments, IgnoreOneOuterSlash) {
  EXPECT_EQ(count_path_segments("/"), 0U);
  EXPECT_EQ(count_path_segments("/a/b/"), 2U);
  EXPECT_EQ(path_segments("/a/b/", 1, 1), "b");
  EXPECT_EQ(path_segments("/", 0, 0), std::nullopt);
}

TEST(Expression, TellsHowMuchOfThePathMatched) {
  PathMatch path;
  EXPECT_TRUE(holds(R"(http.path ^= "/v1")", &path));
  EXPECT_EQ(path.length, 3U);
  EXPECT_EQ(path.regex, nullptr);
  EXPECT_TRUE(holds(R"(http.path ~ r"^/v\d")", &path));
  EXPECT_EQ(path.length, 3U);
  EXPECT_TRUE(holds(R"(http.path == "/v1/users/42")", &path));
  EXPECT_EQ(path.length, 0U);
}

TEST(Expression, ForgetsAPathMatchOfABranchThatFailed) {
  PathMatch path;
  EXPECT_TRUE(holds(R"((http.path ^= "/v1" && http.method == "PUT") || http.method == "GET")", &path));
  EXPECT_EQ(path.length, 0U);
  EXPECT_TRUE(holds(R"((http.path ^= "/v1/users" && http.method == "PUT") || http.path ^= "/v1")", &path));
  EXPECT_EQ(path.length, 3U);
}

TEST(Expression, ReportsMistakesOfMeaningAllAtOnce) {
  EXPECT_THAT(problems("http.foo == \"x\" &&\n net.dst.port == \"80\" || net.src.ip ^= \"1\""),
              ElementsAre("line 1, column 1: unknown field http.foo",
                          "line 2, column 18: net.dst.port is compared with an integer, not with a string",
                          "line 2, column 37: operator ^= does not apply to net.src.ip, which is an IP address"));
}

TEST(Expression, ReportsWhereTheGrammarBreaks) {
  const std::map<std::string, std::string> rows = {
      {"", "line 1, column 1: expected a field but found the end"},
      {"http.path", "line 1, column 10: expected an operator but found the end"},
      {"http.path ==", "line 1, column 13: expected a value but found the end"},
      {R"(http.path == "a" &&)", "expected a field but found the end"},
      {R"(http.path == "a" http.host == "b")", "line 1, column 18: expected && or || or the end, not 'h'"},
      {R"((http.path == "a")", "expected ) but found the end"},
      {R"(!http.path == "a")", "! applies to a group only"},
      {R"(http.path == "a)", "line 1, column 14: string is not closed"},
      {R"(http.path == r#"a")", "raw string is not closed"},
      {R"(http.path == "\d")", "unknown escape"},
      {R"(http.path == a)", "expected a string in double quotes but found a"},
      {R"(http.path in "a")", "operator in does not apply to http.path"},
      {R"(lower(net.dst.port) == 1)", "lower() takes a string"},
      {R"(upper(http.path) == "A")", "unknown function upper()"},
      {R"(net.dst.port == 99999999999999999999)", "integer out of range"},
      {R"(net.dst.port == 12ab)", "expected an integer but found 12ab"},
      {R"(net.src.ip in 10.1.2.3/8)", "expected an address range"},
      {R"(net.src.ip in 10.1.2.3)", "expected an address range"},
      {R"(net.src.ip == 10.1.2)", "expected an IP address but found 10.1.2"},
      {"http.path ~ \"(?=a)\"", "look-ahead is not supported"},
      {R"(http.path.segments.2_1 == "a")", "unknown field http.path.segments.2_1"},
  };
  for (const auto& [text, expected] : rows) {
    const auto found = problems(text);
    ASSERT_EQ(found.size(), 1U) << text;
    EXPECT_THAT(found.front(), HasSubstr(expected)) << text;
  }
}

TEST(Expression, StreamSessionsHaveNoHttpFields) {
  EXPECT_THAT(problems(R"(http.path == "a")", Schema::Stream), ElementsAre(HasSubstr("unknown field http.path")));
  EXPECT_THAT(problems(R"(tls.sni == "a" && net.dst.port == 1)", Schema::Stream), ElementsAre());
}

TEST(Expression, BoundsItsNesting) {
  const std::string deep = std::string(5000, '(') + R"(http.path == "a")" + std::string(5000, ')');
  EXPECT_THAT(problems(deep), ElementsAre(HasSubstr("nested too deeply")));
}

Requirements required(std::string_view text) {
  RegexCache cache;
  return requirements_of(*Expression::parse(text, Schema::Http, cache), Field::HttpHost);
}

TEST(Requirements, FollowConjunctionsAndAlternatives) {
  using Kind = NamePattern::Kind;
  const auto both = required(R"(http.path ^= "/a" && http.host == "h" && http.method == "GET")");
  EXPECT_EQ(both.path_prefixes, std::vector<std::string>{"/a"});
  EXPECT_EQ(both.names, (std::vector<NamePattern>{{Kind::Exact, "h"}}));
  const auto either = required(R"(http.path ^= "/a" && http.host == "h" || http.path == "/b")");
  EXPECT_EQ(either.path_prefixes, (std::vector<std::string>{"/a", "/b"}));
  EXPECT_EQ(either.names, std::nullopt);
}

TEST(Requirements, CompareHeaderValuesWithoutCase) {
  EXPECT_EQ(required(R"(http.headers.x_a == "Prod" && http.method == "GET")").header_values,
            (std::vector<HeaderValue>{{"x_a", "prod"}}));
  EXPECT_EQ(required(R"(any(lower(http.headers.x_a)) == "a" || http.headers.x_b == "b")").header_values,
            (std::vector<HeaderValue>{{"x_a", "a"}, {"x_b", "b"}}));
  EXPECT_EQ(required(R"(http.headers.x_a != "a")").header_values, std::nullopt);
}

TEST(Requirements, PreferTheMoreTellingOfTwo) {
  EXPECT_EQ(required(R"(http.path ^= "/" && http.path ~ "^/api/v1/x+")").path_prefixes,
            std::vector<std::string>{"/api/v1/x"});
}

TEST(Requirements, ClaimNothingWhereNothingIsCertain) {
  EXPECT_EQ(required(R"(!(http.path ^= "/a"))").path_prefixes, std::nullopt);
  EXPECT_EQ(required(R"(lower(http.path) ^= "/a")").path_prefixes, std::nullopt);
  EXPECT_EQ(required(R"(http.host =^ "example.com")").names, std::nullopt);
  EXPECT_EQ(required(R"(http.path ~ "/a")").path_prefixes, std::vector<std::string>{""});
}

}  // namespace
}  // namespace sluice::expr
