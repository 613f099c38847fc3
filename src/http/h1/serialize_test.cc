// SPDX-License-Identifier: Apache-2.0
#include "http/h1/serialize.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace sluice::http::h1 {
namespace {

class SerializeTest : public testing::Test {
 protected:
  std::string request() {
    HeadWriter writer(buffer.data(), buffer.size());
    write_request_head(writer, request_head);
    return std::string(writer.written());
  }
  std::string response(Framing framing, Persistence persistence = Persistence::KeepAlive) {
    HeadWriter writer(buffer.data(), buffer.size());
    write_response_head(writer, response_head, framing, persistence);
    return std::string(writer.written());
  }
  std::array<char, 1024> buffer{};
  Arena arena;
  RequestHead request_head{arena};
  ResponseHead response_head{arena};
};

TEST_F(SerializeTest, WritesARequestWithTheFramingOfTheHeadAlone) {
  request_head.method = "POST";
  request_head.target = "/x?y";
  request_head.authority = "a.test";
  request_head.framing = {Framing::Kind::Length, 12};
  request_head.headers.add("Content-Length", "99");
  request_head.headers.add("Transfer-Encoding", "chunked");
  request_head.headers.add("Host", "other");
  request_head.headers.add("Connection", "close");
  request_head.headers.add("X-A", "1");
  EXPECT_EQ(request(), "POST /x?y HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nContent-Length: 12\r\n\r\n");
  request_head.framing = {Framing::Kind::Chunked, 0};
  EXPECT_EQ(request(), "POST /x?y HTTP/1.1\r\nHost: a.test\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_F(SerializeTest, AnnouncesAnUpgradeInConnection) {
  request_head.method = "GET";
  request_head.target = "/";
  request_head.authority = "a.test";
  request_head.headers.add("Upgrade", "websocket");
  EXPECT_EQ(request(), "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

TEST_F(SerializeTest, WritesAResponseWithItsPersistence) {
  response_head.status = 200;
  response_head.headers.add("Connection", "X-Foo");
  EXPECT_EQ(response({Framing::Kind::Length, 5}),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(response({}, Persistence::Close), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST_F(SerializeTest, KeepsTheReasonOfTheUpstream) {
  response_head.status = 299;
  EXPECT_TRUE(response({}).starts_with("HTTP/1.1 299 Unknown\r\n"));
  response_head.reason = "Fine";
  EXPECT_TRUE(response({}).starts_with("HTTP/1.1 299 Fine\r\n"));
}

TEST_F(SerializeTest, RemembersThatAHeadDoesNotFit) {
  response_head.status = 200;
  response_head.headers.add("X", std::string(2000, 'x'));
  HeadWriter writer(buffer.data(), buffer.size());
  write_response_head(writer, response_head, {}, Persistence::KeepAlive);
  EXPECT_TRUE(writer.overflow());
  EXPECT_LE(writer.written().size(), buffer.size());
}

}  // namespace
}  // namespace sluice::http::h1
