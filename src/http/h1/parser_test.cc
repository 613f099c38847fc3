// SPDX-License-Identifier: Apache-2.0
#include "http/h1/parser.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::http::h1 {
namespace {

using State = ParseOutcome::State;

struct Request {
  explicit Request(std::string_view bytes, const HeadLimits& limits = {}, std::size_t room = std::string::npos)
      : text(bytes.substr(0, room)), head(arena), outcome(parse_request(text, limits, head)) {}
  std::string text;
  Arena arena;
  RequestHead head;
  ParseOutcome outcome;
};

/// A request line with a Host below it.
std::string with_host(const std::string& line) {
  return line + "\r\nHost: a.test\r\n\r\n";
}
/// A POST with these lines below its Host.
std::string with_fields(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a.test\r\n" + fields + "\r\n";
}

int status_of(const std::string& text) {
  const Request request(text);
  return request.outcome.malformed() ? request.outcome.status : 0;
}

TEST(RequestParser, ReadsTheStartLineAndTheFields) {
  const Request request("GET /a/b?c=d HTTP/1.1\r\nHost: a.test:81\r\nX-Two: \t two words \r\nx-empty:\r\n\r\nrest");
  ASSERT_TRUE(request.outcome.complete());
  EXPECT_EQ(request.outcome.consumed, request.text.size() - 4);
  EXPECT_EQ(request.head.method, "GET");
  EXPECT_EQ(request.head.target, "/a/b?c=d");
  EXPECT_EQ(request.head.path, "/a/b");
  EXPECT_EQ(request.head.query, "c=d");
  EXPECT_EQ(request.head.authority, "a.test:81");
  EXPECT_EQ(request.head.version, Version::Http11);
  EXPECT_EQ(request.head.headers.get("x-two"), "two words");
  EXPECT_EQ(request.head.headers.get("X-Empty"), "");
  EXPECT_EQ(request.head.framing.kind, Framing::Kind::None);
}

TEST(RequestParser, TellsAnEmptyQueryFromNone) {
  EXPECT_TRUE(Request(with_host("GET /x? HTTP/1.1")).head.has_query);
  EXPECT_FALSE(Request(with_host("GET /x HTTP/1.1")).head.has_query);
}

TEST(RequestParser, SkipsOneEmptyLineBeforeTheRequest) {
  EXPECT_TRUE(Request("\r\n" + with_host("GET / HTTP/1.1")).outcome.complete());
  EXPECT_EQ(status_of("\r\n\r\n" + with_host("GET / HTTP/1.1")), 400);
}

TEST(RequestParser, IsIncompleteAtEveryOctetBeforeTheLast) {
  const std::string whole = "POST /path?q HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\n";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(Request(whole, {}, size).outcome.state, State::Incomplete) << size;
  }
  EXPECT_EQ(Request(whole).outcome.consumed, whole.size());
}

TEST(RequestParser, RefusesRequestLinesThatTwoReadersCouldReadDifferently) {
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           "GET\t/ HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "G(T / HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET /#f HTTP/1.1",
                           "GET /\x80 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET / http/1.1",
                           "GET / HTTP/1.10",
                           "GET / HTTP/11",
                           "GET / HTP/1.1",
                           "GET x HTTP/1.1",
                           "GET * HTTP/1.1",
                           "GET a.test:80 HTTP/1.1",
                           "GET ftp://a.test/ HTTP/1.1",
                           "GET http://u@a.test/ HTTP/1.1",
                           "GET http:/// HTTP/1.1",
                           "GET"}) {
    EXPECT_EQ(status_of(with_host(line)), 400) << line;
  }
  EXPECT_EQ(status_of("GET /\r\n\r\n"), 400) << "HTTP/0.9";
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: a.test\n\n"), 400) << "LF alone";
  EXPECT_EQ(status_of(std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)), 400) << "NUL";
}

TEST(RequestParser, NamesTheStatusForWhatItDoesNotOffer) {
  EXPECT_EQ(status_of(with_host("GET / HTTP/2.0")), 505);
  EXPECT_EQ(status_of(with_host("CONNECT a.test:443 HTTP/1.1")), 405);
  EXPECT_EQ(status_of(with_fields("Transfer-Encoding: gzip\r\n")), 501);
  EXPECT_EQ(status_of(std::string(40, 'M') + " / HTTP/1.1\r\n"), 501);
  EXPECT_EQ(status_of("GET /" + std::string(9000, 'a')), 414);
}

TEST(RequestParser, AcceptsHigherMinorVersionsAsItsOwn) {
  EXPECT_EQ(Request(with_host("GET / HTTP/1.2")).head.version, Version::Http11);
}

TEST(RequestParser, TakesTheAuthorityFromAnAbsoluteTarget) {
  const Request request(with_host("GET http://b.test:8080/x?y HTTP/1.1"));
  ASSERT_TRUE(request.outcome.complete());
  EXPECT_EQ(request.head.authority, "b.test:8080");
  EXPECT_EQ(request.head.path, "/x");
  EXPECT_EQ(Request(with_host("GET http://b.test HTTP/1.1")).head.path, "/");
}

