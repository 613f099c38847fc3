// SPDX-License-Identifier: Apache-2.0
#include "gateway/proxy/forwarding.h"

#include <memory>
#include <string>
#include <vector>

#include "base/strings.h"
#include "gateway/gateway_fixture.h"
#include "gateway/proxy/received_fixture.h"
#include "gateway/proxy/request_setup.h"
#include "http/h1/parser.h"

namespace sluice::gateway {
namespace {

class ForwardingTest : public testing::Test {
 protected:
  /// Receives `GET /a?b` with these lines and makes the exchange.
  Exchange& receive(const std::string& fields,
                    std::string_view line = "GET /a?b HTTP/1.1\r\nHost: Client.test:81\r\n") {
    text = std::string(line) + fields + "\r\n";
    received = std::make_unique<Received>(reactor);
    EXPECT_TRUE(http::h1::parse_request(text, {}, received->request()).complete()) << text;
    ex = std::make_unique<Exchange>(reactor, received->arena(), received->request());
    refusal = set_up_request(*ex, *received, options);
    ex->record.request_id.fill('7');
    ex->request.upstream_path = ex->request.path;
    return *ex;
  }
  http::RequestHead forward() {
    return upstream_request(*ex, options, {.host = "up.test", .port = 8080, .tls = false, .host_header = {}});
  }
  http::RequestHead forward(const std::string& fields) {
    receive(fields);
    return forward();
  }
  static std::vector<std::string> values(const http::RequestHead& head, std::string_view name) {
    std::vector<std::string> found;
    for (const http::Field& field : head.headers) {
      if (http::same_name(field.name, name)) found.emplace_back(field.value);
    }
    return found;
  }
  using Values = std::vector<std::string>;

