// SPDX-License-Identifier: Apache-2.0
#include "sync/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/cluster_pki_fixture.h"

namespace sluice::sync {
namespace {

using ::testing::HasSubstr;

struct Pair {
  const char* certificate;
  const char* key;
};

class Signatures : public ::testing::TestWithParam<Pair> {};

TEST_P(Signatures, HoldForWhatWasSigned) {
  const auto signer = signer_of(GetParam().certificate, GetParam().key);
  const std::string signature = signer->sign("a statement");
  const auto verified = verify("a statement", signature, signer->certificate_pem());
  EXPECT_TRUE(verified.has_value()) << verified.error().what;
  EXPECT_FALSE(verify("a statement.", signature, signer->certificate_pem()).has_value());
  EXPECT_FALSE(verify("", signature, signer->certificate_pem()).has_value());
}

TEST_P(Signatures, HoldForNoOtherKey) {
  const auto signer = signer_of(GetParam().certificate, GetParam().key);
  for (const char* other : {"src/sync/testdata/data_plane.pem", "src/crypto/testdata/ca.pem"}) {
    EXPECT_FALSE(verify("a", signer->sign("a"), file(other)).has_value());
  }
}

TEST_P(Signatures, AreRefusedWhenDamaged) {
  const auto signer = signer_of(GetParam().certificate, GetParam().key);
  const std::string signature = signer->sign("a");
  for (std::size_t i = 0; i + 4 < signature.size(); i += 5) {
    std::string damaged = signature;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify("a", damaged, signer->certificate_pem()).has_value()) << i;
    EXPECT_FALSE(verify("a", signature.substr(0, i), signer->certificate_pem()).has_value()) << i;
  }
  EXPECT_FALSE(verify("a", std::string(100'000, 'A'), signer->certificate_pem()).has_value());
}

INSTANTIATE_TEST_SUITE_P(Keys, Signatures,
                         ::testing::Values(Pair{"src/sync/testdata/control_plane.pem",
                                                "src/sync/testdata/control_plane.key"},
                                           Pair{"src/sync/testdata/shared.pem", "src/sync/testdata/shared.key"},
                                           Pair{"src/crypto/testdata/leaf.pem", "src/crypto/testdata/leaf.key"},
                                           Pair{"src/crypto/testdata/ed.pem", "src/crypto/testdata/ed.key"}));

TEST(Signer, NeedsTheKeyOfItsCertificate) {
  const auto made = Signer::make(file("src/sync/testdata/control_plane.pem"),
                                 Secret<std::string>(file("src/sync/testdata/data_plane.key")));
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().what, HasSubstr("does not belong"));
  EXPECT_FALSE(Signer::make("", Secret<std::string>("")).has_value());
}

TEST(Verify, RefusesWhatIsNoCertificate) {
  const auto signer = control_plane_signer();
  EXPECT_FALSE(verify("a", signer->sign("a"), "").has_value());
  EXPECT_FALSE(verify("a", signer->sign("a"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
}

const std::string kAuthority = "src/sync/testdata/authority.pem";
const std::string kControlPlane = "src/sync/testdata/control_plane.pem";
const std::string kDataPlane = "src/sync/testdata/data_plane.pem";
const std::string kShared = "src/sync/testdata/shared.pem";

Result<> issued(const std::string& certificate, const std::string& trusted, double now = kNow,
                std::string_view server_name = {}) {
  return verify_issuer(file(certificate), file(trusted), now, server_name);
}

TEST(Issuer, MayBeTheTrustedCertificateItself) {
  EXPECT_TRUE(issued(kShared, kShared).has_value());
  EXPECT_TRUE(issued(kShared, kShared, kFarFuture).has_value()) << "as on the link: equal is equal";
}

TEST(Issuer, MayBeFarAboveByIntermediates) {
  const auto good = issued(kControlPlane, kAuthority);
  EXPECT_TRUE(good.has_value()) << good.error().what;
}

TEST(Issuer, MayBeATrustedIntermediate) {
  const std::string chain = file(kControlPlane);
  const std::string intermediate = chain.substr(chain.rfind("-----BEGIN"));
  const std::string leaf = chain.substr(0, chain.rfind("-----BEGIN"));
  EXPECT_TRUE(verify_issuer(leaf, intermediate, kNow).has_value());
  EXPECT_FALSE(verify_issuer(leaf, file(kAuthority), kNow).has_value()) << "what leads up to it is missing";
}

TEST(Issuer, ExpiredOnesAreRefused) {
  const auto late = issued(kControlPlane, kAuthority, kFarFuture);
  ASSERT_FALSE(late.has_value());
  EXPECT_THAT(late.error().what, HasSubstr("expired"));
  EXPECT_FALSE(issued(kControlPlane, kAuthority, 1'000'000'000).has_value()) << "not yet valid";
}

TEST(Issuer, StrangersAreRefused) {
  EXPECT_FALSE(issued(kShared, kAuthority).has_value());
  EXPECT_FALSE(issued(kControlPlane, kShared).has_value());
  EXPECT_FALSE(verify_issuer("", file(kAuthority), kNow).has_value());
  EXPECT_FALSE(verify_issuer(file(kShared), "", kNow).has_value());
}

// Below one authority, every data plane has a certificate too, and none of them may make configurations.
TEST(Issuer, ClientsOfTheSameAuthorityAreRefused) {
  const auto client = issued(kDataPlane, kAuthority);
  ASSERT_FALSE(client.has_value());
  EXPECT_THAT(client.error().what, HasSubstr("purpose"));
}

TEST(Issuer, ServerNameIsComparedWhereThereIsOne) {
  EXPECT_TRUE(issued(kControlPlane, kAuthority, kNow, "cp.example").has_value());
  EXPECT_FALSE(issued(kControlPlane, kAuthority, kNow, "other.example").has_value());
}

TEST(Statement, TellsItsPartsApart) {
  EXPECT_NE(statement_of("a", "bc", "d"), statement_of("ab", "c", "d"));
  EXPECT_NE(statement_of("a", "b\",\"c", ""), statement_of("a", "b", "c"));
}

}  // namespace
}  // namespace sluice::sync
