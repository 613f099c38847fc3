// SPDX-License-Identifier: Apache-2.0
#include "net/tls/handshake.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>

#include "net/tls/identity_index.h"
#include "net/tls/layer.h"
#include "net/tls/tls_fixture.h"

namespace sluice::net::tls {
namespace {

using HandshakeTest = TlsTest;
using testing::HasSubstr;

TEST_F(HandshakeTest, BothSidesAgreeOnTls13AndTheFirstProtocolOfTheServer) {
  auto outcome = shake_hands(server_context(), client_context({.verify = false, .alpn = {"http/1.1", "h2"}}));
  ASSERT_TRUE(outcome.ok());
  TlsInfo info = server.layer()->info();
  EXPECT_EQ(info.version, "TLSv1.3");
  EXPECT_EQ(info.alpn, "h2");
  EXPECT_EQ(info.sni, "one.test");
  EXPECT_FALSE(info.resumed);
  EXPECT_EQ(client.layer()->info().alpn, "h2");
}

TEST_F(HandshakeTest, ClientsWithoutAProtocolInCommonAreRefused) {
  auto outcome = shake_hands(server_context(), client_context({.verify = false, .alpn = {"smtp"}}));
  ASSERT_FALSE(outcome.server);
  ASSERT_FALSE(outcome.client);
  EXPECT_EQ(outcome.client.error().code, Errc::Refused);
  EXPECT_EQ(outcome.client.error().blame, Blame::Upstream);
  EXPECT_EQ(outcome.client.error().retry, Retry::Safe);
}

TEST_F(HandshakeTest, ClientsWithoutAlpnAreWelcome) {
  ASSERT_TRUE(shake_hands().ok());
  EXPECT_EQ(server.layer()->info().alpn, "");
}

TEST_F(HandshakeTest, VersionsCanBeLimitedToTls12) {
  ClientSettings settings{.verify = false};
  ASSERT_TRUE(settings.profile.set_protocols("TLSv1.2"));
  auto outcome = shake_hands(server_context(), client_context(settings));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(server.layer()->info().version, "TLSv1.2");
  EXPECT_EQ(transfer(client, server, "ping"), "ping");
  EXPECT_EQ(transfer(server, client, "pong"), "pong");
}

TEST_F(HandshakeTest, Tls11IsRefusedByDefault) {
  ClientSettings settings{.verify = false};
  settings.profile = *Profile::named("old");
  ASSERT_TRUE(settings.profile.set_protocols("TLSv1.1"));
  auto outcome = shake_hands(server_context(), client_context(settings));
  EXPECT_FALSE(outcome.server);
  EXPECT_FALSE(outcome.client);
}

TEST_F(HandshakeTest, TheModernProfileRefusesTls12) {
  ServerSettings modern;
  modern.profile = *Profile::named("modern");
  ClientSettings old{.verify = false};
  ASSERT_TRUE(old.profile.set_protocols("TLSv1.2"));
  EXPECT_FALSE(shake_hands(server_context(modern), client_context(old)).server);
}

TEST_F(HandshakeTest, TrustedUpstreamsPassVerification) {
  EXPECT_TRUE(shake_hands(server_context(), client_context({.verify = true})).ok());
}

TEST_F(HandshakeTest, UpstreamsWithAnotherNameAreForbidden) {
  auto outcome = shake_hands(server_context(), client_context({.verify = true}), "two.test");
  ASSERT_FALSE(outcome.client);
  EXPECT_EQ(outcome.client.error().code, Errc::Forbidden);
  EXPECT_THAT(outcome.client.error().what, HasSubstr("ostname mismatch"));
  ASSERT_FALSE(outcome.server);
  EXPECT_EQ(outcome.server.error().blame, Blame::Client);
}

TEST_F(HandshakeTest, UpstreamsOfAnUnknownAuthorityAreForbidden) {
  ClientSettings settings{.verify = true, .trust = trust({certificate_for("one.test").certificate})};
  auto outcome = shake_hands(server_context(), client_context(settings));
  ASSERT_FALSE(outcome.client);
  EXPECT_EQ(outcome.client.error().code, Errc::Forbidden);
}

TEST_F(HandshakeTest, ClientCertificatesAreRequiredWhenTheListenerSaysSo) {
  const PemPair mine = certificate_for("client.test");
  ServerSettings settings{.client_auth = ClientAuth::Required, .client_trust = trust({mine.certificate})};
  auto identity = Identity::from_pem(mine.certificate, mine.key);
  ASSERT_TRUE(identity);
  ClientSettings with{.verify = false, .identity = std::make_shared<Identity>(*std::move(identity))};
  ASSERT_TRUE(shake_hands(server_context(settings), client_context(with)).ok());
  EXPECT_EQ(static_cast<TlsLayer*>(server.layer())->peer_certificate_pem(), mine.certificate);
  open_pair();
  EXPECT_FALSE(shake_hands(server_context(settings), client_context()).server);
}

TEST_F(HandshakeTest, TheServerNameChoosesTheIdentity) {
  auto index = std::make_shared<IdentityIndex>();
  const PemPair two = certificate_for("two.test");
  index->add("two.test", identity_from(two));
  ClientSettings settings{.verify = true, .trust = trust({two.certificate})};
  EXPECT_TRUE(shake_hands(server_context(), client_context(settings), "two.test", index).ok());
  open_pair();
  EXPECT_TRUE(shake_hands(server_context(), client_context({.verify = true}), "one.test", index).ok());
}

TEST_F(HandshakeTest, SessionsAreResumed) {
  auto server_side = server_context();
  auto client_side = client_context({.verify = true});
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  EXPECT_FALSE(server.layer()->info().resumed);
  EXPECT_EQ(transfer(server, client, "x"), "x");  // the ticket travels with it
  open_pair();
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  EXPECT_TRUE(server.layer()->info().resumed);
  EXPECT_TRUE(client.layer()->info().resumed);
}

TEST_F(HandshakeTest, Tls12SessionsAreResumed) {
  auto server_side = server_context();
  ClientSettings settings{.verify = false};
  ASSERT_TRUE(settings.profile.set_protocols("TLSv1.2"));
  auto client_side = client_context(settings);
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  open_pair();
  ASSERT_TRUE(shake_hands(server_side, client_side).ok());
  EXPECT_TRUE(server.layer()->info().resumed);
}

TEST_F(HandshakeTest, SessionsOfOnePolicyDoNotPassUnderAnother) {
  auto client_side = client_context();
  ASSERT_TRUE(shake_hands(server_context({.policy = "a"}), client_side).ok());
  EXPECT_EQ(transfer(server, client, "x"), "x");
  open_pair();
  ASSERT_TRUE(shake_hands(server_context({.policy = "b"}), client_side).ok());
  EXPECT_FALSE(server.layer()->info().resumed);
}

TEST_F(HandshakeTest, SessionsOfOneUpstreamAreNotOfferedToAnother) {
  auto server_side = server_context();
  auto client_side = client_context();
  ASSERT_TRUE(shake_hands(server_side, client_side, "one.test").ok());
  EXPECT_EQ(transfer(server, client, "x"), "x");
  open_pair();
  ASSERT_TRUE(shake_hands(server_side, client_side, "two.test").ok());
  EXPECT_FALSE(server.layer()->info().resumed);
}

TEST_F(HandshakeTest, PlainHttpIsToldApartAndNothingIsSent) {
  ASSERT_TRUE(client.write("DELETE / HTTP/1.1\r\nHost: one.test\r\n\r\n").moved());
  auto outcome = rt::run(reactor, accept(server, server_context(), nullptr, reactor.after_ms(2000)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Unsupported);
  EXPECT_EQ(outcome.error().blame, Blame::Client);
  std::array<char, 64> piece{};
  EXPECT_TRUE(client.read(piece).blocked());
  EXPECT_TRUE(server.is_plain());
  EXPECT_TRUE(server.write("HTTP/1.1 400 Bad Request\r\n\r\n").moved());
}

TEST_F(HandshakeTest, HostileOctetsFailTheHandshake) {
  ::srand(7);
  for (int round = 0; round < 200; ++round) {
    open_pair();
    std::string junk(static_cast<std::size_t>(1 + ::rand() % 400), '\0');
    for (char& c : junk) c = static_cast<char>(::rand());
    if (round % 2 == 0)
      junk.replace(0, std::min<std::size_t>(junk.size(), 6), std::string("\x16\x03\x01\x00\x40\x01", 6));
    client.write(junk);
    client.shut_down_write();
    auto outcome = rt::run(reactor, accept(server, server_context(), nullptr, reactor.after_ms(2000)));
    ASSERT_FALSE(outcome);
    EXPECT_NE(outcome.error().code, Errc::Timeout);
  }
}

TEST_F(HandshakeTest, UpstreamsThatTalkBeforeTheHandshakeFail) {
  ASSERT_TRUE(server.write("220 hello\r\n").moved());
  auto outcome = rt::run(reactor, connect(client, client_context(), "one.test", reactor.after_ms(2000)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Invalid);
}

TEST_F(HandshakeTest, SilentClientsTimeOut) {
  auto outcome = rt::run(reactor, accept(server, server_context(), nullptr, reactor.after_ms(30)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Timeout);
}

TEST_F(HandshakeTest, ClientsThatLeaveAreReportedAsClosed) {
  client.close();
  auto outcome = rt::run(reactor, accept(server, server_context(), nullptr, reactor.after_ms(2000)));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::Closed);
}

TEST_F(HandshakeTest, AHandshakeCanBeCancelledInTheMiddle) {
  auto accepting = accept(server, server_context(), nullptr, reactor.after_ms(2000));
  auto connecting = connect(client, client_context(), "one.test", reactor.after_ms(2000));
  connecting.start();
  accepting.start();
  reactor.run_once(0);
  EXPECT_FALSE(connecting.ready());
  accepting.reset();
  connecting.reset();
  EXPECT_TRUE(server.is_plain());
  reactor.run_once(0);
}

TEST_F(HandshakeTest, RenegotiationIsRefused) {
  ClientSettings settings{.verify = false};
  ASSERT_TRUE(settings.profile.set_protocols("TLSv1.2"));
  auto client_side = client_context(settings);
  SSL_CTX_clear_options(client_side->handle(), SSL_OP_NO_RENEGOTIATION);
  ASSERT_TRUE(shake_hands(server_context(), client_side).ok());
  auto* layer = static_cast<TlsLayer*>(client.layer());
  ASSERT_EQ(SSL_renegotiate(layer->handle()), 1);
  layer->handshake(client);
  std::array<char, 64> piece{};
  for (int i = 0; i < 5; ++i) {
    reactor.run_once(1);
    EXPECT_FALSE(server.read(piece).moved());
    client.read(piece);
  }
  EXPECT_NE(SSL_is_init_finished(layer->handle()), 1);  // the client waits in vain or was told no
}

std::string test_file(const std::string& name) {
  std::ifstream file("src/crypto/testdata/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}
Identity rsa_identity() {
  auto identity = Identity::from_pem(test_file("leaf.pem"), test_file("leaf.key"));
  if (!identity) std::abort();
  return *std::move(identity);
}
/// A client that can only do with one kind of key.
ClientSettings only(const std::string& ciphers) {
  ClientSettings settings{.verify = false};
  settings.profile.ciphers = ciphers;
  static_cast<void>(settings.profile.set_protocols("TLSv1.2"));
  return settings;
}

TEST_F(HandshakeTest, BothKindsOfKeysServeOneName) {
  auto ecdsa = Identity::from_pem(pem.certificate, pem.key);
  auto set = IdentitySet::of(*std::move(ecdsa), rsa_identity());
  ASSERT_TRUE(set);
  for (const char* ciphers : {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}) {
    open_pair();
    EXPECT_TRUE(shake_hands(server_context({.identity = *set}), client_context(only(ciphers))).ok()) << ciphers;
    EXPECT_EQ(server.layer()->info().cipher, ciphers);
  }
}

TEST_F(HandshakeTest, ANameWithOneKindOfKeyDoesNotBorrowTheOther) {
  auto index = std::make_shared<IdentityIndex>();
  index->add("*", IdentitySet::of(rsa_identity()));
  EXPECT_FALSE(
      shake_hands(server_context(), client_context(only("ECDHE-ECDSA-AES128-GCM-SHA256")), "one.test", index).server);
}

TEST_F(HandshakeTest, TwoKeysOfOneKindAreRefused) {
  auto set = IdentitySet::of(rsa_identity(), rsa_identity());
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().what, HasSubstr("same type of key"));
}

TEST_F(HandshakeTest, NamesAddressesAndWildcardsOfACertificateAreVerified) {
  auto server_side = server_context({.identity = IdentitySet::of(rsa_identity())});
  auto client_side = client_context({.verify = true, .trust = trust({test_file("ca.pem")})});
  for (const char* good : {"www.example.com", "a.example.org", "10.0.0.1", "::1"}) {
    open_pair();
    EXPECT_TRUE(shake_hands(server_side, client_side, good).ok()) << good;
  }
  for (const char* bad : {"example.com", "a.b.example.org", "example.org", "10.0.0.2", "::2"}) {
    open_pair();
    EXPECT_FALSE(shake_hands(server_side, client_side, bad).client) << bad;
  }
}

TEST_F(HandshakeTest, MismatchedKeysAreRefused) {
  auto mixed = Identity::from_pem(pem.certificate, certificate_for("one.test").key);
  ASSERT_FALSE(mixed);
  EXPECT_THAT(mixed.error().what, HasSubstr("does not match"));
}

}  // namespace
}  // namespace sluice::net::tls
