// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_policy.h"

#include <functional>

#include <gmock/gmock.h>

#include "crypto/presented_certificate.h"
#include "net/tls/layer.h"
#include "net/tls/tls_fixture.h"

namespace sluice::net::tls {
namespace {

using testing::HasSubstr;

/// Asks the clients of asked.test.
class Names final : public IdentityResolver {
 public:
  explicit Names(ClientPolicy policy) : policy_(std::make_shared<const ClientPolicy>(std::move(policy))) {}
  [[nodiscard]] std::shared_ptr<const IdentitySet> find(std::string_view) const override { return nullptr; }
  [[nodiscard]] std::shared_ptr<const ClientPolicy> clients(std::string_view server_name) const override {
    return server_name == "asked.test" ? policy_ : nullptr;
  }

 private:
  std::shared_ptr<const ClientPolicy> policy_;
};

class ClientPolicyTest : public TlsTest {
 protected:
  /// What the server knows of its client afterwards.
  TlsInfo meet(const std::string& name, const std::shared_ptr<const ClientContext>& client_side,
               ClientPolicy policy = {}) {
    open_pair();
    const auto outcome = shake_hands(contexts, client_side, name, std::make_shared<Names>(std::move(policy)));
    EXPECT_TRUE(outcome.ok()) << (outcome.server ? outcome.client.error().what : outcome.server.error().what);
    EXPECT_EQ(transfer(server, client, "x"), "x");  // tickets travel with it
    return server.layer()->info();
  }
  std::shared_ptr<const ClientContext> client_with(const PemPair& shown, std::string_view protocols = "") {
    auto identity = Identity::from_pem(shown.certificate, shown.key);
    EXPECT_TRUE(identity);
    ClientSettings settings{.verify = false, .identity = std::make_shared<Identity>(*std::move(identity))};
    if (!protocols.empty()) EXPECT_TRUE(settings.profile.set_protocols(protocols));
    return client_context(std::move(settings));
  }
  /// The session that was made under one name, offered under another.
  void carry_session(const ClientContext& context, const std::string& from, const std::string& to) {
    const std::string peer = " " + client.peer().to_string();
    auto session = context.sessions().find(from + peer);
    ASSERT_TRUE(session);
    context.sessions().keep(to + peer, std::move(session));
  }

  PemPair mine = certificate_for("client.test");
  std::shared_ptr<const ServerContext> contexts = server_context();
};

TEST_F(ClientPolicyTest, NamesWithAPolicyAskAndOthersDoNot) {
  auto client_side = client_with(mine);
  const TlsInfo asked = meet("asked.test", client_side);
  ASSERT_TRUE(asked.client_certificate);
  EXPECT_EQ(asked.client_certificate->chain().front().to_pem(), mine.certificate);
  EXPECT_EQ(asked.client_certificate->subject(), "CN=client.test");
  EXPECT_TRUE(asked.client_policy);
  const TlsInfo open = meet("open.test", client_side);
  EXPECT_FALSE(open.client_certificate);
  EXPECT_FALSE(open.client_policy);
}

TEST_F(ClientPolicyTest, ClientsWithoutACertificateAreWelcome) {
  const TlsInfo info = meet("asked.test", client_context());
  EXPECT_FALSE(info.client_certificate);
  EXPECT_TRUE(info.client_policy);
}

TEST_F(ClientPolicyTest, WithoutAuthoritiesNothingIsVerified) {
  const TlsInfo info = meet("asked.test", client_with(mine));
  ASSERT_TRUE(info.client_certificate);
  EXPECT_EQ(info.client_certificate->verification(), "FAILED:not verified");
}

TEST_F(ClientPolicyTest, TheVerdictOfTheAuthoritiesIsKnownAndDoesNotFailTheHandshake) {
  const ClientPolicy policy{.trust = trust({mine.certificate})};
  const TlsInfo trusted = meet("asked.test", client_with(mine), policy);
  ASSERT_TRUE(trusted.client_certificate);
  EXPECT_TRUE(trusted.client_certificate->is_verified());
  const TlsInfo foreign = meet("asked.test", client_with(certificate_for("client.test")), policy);
  ASSERT_TRUE(foreign.client_certificate);
  EXPECT_FALSE(foreign.client_certificate->is_verified());
  EXPECT_THAT(foreign.client_certificate->verification(), HasSubstr("FAILED:"));
}

TEST_F(ClientPolicyTest, ClientsAreToldWhichAuthoritiesCount) {
  meet("asked.test", client_context(), {.named = trust({mine.certificate})});
  const auto* names = SSL_get0_peer_CA_list(static_cast<TlsLayer*>(client.layer())->handle());
  ASSERT_EQ(sk_X509_NAME_num(names), 1);
  std::array<char, 64> text{};
  X509_NAME_oneline(sk_X509_NAME_value(names, 0), text.data(), text.size());
  EXPECT_STREQ(text.data(), "/CN=client.test");
}

TEST_F(ClientPolicyTest, SessionsAreNotResumedWhereCertificatesAreAskedFor) {
  for (const char* protocol : {"TLSv1.2", "TLSv1.3"}) {
    auto client_side = client_with(mine, protocol);
    meet("asked.test", client_side);
    const TlsInfo again = meet("asked.test", client_side);
    EXPECT_FALSE(again.resumed) << protocol;
    EXPECT_TRUE(again.client_certificate) << protocol;
  }
}

TEST_F(ClientPolicyTest, ATicketOfAnOpenNameDoesNotPassWhereCertificatesAreAskedFor) {
  for (const char* protocol : {"TLSv1.2", "TLSv1.3"}) {
    auto client_side = client_with(mine, protocol);
    meet("open.test", client_side);
    EXPECT_TRUE(meet("open.test", client_side).resumed) << protocol;
    carry_session(*client_side, "open.test", "asked.test");
    const TlsInfo info = meet("asked.test", client_side);
    EXPECT_FALSE(info.resumed) << protocol;
    EXPECT_TRUE(info.client_certificate) << protocol;
  }
}

TEST_F(ClientPolicyTest, ATicketOfOneNameDoesNotPassUnderAnother) {
  for (const char* protocol : {"TLSv1.2", "TLSv1.3"}) {
    auto client_side = client_with(mine, protocol);
    meet("open.test", client_side);
    carry_session(*client_side, "open.test", "other.test");
    const TlsInfo info = meet("other.test", client_side);
    EXPECT_FALSE(info.resumed) << protocol;
    EXPECT_EQ(info.sni, "other.test") << protocol;
  }
}

TEST_F(ClientPolicyTest, NamesAreComparedWithoutCaseAndLastDot) {
  EXPECT_TRUE(meet("ASKED.test", client_with(mine)).client_certificate);
}

}  // namespace
}  // namespace sluice::net::tls
