// SPDX-License-Identifier: Apache-2.0
#include "http/h2/request_fields.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::http::h2 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Judged {
  Arena arena;
  RequestHead head{arena};
  h1::HeadLimits limits;
  Refusal refusal;

  explicit Judged(const Fields& fields, bool ends_stream = true) {
    RequestFields request(head, limits);
    for (const auto& [name, value] : fields) request.add(name, value);
    refusal = request.finish(ends_stream);
  }
};

Fields get(const Fields& more = {}, const std::string& path = "/a?b=c") {
  Fields fields{{":method", "GET"}, {":scheme", "https"}, {":authority", "example.test:8443"}, {":path", path}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

int status_of(const Fields& fields, bool ends_stream = true) {
  return Judged(fields, ends_stream).refusal.status;
}

TEST(RequestFields, FillTheHead) {
  Judged request(get({{"accept", "*/*"}}));
  ASSERT_FALSE(request.refusal) << request.refusal.why;
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.target, "/a?b=c");
  EXPECT_EQ(request.head.path, "/a");
  EXPECT_EQ(request.head.query, "b=c");
  EXPECT_TRUE(request.head.has_query);
  EXPECT_EQ(request.head.authority, "example.test:8443");
  EXPECT_EQ(request.head.version, Version::Http2);
  EXPECT_EQ(request.head.framing.kind, Framing::Kind::None);
  EXPECT_EQ(request.head.headers.get(Known::Accept), "*/*");
  EXPECT_EQ(request.head.headers.get(Known::Host), "example.test:8443");
}

TEST(RequestFields, DeriveTheFraming) {
  EXPECT_EQ(Judged(get(), false).head.framing.kind, Framing::Kind::Chunked);
  Judged announced(get({{"content-length", "5"}}), false);
  EXPECT_EQ(announced.head.framing.kind, Framing::Kind::Length);
  EXPECT_EQ(announced.head.framing.length, 5U);
  EXPECT_EQ(status_of(get({{"content-length", "5"}})), 400);
  EXPECT_EQ(status_of(get({{"content-length", "0"}})), 0);
  EXPECT_EQ(status_of(get({{"content-length", "+5"}}), false), 400);
  EXPECT_EQ(status_of(get({{"content-length", "5"}, {"content-length", "5"}}), false), 400);
}

TEST(RequestFields, JoinCookieCrumbs) {
  Judged request(get({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}, {"cookie", "c=3"}}));
  EXPECT_EQ(request.head.headers.get(Known::Cookie), "a=1; b=2; c=3");
  EXPECT_EQ(request.head.headers.count(Known::Cookie), 1U);
}

TEST(RequestFields, RefuseNamesThatHttp1WouldReadOtherwise) {
  for (const char* name : {"X-Upper", "a:b", "a b", "a\r\nb", "", "caf\xC3\xA9"}) {
    EXPECT_EQ(status_of(get({{name, "v"}})), 400) << name;
  }
  EXPECT_EQ(status_of(get({{std::string("a\0b", 3), "v"}})), 400);
}

TEST(RequestFields, RefuseValuesThatHttp1WouldReadOtherwise) {
  for (const char* value : {" a", "a ", "\ta", "a\t", "a\r\nb: c", "a\nb", "a\x7F"}) {
    EXPECT_EQ(status_of(get({{"x", value}})), 400) << value;
  }
  EXPECT_EQ(status_of(get({{"x", std::string("a\0b", 3)}})), 400);
  EXPECT_EQ(status_of(get({{"x", "a\tb c"}, {"y", ""}})), 0);
}

