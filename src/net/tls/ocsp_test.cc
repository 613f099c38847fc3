// SPDX-License-Identifier: Apache-2.0
#include "net/tls/ocsp.h"

#include <array>
#include <ctime>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/tls/layer.h"
#include "net/tls/ocsp_fixture.h"
#include "net/tls/tls_fixture.h"

namespace sluice::net::tls {
namespace {

using testing::HasSubstr;

class Ocsp : public ::testing::Test, protected OcspAuthority {
 protected:
  [[nodiscard]] std::shared_ptr<const OcspQuestion> question() const {
    return *OcspQuestion::about(identity(), nullptr, "");
  }
  std::string error_of(const std::string& text) {
    auto answer = question()->judge(text);
    return answer ? "" : answer.error().what;
  }
};

TEST_F(Ocsp, TheQuestionGoesToTheResponderThatTheCertificateNames) {
  EXPECT_EQ(question()->url(), "http://127.0.0.1:1/ocsp");
  EXPECT_FALSE(question()->der().empty());
  auto elsewhere = OcspQuestion::about(identity(), nullptr, "http://127.0.0.1:2/");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ((*elsewhere)->url(), "http://127.0.0.1:2/");
}

TEST_F(Ocsp, TheIssuerMayComeFromTheAuthoritiesThatAreTrusted) {
  EXPECT_FALSE(OcspQuestion::about(identity(false), nullptr, ""));
  const std::array<std::string, 1> texts = {pem_of(ca.get())};
  auto trust = TrustStore::from_pem(texts);
  ASSERT_TRUE(trust);
  EXPECT_TRUE(OcspQuestion::about(identity(false), trust->get(), ""));
}

TEST_F(Ocsp, NobodyIsAskedAboutACertificateThatNamesNoResponder) {
  auto own = make_self_signed({"own.test"});
  ASSERT_TRUE(own);
  auto asked = OcspQuestion::about(*Identity::from_pem(own->certificate, own->key), nullptr, "");
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code, Errc::NotFound);
}

TEST_F(Ocsp, TheAuthoritysOwnAnswerIsBelieved) {
  auto answer = question()->judge(response({}, ca.get(), ca_key.get()));
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, OcspAnswer::Status::Good);
  EXPECT_NEAR(static_cast<double>(answer->next_update_s - std::time(nullptr)), 600, 5);
}

TEST_F(Ocsp, AResponderThatTheAuthorityHasNamedIsBelieved) {
  KeyPtr key = new_key();
  X509Ptr named = certificate("responder", key.get(), ca.get(), ca_key.get(), {{NID_ext_key_usage, "OCSPSigning"}});
  auto answer = question()->judge(response({}, named.get(), key.get()));
  ASSERT_TRUE(answer) << answer.error().what;
}

TEST_F(Ocsp, NobodyElseIsBelieved) {
  KeyPtr key = new_key();
  X509Ptr plain = certificate("other.test", key.get(), ca.get(), ca_key.get(), {});
  EXPECT_THAT(error_of(response({}, plain.get(), key.get())), HasSubstr("somebody else"));
  X509Ptr foreign = certificate("ca", key.get(), nullptr, nullptr, {{NID_basic_constraints, "critical,CA:TRUE"}});
  EXPECT_THAT(error_of(response({}, foreign.get(), key.get())), HasSubstr("somebody else"));
}

TEST_F(Ocsp, RevocationIsTold) {
  auto answer = question()->judge(response({.status = V_OCSP_CERTSTATUS_REVOKED}, ca.get(), ca_key.get()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, OcspAnswer::Status::Revoked);
}

TEST_F(Ocsp, AnswersAboutOthersAndOldOnesAreRefused) {
  EXPECT_THAT(error_of(response({.about_another = true}, ca.get(), ca_key.get())), HasSubstr("another certificate"));
  EXPECT_THAT(error_of(response({.next_update_s = -3000, .age_s = 6000}, ca.get(), ca_key.get())),
              HasSubstr("out of date"));
}

TEST_F(Ocsp, AnAnswerThatNamesNoEndIsBelievedForADay) {
  constexpr long kHourS = 3600;
  EXPECT_EQ(error_of(response({.next_update_s = 0, .age_s = 23 * kHourS}, ca.get(), ca_key.get())), "");
  EXPECT_THAT(error_of(response({.next_update_s = 0, .age_s = 25 * kHourS}, ca.get(), ca_key.get())),
              HasSubstr("out of date"));
}

TEST_F(Ocsp, NoiseIsRefused) {
  EXPECT_THAT(error_of("<html>"), HasSubstr("malformed"));
  EXPECT_THAT(error_of(""), HasSubstr("malformed"));
  EXPECT_THAT(error_of(std::string("\x30\x03\x0a\x01\x03", 5)), HasSubstr("trylater"));
  const std::string good = response({}, ca.get(), ca_key.get());
  for (std::size_t cut = 1; cut < good.size(); cut += 7) EXPECT_NE(error_of(good.substr(0, cut)), "");
}

TEST_F(Ocsp, CertificatesThatWantAStapleAreKnown) {
  EXPECT_TRUE(must_staple(crypto::Certificate::share(leaf.get())));
  EXPECT_FALSE(must_staple(crypto::Certificate::share(ca.get())));
}

using StapleTest = TlsTest;

TEST_F(StapleTest, ClientsThatAskGetWhatIsStapled) {
  auto identities = identity_from(pem);
  auto server_side = server_context({.identity = identities});
  auto stapled = [&](std::int64_t valid_until_s) {
    identities->identities().front().staple().set(
        std::make_shared<const StapledResponse>(StapledResponse{"staple", valid_until_s}));
    open_pair();
    auto client_side = client_context();
    SSL_CTX_set_tlsext_status_type(client_side->handle(), TLSEXT_STATUSTYPE_ocsp);
    EXPECT_TRUE(shake_hands(server_side, client_side).ok());
    const unsigned char* data = nullptr;
    SSL* ssl = static_cast<TlsLayer*>(client.layer())->handle();
    const long size = SSL_ctrl(ssl, SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, static_cast<void*>(&data));
    return size < 0 ? std::string() : std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  };
  EXPECT_EQ(stapled(std::time(nullptr) + 60), "staple");
  EXPECT_EQ(stapled(std::time(nullptr)), "");  // nobody should believe it any more
}

}  // namespace
}  // namespace sluice::net::tls
