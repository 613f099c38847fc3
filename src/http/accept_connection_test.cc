// SPDX-License-Identifier: Apache-2.0
#include "http/accept_connection.h"

#include <optional>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/socket_fixture.h"
#include "net/tls/tls_fixture.h"

namespace sluice::http {
namespace {

using testing::StartsWith;

/// A connection that was just accepted, and its client.
class AcceptConnectionTest : public net::tls::TlsTest {
 protected:
  AcceptConnectionTest() {
    const auto [near, far] = local_pair();
    stream.attach(reactor, far);
    peer.emplace(reactor, near);
  }
  ~AcceptConnectionTest() override { stream.close(); }

  Result<> accept(AcceptTerms terms) {
    return rt::run(reactor, accept_connection(stream, info, early, std::move(terms), reactor.after_ms(5000)));
  }

  net::Stream stream;
  std::optional<Peer> peer;
  ConnectionInfo info;
  std::string early;
};

TEST_F(AcceptConnectionTest, TakesTheClientFromTheProxyHeader) {
  peer->say("PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\nGET / HTTP/1.1\r\n");
  ASSERT_TRUE(accept({.proxy_protocol = true}));
  EXPECT_EQ(info.peer.to_string(), "192.0.2.7:5000");
  EXPECT_EQ(info.local.to_string(), "192.0.2.1:443");
  EXPECT_FALSE(info.tls);
}

TEST_F(AcceptConnectionTest, AsksForAdmissionBeforeTheHandshake) {
  peer->say("PROXY TCP4 192.0.2.7 192.0.2.1 5000 443\r\nno handshake");
  std::string asked;
  const Result<> accepted = accept(
      {.proxy_protocol = true, .tls = true, .context = server_context(), .admit = [&](const net::Address& client) {
         asked = client.to_string();
         return false;
       }});
  EXPECT_EQ(accepted.error().code, Errc::Refused);
  EXPECT_EQ(asked, "192.0.2.7:5000");
}

TEST_F(AcceptConnectionTest, KeepsWhatItReadToChooseTheVersion) {
  peer->say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  ASSERT_TRUE(accept({.http2 = true}));
  EXPECT_THAT(early, StartsWith("PRI * HTTP/2.0"));
}

TEST_F(AcceptConnectionTest, AnswersPlainHttpWhereTlsIsSpoken) {
  peer->say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(accept({.tls = true, .context = server_context()}).error().code, Errc::Unsupported);
  EXPECT_THAT(peer->hear("port 400"), StartsWith("HTTP/1.1 400 Bad Request\r\n"));
}

TEST_F(AcceptConnectionTest, SaysNothingToWhatIsNeither) {
  peer->say(std::string("\x05\x01\x00 what is this", 16));
  EXPECT_FALSE(accept({.tls = true, .context = server_context()}));
  stream.close();
  EXPECT_EQ(peer->hear_end().find("HTTP"), std::string::npos);
}

}  // namespace
}  // namespace sluice::http
