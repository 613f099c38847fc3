// SPDX-License-Identifier: Apache-2.0
#include "schema/rule.h"

#include "schema/address.h"

namespace sluice::schema {
namespace {

/// What the rule says about a value; empty when it has nothing against it.
std::string said(const Rule& rule, const Json& value) {
  return rule.check(value).value_or("");
}

TEST(Rules, WordRefusalsAsKongDoes) {
  EXPECT_EQ(said(one_of({"a", "b"}), "c"), "expected one of: a, b");
  EXPECT_EQ(said(one_of(Json::Array{426, 301}), 200), "expected one of: 426, 301");
  EXPECT_EQ(said(not_one_of({"a"}), "a"), "must not be one of: a");
  EXPECT_EQ(said(greater_than(0), 0), "value must be greater than 0");
  EXPECT_EQ(said(between(1, 5), 6), "value should be between 1 and 5");
  EXPECT_EQ(said(equal_to("x"), "y"), "value must be x");
  EXPECT_EQ(said(not_equal_to(true), true), "value must not be true");
  EXPECT_EQ(said(len_eq(2), "a"), "length must be 2");
  EXPECT_EQ(said(len_min(2), "a"), "length must be at least 2");
  EXPECT_EQ(said(len_max(1), Json::Array{1, 2}), "length must be at most 1");
  EXPECT_EQ(said(starts_with("/"), "x"), "should start with: /");
  EXPECT_EQ(said(contains("a"), Json::Array{"b"}), "expected to contain: a");
  EXPECT_EQ(said(uuid(), "x"), "expected a valid UUID");
  EXPECT_EQ(said(timestamp(), 0), "expected a valid timestamp");
  EXPECT_EQ(said(http_method(), "get"), "invalid value: get");
  EXPECT_EQ(said(is_regex(), "a("), "not a valid regex: a(");
}

TEST(Rules, LookAtNullOnlyWhenTheyAreAboutIt) {
  EXPECT_EQ(said(one_of({"a"}), nullptr), "");
  EXPECT_EQ(said(must_be_null(), nullptr), "");
  EXPECT_EQ(said(must_be_null(), "x"), "value must be null");
  EXPECT_EQ(said(required(), nullptr), "required field missing");
}

TEST(Rules, TakeAnotherMessage) {
  EXPECT_EQ(said(one_of({"a"}).err("no"), "b"), "no");
}

TEST(Rules, AcceptNamedGroupsInRegularExpressions) {
  EXPECT_EQ(said(is_regex(), "(?<year>\\d+)-(?P<month>\\d+)"), "");
  EXPECT_EQ(said(is_regex(), "(?<=a)b"), "not a valid regex: (?<=a)b");
}

TEST(Rules, CheckPaths) {
  EXPECT_EQ(said(path(), "/a/b%20c"), "");
  EXPECT_EQ(said(path(), "a"), "should start with: /");
  EXPECT_EQ(said(path(), "/a//b"), "must not have empty segments");
  EXPECT_EQ(said(path(), "/a b"), "invalid path: '/a b' (characters outside of the reserved list of RFC 3986 found)");
  EXPECT_EQ(said(path(), "/a%2"), "invalid url-encoded value: '%2'");
}

TEST(Rules, CheckUrls) {
  EXPECT_EQ(said(url(), "http://h:1/x?y"), "");
  EXPECT_EQ(said(url(), "h/x"), "missing host in url");
  EXPECT_EQ(said(url(), "http:///x"), "missing host in url");
}

TEST(Rules, CheckHosts) {
  EXPECT_EQ(said(host(), "my_upstream"), "");
  EXPECT_EQ(said(host(), "[::1]"), "");
  EXPECT_EQ(said(host(), "a:80"), "must not have a port");
  EXPECT_EQ(said(host(), "a b"), "invalid value: a b");
  EXPECT_EQ(said(host(), "300.1.1.1"), "invalid value: 300.1.1.1");
}

TEST(Rules, CheckWildcards) {
  EXPECT_EQ(said(wildcard_host(), "*.example.com:8443"), "");
  EXPECT_EQ(said(wildcard_host(), "example.*"), "");
  EXPECT_EQ(said(wildcard_host(), "a.*.b"), "wildcard must be leftmost or rightmost character");
  EXPECT_EQ(said(wildcard_host(), "*.a.*"), "only one wildcard must be specified");
  EXPECT_EQ(said(wildcard_sni(), "*"), "");
  EXPECT_EQ(said(sni(), "10.0.0.1"), "must not be an IP");
}

TEST(Rules, CheckAddresses) {
  EXPECT_EQ(said(ip_or_cidr(), "10.0.0.0/8"), "");
  EXPECT_EQ(said(ip_or_cidr(), "::1"), "");
  EXPECT_EQ(said(ip_or_cidr(), "10.0.0.0/33"), "invalid ip or cidr range: '10.0.0.0/33'");
  EXPECT_EQ(said(ip(), "x"), "not an ip address: x");
}

TEST(Rules, CheckNamesAndTags) {
  EXPECT_EQ(said(utf8_name(), "grün-1_~."), "");
  EXPECT_EQ(said(utf8_name(), "a b"),
            "invalid value 'a b': the only accepted ascii characters are alphanumerics or ., -, _, and ~");
  EXPECT_EQ(said(tag(), "a b"), "");
  EXPECT_THAT(said(tag(), "a,b"), ::testing::StartsWith("invalid tag 'a,b'"));
  EXPECT_EQ(said(header_name(), "X-A_1"), "");
  EXPECT_EQ(said(header_name(), "x:y"), "bad header name 'x:y', allowed characters are A-Z, a-z, 0-9, '_', and '-'");
}

TEST(Rules, KnowSecretReferences) {
  EXPECT_TRUE(is_reference("{vault://env/my-secret}"));
  EXPECT_TRUE(is_reference("{vault://aws/db/password?ttl=5#2}"));
  EXPECT_FALSE(is_reference("{vault://env}"));
  EXPECT_FALSE(is_reference("x{vault://env/a}"));
}

TEST(Addresses, AreTakenApart) {
  const auto parsed = parse_host("Example.com:80");
  ASSERT_TRUE(parsed.value.has_value());
  EXPECT_EQ(parsed.value->host, "example.com");
  EXPECT_EQ(parsed.value->port, 80);
  EXPECT_EQ(parse_host("[::1]:1").value->kind, HostKind::Ipv6);
  EXPECT_EQ(parse_host("a:99999").problem, HostProblem::Port);
}

}  // namespace
}  // namespace sluice::schema
