// SPDX-License-Identifier: Apache-2.0
#include "crypto/chain_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/certificate_fixture.h"

namespace sluice::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::int64_t kNow = 2'000'000'000;

class ChainVerifierTest : public testing::Test {
 protected:
  using Anchors = ChainVerifier::Anchors;
  static std::string outcome(const ChainVerifier& verifier, std::vector<Certificate> shown, std::int64_t now_s = kNow) {
    const auto chain = verifier.verify(shown, now_s);
    if (!chain) return chain.error().what;
    std::string text;
    for (const Certificate& certificate : chain->certificates) text += certificate.subject() + " ";
    return text;
  }
  [[nodiscard]] ChainVerifier of_root() const { return {std::vector{root.certificate()}, Anchors::Roots}; }

  TestAuthority root{"root"};
  TestAuthority below{"below", root};
  TestAuthority other{"root"};  // by the same name
};

TEST_F(ChainVerifierTest, GivesTheChainToTheAuthority) {
  EXPECT_EQ(outcome(of_root(), {root.issue({})}), "CN=client CN=root ");
  EXPECT_EQ(outcome(of_root(), {below.issue({}), below.certificate()}), "CN=client CN=below CN=root ");
}

TEST_F(ChainVerifierTest, BelievesNobodyForBeingShown) {
  EXPECT_EQ(outcome(of_root(), {other.issue({})}), "certificate signature failure");
  EXPECT_EQ(outcome(of_root(), {other.issue({}), other.certificate()}), "certificate signature failure");
  EXPECT_EQ(outcome(of_root(), {below.issue({})}), "unable to get local issuer certificate");
  EXPECT_EQ(outcome({{}, Anchors::All}, {root.issue({})}), "unable to get local issuer certificate");
}

TEST_F(ChainVerifierTest, TakesIntermediateAnchorsWhereTold) {
  const std::vector<Certificate> listed = {below.certificate()};
  EXPECT_EQ(outcome({listed, Anchors::Roots}, {below.issue({})}), "unable to get issuer certificate");
  EXPECT_EQ(outcome({listed, Anchors::All}, {below.issue({})}), "CN=client CN=below ");
}

TEST_F(ChainVerifierTest, JudgesByTheTimeOfTheQuestion) {
  const Certificate leaf = root.issue({.begins_s = kNow - 10, .ends_s = kNow + 10});
  const auto chain = of_root().verify(std::vector{leaf}, kNow);
  ASSERT_TRUE(chain);
  EXPECT_EQ(chain->begins_s, kNow - 10);
  EXPECT_EQ(chain->ends_s, kNow + 10);
  EXPECT_EQ(outcome(of_root(), {leaf}, kNow + 11), "certificate has expired");
  EXPECT_EQ(outcome(of_root(), {leaf}, kNow - 11), "certificate is not yet valid");
}

TEST_F(ChainVerifierTest, RefusesCertificatesThatAreNotForClients) {
  EXPECT_THAT(outcome(of_root(), {root.issue({.extensions = {{NID_ext_key_usage, "serverAuth"}}})}),
              HasSubstr("purpose"));
  EXPECT_EQ(outcome(of_root(), {root.issue({.extensions = {{NID_ext_key_usage, "clientAuth"}}})}),
            "CN=client CN=root ");
}

TEST(CertificateIdentities, AreTheAlternativeNamesInOrder) {
  const TestAuthority root("root");
  const auto names = [&](const std::string& alternative) {
    return root.issue({.extensions = {{NID_subject_alt_name, alternative}}}).identities();
  };
  EXPECT_THAT(names("email:x@y.test,DNS:a.test,IP:10.0.0.1,URI:spiffe://a/b"),
              ElementsAre("x@y.test", "a.test", "10.0.0.1", "spiffe://a/b"));
  EXPECT_THAT(names("RID:1.2.3.4"), ElementsAre()) << "there is the extension, so that the common name does not count";
}

TEST(CertificateIdentities, AreTheCommonNameWithoutTheExtension) {
  const TestAuthority root("root");
  EXPECT_THAT(root.issue({.subject = "älice"}).identities(), ElementsAre("älice"));
  EXPECT_THAT(root.issue({.subject = ""}).identities(), ElementsAre());
  EXPECT_THAT(root.issue({.subject = std::string("root\0.evil", 10)}).identities(), ElementsAre());
  EXPECT_EQ(root.issue({.subject = std::string("root\0.evil", 10)}).common_name(), "");
}

}  // namespace
}  // namespace sluice::crypto