  rt::Reactor reactor;
  GatewayOptions options;
  std::string text;  // what `received` holds views of
  std::unique_ptr<Received> received;
  std::unique_ptr<Exchange> ex;
  std::optional<Reply> refusal;
};

TEST_F(ForwardingTest, SaysWhatTheClientAskedFor) {
  const auto head = forward("X-Mine: 1\r\n");
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/a?b");
  EXPECT_EQ(head.authority, "up.test:8080");
  EXPECT_EQ(values(head, "X-Mine"), Values{"1"});
  EXPECT_EQ(values(head, "X-Forwarded-For"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Forwarded-Proto"), Values{"http"});
  EXPECT_EQ(values(head, "X-Forwarded-Host"), Values{"client.test"});
  EXPECT_EQ(values(head, "X-Forwarded-Port"), Values{"81"});
  EXPECT_EQ(values(head, "X-Forwarded-Path"), Values{"/a"});
  EXPECT_EQ(values(head, "X-Real-IP"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Kong-Request-Id"), Values{std::string(32, '7')});
  EXPECT_EQ(values(head, "Via"), Values{"1.1 kong/3.10.0"});
}

TEST_F(ForwardingTest, LeavesOutTheFieldsOfOneHop) {
  const auto head = forward(
      "Connection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: "
      "gzip\r\nUpgrade: h2c\r\n"
      "HTTP2-Settings: x\r\nProxy: http://evil/\r\nX-Public: 2\r\n");
  for (const char* name :
       {"Connection", "X-Private", "Keep-Alive", "Proxy-Connection", "TE", "Upgrade", "HTTP2-Settings", "Proxy"}) {
    EXPECT_EQ(values(head, name), Values{}) << name;
  }
  EXPECT_EQ(values(head, "X-Public"), Values{"2"});
}

TEST_F(ForwardingTest, DoesNotLetConnectionRemoveWhatTheGatewayAdds) {
  receive("Connection: X-Forwarded-For, X-Consumer-ID, X-Real-IP\r\nX-Consumer-ID: spoofed\r\n");
  ex->request.headers.set("X-Consumer-ID", "real");
  const auto head = forward();
  EXPECT_EQ(values(head, "X-Forwarded-For"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Real-IP"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Consumer-ID"), Values{"real"});
}

TEST_F(ForwardingTest, DoesNotBelieveForwardedFieldsOfStrangers) {
  const auto head = forward(
      "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: "
      "1\r\nX-Real-IP: 1.1.1.1\r\n"
      "X-Forwarded-Prefix: /evil\r\nX-Kong-Request-Id: mine\r\n");
  EXPECT_EQ(values(head, "X-Forwarded-For"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Forwarded-Proto"), Values{"http"});
  EXPECT_EQ(values(head, "X-Forwarded-Host"), Values{"client.test"});
  EXPECT_EQ(values(head, "X-Forwarded-Prefix"), Values{});
  EXPECT_EQ(values(head, "X-Real-IP"), Values{"192.0.2.7"});
  EXPECT_EQ(values(head, "X-Kong-Request-Id"), Values{std::string(32, '7')});
  EXPECT_EQ(ex->client.forwarded_address.to_string(), "192.0.2.7");
}

TEST_F(ForwardingTest, KeepsForwardedFieldsOfATrustedPeer) {
  options.trusted_ips = {*Cidr::parse("192.0.2.0/24")};
  options.real_ip_header = "X-Forwarded-For";
  const auto head = forward(
      "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: front.test\r\nX-Forwarded-Port: "
      "443\r\n");
  EXPECT_EQ(values(head, "X-Forwarded-For"), Values{"203.0.113.9, 192.0.2.7"});
  EXPECT_EQ(values(head, "X-Forwarded-Proto"), Values{"https"});
  EXPECT_EQ(values(head, "X-Forwarded-Host"), Values{"front.test"});
  EXPECT_EQ(values(head, "X-Forwarded-Port"), Values{"443"});
  EXPECT_EQ(values(head, "X-Real-IP"), Values{"203.0.113.9"});
  EXPECT_EQ(ex->request.forwarded_scheme, "https");
}

TEST_F(ForwardingTest, TakesTheLastAddressOfTheListUnlessToldToGoBack) {
  options.trusted_ips = {*Cidr::parse("192.0.2.0/24"), *Cidr::parse("10.0.0.0/8")};
  options.real_ip_header = "X-Forwarded-For";
  EXPECT_EQ(receive("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1\r\n").client.forwarded_address.to_string(),
            "10.0.0.1");
  options.real_ip_recursive = true;
  EXPECT_EQ(receive("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.1\r\n").client.forwarded_address.to_string(),
            "203.0.113.9");
}

TEST_F(ForwardingTest, DropsTwinsOfIdentityFields) {
  const auto head =
      forward("X_Consumer_ID: 1\r\nX-Consumer_Username: 2\r\nx_forwarded_for: 3\r\nX_Real_IP: 4\r\nx_other: 5\r\n");
  for (const char* name : {"X_Consumer_ID", "X-Consumer_Username", "x_forwarded_for", "X_Real_IP"}) {
    EXPECT_EQ(values(head, name), Values{}) << name;
  }
  EXPECT_EQ(values(head, "x_other"), Values{"5"});
}

TEST_F(ForwardingTest, PassesAWebSocketHandshakeAndNothingLikeIt) {
  const auto handshake = forward("Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n");
  EXPECT_EQ(values(handshake, "Upgrade"), Values{"websocket"});
  EXPECT_EQ(values(forward("Upgrade: websocket\r\n"), "Upgrade"), Values{}) << "without Connection: Upgrade";
  EXPECT_EQ(values(forward("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n"), "Upgrade"), Values{})
      << "with content";
  EXPECT_EQ(values(forward("Connection: Upgrade\r\nUpgrade: h2c\r\n"), "Upgrade"), Values{}) << "a foreign protocol";
}

TEST_F(ForwardingTest, PassesTeTrailersOnly) {
  EXPECT_EQ(values(forward("TE: gzip, trailers\r\n"), "TE"), Values{"trailers"});
}

TEST_F(ForwardingTest, AppendsToVia) {
  EXPECT_EQ(values(forward("Via: 1.0 front\r\n"), "Via"), Values{"1.0 front, 1.1 kong/3.10.0"});
}

TEST_F(ForwardingTest, KeepsTheFraming) {
  using Kind = http::Framing::Kind;
  EXPECT_EQ(forward("Content-Length: 3\r\n").framing.length, 3U);
  EXPECT_EQ(forward("Transfer-Encoding: chunked\r\n").framing.kind, Kind::Chunked);
  EXPECT_EQ(forward("").framing.kind, Kind::None);
  EXPECT_EQ(forward("Content-Length: 0\r\n").framing.kind, Kind::Length)
      << "an announced empty content stays announced";
  receive("Transfer-Encoding: chunked\r\n");
  ex->replace_body("new");
  EXPECT_EQ(forward().framing.kind, Kind::Length);
  EXPECT_EQ(forward().framing.length, 3U);
}

TEST_F(ForwardingTest, ChoosesTheHostForTheUpstream) {
  receive("");
  EXPECT_EQ(forward().authority, "up.test:8080");
  EXPECT_EQ(upstream_request(*ex, options, {.host = "up.test", .port = 80, .tls = false, .host_header = {}}).authority,
            "up.test");
  EXPECT_EQ(upstream_request(*ex, options, {.host = "up.test", .port = 443, .tls = true, .host_header = {}}).authority,
            "up.test");
  EXPECT_EQ(upstream_request(*ex, options, {.host = "up.test", .port = 80, .tls = false, .host_header = "set.test"})
                .authority,
            "set.test");
  EXPECT_EQ(upstream_request(*ex, options, {.host = "::1", .port = 81, .tls = false, .host_header = {}}).authority,
            "[::1]:81");
  ex->request.upstream_host = "plugin.test";
  EXPECT_EQ(forward().authority, "plugin.test");
}

TEST_F(ForwardingTest, NormalisesThePathAndSplitsTheHost) {
  EXPECT_EQ(receive("", "GET /a/%2e%2e//b/%7Ec HTTP/1.1\r\nHost: [::1]:99\r\n").request.path, "/b/~c");
  EXPECT_EQ(ex->request.host, "[::1]");
  EXPECT_EQ(ex->request.port, 99);
  EXPECT_EQ(receive("", "GET / HTTP/1.1\r\nHost: a\r\n").request.port, 8000) << "the listener's";
  receive("", "GET /a%00b HTTP/1.1\r\nHost: a\r\n");
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 400);
}

TEST_F(ForwardingTest, StripsOneHopsFieldsFromResponses) {
  receive("");
  for (auto [name, value] : {std::pair{"Connection", "X-Hop, keep-alive"},
                             {"X-Hop", "1"},
                             {"Keep-Alive", "x"},
                             {"Transfer-Encoding", "chunked"},
                             {"Upgrade", "h2"},
                             {"Trailer", "X-T"},
                             {"X-Kept", "2"}}) {
    ex->response.headers.add(name, value);
  }
  ex->response.head.status = 200;
  strip_upstream_response(*ex, options);
  for (const char* name : {"Connection", "X-Hop", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer"}) {
    EXPECT_FALSE(ex->response.headers.has(name)) << name;
  }
  EXPECT_TRUE(ex->response.headers.has("X-Kept"));
}

TEST_F(ForwardingTest, AddsTheGatewaysFieldsToResponses) {
  receive("");
  ex->response.from_upstream = true;
  ex->response.headers.add("Via", "1.1 up");
  add_gateway_fields(*ex, options);
  EXPECT_EQ(ex->response.headers.get("Via"), "1.1 up, 1.1 kong/3.10.0");
  EXPECT_TRUE(ex->response.headers.has("X-Kong-Upstream-Latency"));
  EXPECT_TRUE(ex->response.headers.has("X-Kong-Proxy-Latency"));
  EXPECT_EQ(ex->response.headers.get("X-Kong-Request-Id"), std::string(32, '7'));
  receive("");
  add_gateway_fields(*ex, options);
  EXPECT_EQ(ex->response.headers.get("Server"), "kong/3.10.0");
  EXPECT_TRUE(ex->response.headers.has("X-Kong-Response-Latency"));
}

}  // namespace
}  // namespace sluice::gateway
