// SPDX-License-Identifier: Apache-2.0
#include "http/h2/written_fields.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::http::h2 {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::string text(const std::uint8_t* octets, std::size_t size) {
  return {reinterpret_cast<const char*>(octets), size};
}

std::vector<std::pair<std::string, std::string>> lines(std::span<const nghttp2_nv> fields) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const nghttp2_nv& field : fields)
    all.emplace_back(text(field.name, field.namelen), text(field.value, field.valuelen));
  return all;
}

bool is_indexed(std::span<const nghttp2_nv> fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const nghttp2_nv& field) { return text(field.name, field.namelen) == name; });
  return found != fields.end() && (found->flags & NGHTTP2_NV_FLAG_NO_INDEX) == 0;
}

class Http2WrittenFields : public testing::Test {
 protected:
  Arena arena;
  ResponseHead response{arena};
  RequestHead request{arena};
};

TEST_F(Http2WrittenFields, HaveNamesInLowerCase) {
  response.status = 200;
  response.headers.add("Content-Type", "Text/Plain");
  response.headers.add("X-Own", "A");
  response.headers.add("plain", "b");
  EXPECT_THAT(lines(response_fields(arena, response, {Framing::Kind::Length, 3})),
              ElementsAre(Pair(":status", "200"), Pair("content-type", "Text/Plain"), Pair("x-own", "A"),
                          Pair("plain", "b"), Pair("content-length", "3")));
}

TEST_F(Http2WrittenFields, LeaveOutWhatIsOfHttp1AndNamesThatAreNone) {
  response.status = 204;
  response.headers.add("Connection", "close");
  response.headers.add("Keep-Alive", "timeout=5");
  response.headers.add("no name", "x");
  response.headers.add("", "x");
  EXPECT_THAT(lines(response_fields(arena, response, {})), ElementsAre(Pair(":status", "204")));
}

TEST_F(Http2WrittenFields, TrimValues) {
  request.headers.add("x", " \ta b ");
  EXPECT_THAT(lines(trailer_fields(arena, request.headers)), ElementsAre(Pair("x", "a b")));
}

TEST_F(Http2WrittenFields, OfARequestBeginWithItsPseudoHeaderFields) {
  request.method = "POST";
  request.target = "/a?b";
  request.authority = "host.test";
  request.headers.add("Host", "other.test");
  request.headers.add("TE", "trailers, deflate");
  EXPECT_THAT(lines(request_fields(arena, request, "https")),
              ElementsAre(Pair(":method", "POST"), Pair(":scheme", "https"), Pair(":authority", "host.test"),
                          Pair(":path", "/a?b"), Pair("te", "trailers")));
}

TEST_F(Http2WrittenFields, AreNotForTheTableOfThePeerWhenTheyNeverComeAgain) {
  response.headers.add("X-Kong-Request-Id", "0123");
  response.headers.add("X-Kong-Upstream-Latency", "17");
  response.headers.add("Traceparent", "00-1-2-3");
  response.headers.add("X-Consumer-Id", "4567");
  response.headers.add("Server", "x");
  const auto fields = response_fields(arena, response, {});
  EXPECT_FALSE(is_indexed(fields, "x-kong-request-id"));
  EXPECT_FALSE(is_indexed(fields, "x-kong-upstream-latency"));
  EXPECT_FALSE(is_indexed(fields, "traceparent"));
  EXPECT_TRUE(is_indexed(fields, "x-consumer-id"));
  EXPECT_TRUE(is_indexed(fields, "server"));
}

}  // namespace
}  // namespace sluice::http::h2