TEST(RequestFields, RefuseFieldsOfTheConnection) {
  for (const char* name :
       {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"}) {
    EXPECT_EQ(status_of(get({{name, "x"}})), 400) << name;
  }
  EXPECT_EQ(status_of(get({{"te", "gzip"}})), 400);
  EXPECT_EQ(status_of(get({{"te", "trailers"}})), 0);
}

TEST(RequestFields, DemandEachPseudoFieldOnceAndFirst) {
  for (std::size_t missing : {0U, 1U, 2U, 3U}) {
    Fields fields = get();
    fields.erase(fields.begin() + static_cast<std::ptrdiff_t>(missing));
    EXPECT_EQ(status_of(fields), 400) << missing;
    Fields repeated = get();
    repeated.push_back(repeated[missing]);
    EXPECT_EQ(status_of(repeated), 400) << missing;
  }
  EXPECT_EQ(status_of(get({{":status", "200"}})), 400);
  EXPECT_EQ(status_of(get({{":protocol", "websocket"}})), 400);
  EXPECT_EQ(status_of({{"x", "y"}, {":method", "GET"}, {":scheme", "https"}, {":authority", "a"}, {":path", "/"}}),
            400);
}

TEST(RequestFields, JudgePathMethodAndScheme) {
  for (const char* path : {"", "a", "http://a/", "/a b", "/a\r\nx", "/a#b", "*", "/\x80"})
    EXPECT_EQ(status_of(get({}, path)), 400) << path;
  EXPECT_EQ(status_of(get({}, "/" + std::string(9000, 'a'))), 414);
  Fields options = get({}, "*");
  options[0].second = "OPTIONS";
  EXPECT_EQ(status_of(options), 0);
  Fields connect = get();
  connect[0].second = "CONNECT";
  EXPECT_EQ(status_of(connect), 405);
  Fields split = get();
  split[0].second = "GET /admin";
  EXPECT_EQ(status_of(split), 400);
  Fields scheme = get();
  scheme[1].second = "https://evil.test/?";
  EXPECT_EQ(status_of(scheme), 400);
}

TEST(RequestFields, KnowOneAuthority) {
  EXPECT_EQ(status_of(get({{"host", "evil.test"}})), 400);
  EXPECT_EQ(status_of(get({{"host", "EXAMPLE.test:8443"}})), 0);
  EXPECT_EQ(status_of(get({{"host", "example.test:8443"}, {"host", "example.test:8443"}})), 400);
  Judged by_host({{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "a.test"}});
  EXPECT_FALSE(by_host.refusal);
  EXPECT_EQ(by_host.head.authority, "a.test");
  for (const char* authority : {"u@example.test", "a\r\nb", "a:99999", ""}) {
    Fields fields = get();
    fields[2].second = authority;
    EXPECT_EQ(status_of(fields), 400) << authority;
  }
}

TEST(RequestFields, LimitTheList) {
  Fields many = get();
  for (int i = 0; i < 200; ++i) many.emplace_back("a", "b");
  EXPECT_EQ(status_of(many), 431);
  EXPECT_EQ(status_of(get({{"a", std::string(33'000, 'a')}})), 431);
}

TEST(RequestFields, CallAHugeListAbusive) {
  Arena arena;
  RequestHead head(arena);
  h1::HeadLimits limits;
  RequestFields request(head, limits);
  for (int i = 0; i < 4; ++i) request.add("a", std::string(32'000, 'a'));
  EXPECT_FALSE(request.is_abusive());
  request.add("a", std::string(32'000, 'a'));
  EXPECT_TRUE(request.is_abusive());
}

TEST(Trailers, KeepOutWhatMeansTheMessage) {
  Arena arena;
  Headers trailers(arena);
  h1::HeadLimits limits;
  EXPECT_TRUE(add_trailer(trailers, "x-sum", "42", limits));
  EXPECT_TRUE(add_trailer(trailers, "content-length", "42", limits));
  EXPECT_TRUE(add_trailer(trailers, "host", "a", limits));
  EXPECT_FALSE(add_trailer(trailers, "transfer-encoding", "chunked", limits));
  EXPECT_FALSE(add_trailer(trailers, ":path", "/", limits));
  EXPECT_EQ(trailers.size(), 1U);
}

}  // namespace
}  // namespace sluice::http::h2