TEST(RequestParser, TakesTheAsteriskForOptionsOnly) {
  EXPECT_EQ(Request(with_host("OPTIONS * HTTP/1.1")).head.path, "*");
}

TEST(RequestParser, DemandsOneHostButNotOfHttp10) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_TRUE(Request("GET / HTTP/1.0\r\n\r\n").outcome.complete());
}

TEST(RequestParser, JudgesTheHost) {
  for (const char* good : {"a", "a.test", "a.test:80", "a.test:", "127.0.0.1:1", "[::1]", "[::1]:65535", "a_b"}) {
    EXPECT_TRUE(is_valid_authority(good)) << good;
  }
  for (const char* bad :
       {"", "a/b", "a b", "u@a", "a:b", "a:65536", "a:1:2", "[::1", "[]", "[abcd]", "[::1]x", "a,b", ":80", "a\x01"}) {
    EXPECT_FALSE(is_valid_authority(bad)) << bad;
  }
}

TEST(RequestParser, RefusesFieldLinesThatTwoReadersCouldReadDifferently) {
  for (const char* line : {"X : y", " X: y", "X\r\n y: z", "NoColon", ": y", "X(: y", "X\x80: y", "X: a\x01",
                           "X: a\x7f", "X: a\rb", "X: a\nY: b"}) {
    EXPECT_EQ(status_of(with_fields(std::string(line) + "\r\n")), 400) << line;
  }
  EXPECT_EQ(status_of(with_fields("X: a\r\n folded\r\n")), 400);
  EXPECT_EQ(status_of(with_fields(std::string("X: a\0b\r\n", 8))), 400);
}

TEST(RequestParser, TakesObsoleteTextInValues) {
  EXPECT_EQ(Request(with_fields("X: caf\xe9\r\n")).head.headers.get("X"), "caf\xe9");
}

TEST(RequestParser, ReadsTheFraming) {
  const Request length(with_fields("Content-Length: 42\r\n"));
  EXPECT_EQ(length.head.framing.kind, Framing::Kind::Length);
  EXPECT_EQ(length.head.framing.length, 42U);
  EXPECT_EQ(Request(with_fields("transfer-encoding:\tCHUNKED\r\n")).head.framing.kind, Framing::Kind::Chunked);
}

TEST(RequestParser, RefusesFramingThatIsNotPlain) {
  for (const char* fields :
       {"Content-Length: +1", "Content-Length: -1", "Content-Length: 0x1", "Content-Length: 1.0",
        "Content-Length:", "Content-Length: 1 1", "Content-Length: 1,1", "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nContent-Length: 2", "Content-Length: 9223372036854775808",
        "Content-Length: 99999999999999999999", "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 1", "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding:"}) {
    EXPECT_EQ(status_of(with_fields(std::string(fields) + "\r\n")), 400) << fields;
  }
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestParser, LimitsTheHeadAndTheNumberOfFields) {
  const HeadLimits limits{.head_octets = 200, .target_octets = 100, .method_octets = 10, .fields = 3};
  EXPECT_EQ(Request("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(200, 'x'), limits).outcome.status, 431);
  EXPECT_EQ(Request("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits).outcome.status, 431);
  EXPECT_TRUE(Request("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n", limits).outcome.complete());
  EXPECT_EQ(Request("GET /" + std::string(100, 'a') + " HTTP/1.1\r\n", limits).outcome.status, 414);
}

struct Response {
  explicit Response(std::string_view bytes, std::string_view method = "GET")
      : text(bytes), head(arena), outcome(parse_response(text, {}, method, head)) {}
  std::string text;
  Arena arena;
  ResponseHead head;
  ParseOutcome outcome;
};

TEST(ResponseParser, ReadsTheStatusLine) {
  const Response response("HTTP/1.1 404 Not Here\r\nContent-Length: 3\r\n\r\n");
  ASSERT_TRUE(response.outcome.complete());
  EXPECT_EQ(response.head.status, 404);
  EXPECT_EQ(response.head.reason, "Not Here");
  EXPECT_EQ(response.head.framing.length, 3U);
  EXPECT_EQ(Response("HTTP/1.1 200\r\n\r\n").head.status, 200);
  EXPECT_EQ(Response("HTTP/1.1 200 \r\n\r\n").head.reason, "");
}

TEST(ResponseParser, DerivesTheFramingFromMethodStatusAndFields) {
  using Kind = Framing::Kind;
  EXPECT_EQ(Response("HTTP/1.1 200 OK\r\n\r\n").head.framing.kind, Kind::UntilClose);
  EXPECT_EQ(Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").head.framing.kind, Kind::Chunked);
  EXPECT_EQ(Response("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n").head.framing.kind, Kind::None);
  EXPECT_EQ(Response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").head.framing.kind, Kind::None);
  EXPECT_EQ(Response("HTTP/1.1 200 OK\r\n\r\n", "HEAD").head.framing.kind, Kind::None);
}

TEST(ResponseParser, BlamesTheUpstreamForWhatItCannotRead) {
  for (const char* text :
       {"HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n",
        "ICY 200 OK xx\r\n\r\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.0 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n"}) {
    EXPECT_EQ(Response(text).outcome.status, 502) << text;
  }
}

}  // namespace
}  // namespace sluice::http::h1
