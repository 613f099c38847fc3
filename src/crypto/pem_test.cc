// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::crypto {
namespace {

using testing::ElementsAre;

std::string file(const std::string& name) {
  std::ifstream in("src/crypto/testdata/" + name);
  EXPECT_TRUE(in) << name;
  return {std::istreambuf_iterator<char>(in), {}};
}
Certificate certificate(const std::string& name) {
  return Certificate::parse(file(name)).value();
}
PrivateKey key(const std::string& name) {
  return PrivateKey::parse(file(name)).value();
}

TEST(Certificate, TellsItsProperties) {
  const Certificate leaf = certificate("leaf.pem");
  EXPECT_EQ(leaf.key_type(), KeyType::Rsa);
  EXPECT_EQ(leaf.subject(), "CN=www.example.com");
  EXPECT_EQ(leaf.issuer(), "CN=Test CA,O=Example");
  EXPECT_EQ(leaf.serial(), "1234abcd");
  EXPECT_EQ(leaf.not_after(), 4948858284);
  EXPECT_LT(leaf.not_before(), leaf.not_after());
  EXPECT_EQ(leaf.sha256_hex(), "a2290a39d8c6414fe8e76d2c7b18e05d0ec5c727773f340bcd2f18ac94c64678");
}

TEST(Certificate, ListsAlternativeNamesOrTheCommonName) {
  EXPECT_THAT(certificate("leaf.pem").names(), ElementsAre("www.example.com", "*.example.org", "10.0.0.1", "::1"));
  EXPECT_THAT(certificate("ed.pem").names(), ElementsAre("only.common.name"));
}

TEST(Certificate, TellsAuthoritiesFromLeaves) {
  EXPECT_TRUE(certificate("ca.pem").is_ca());
  EXPECT_FALSE(certificate("leaf.pem").is_ca());
}

TEST(Certificate, KnowsKeyTypes) {
  EXPECT_EQ(to_string(certificate("ca.pem").key_type()), "ec");
  EXPECT_EQ(to_string(certificate("ed.pem").key_type()), "ed25519");
}

TEST(Certificate, ReadsChainsInOrder) {
  const auto chain = Certificate::parse_chain("leaf first\n" + file("leaf.pem") + "\n" + file("ca.pem")).value();
  ASSERT_EQ(chain.size(), 2U);
  EXPECT_EQ(chain[0].subject(), "CN=www.example.com");
  EXPECT_TRUE(chain[1].is_ca());
}

TEST(Certificate, RefusesWhatIsNotExactlyOne) {
  EXPECT_EQ(Certificate::parse("").error().what, "no certificate in the text");
  EXPECT_EQ(Certificate::parse(file("leaf.key")).error().what, "no certificate in the text");
  EXPECT_EQ(Certificate::parse(file("leaf.pem") + file("ca.pem")).error().what,
            "more than one certificate in the text");
}

TEST(Certificate, RefusesDamagedBlocks) {
  std::string damaged = file("leaf.pem");
  damaged[100] = '!';
  EXPECT_EQ(Certificate::parse(damaged).error().what, "malformed certificate");
  EXPECT_EQ(Certificate::parse_chain(file("ca.pem") + damaged).error().what, "malformed certificate");
  EXPECT_EQ(Certificate::parse(file("leaf.pem").substr(0, 500)).error().what, "malformed certificate");
}

TEST(Certificate, WritesItselfAsPem) {
  const Certificate leaf = certificate("leaf.pem");
  EXPECT_EQ(Certificate::parse(leaf.to_pem()).value().sha256_hex(), leaf.sha256_hex());
}

TEST(PrivateKey, BelongsToItsCertificateOnly) {
  EXPECT_TRUE(key("leaf.key").belongs_to(certificate("leaf.pem")));
  EXPECT_TRUE(key("ed.key").belongs_to(certificate("ed.pem")));
  EXPECT_FALSE(key("leaf.key").belongs_to(certificate("ca.pem")));
  EXPECT_FALSE(key("ed.key").belongs_to(certificate("leaf.pem")));
}

TEST(PrivateKey, TellsTypeAndSize) {
  EXPECT_EQ(key("leaf.key").type(), KeyType::Rsa);
  EXPECT_EQ(key("leaf.key").bits(), 2048);
  EXPECT_EQ(key("ed.key").type(), KeyType::Ed25519);
}

TEST(PrivateKey, RefusesEncryptedAndMalformedOnesWithoutAsking) {
  EXPECT_EQ(PrivateKey::parse(file("encrypted.key")).error().what, "encrypted private keys are not supported");
  EXPECT_EQ(PrivateKey::parse("x").error().what, "malformed private key");
  EXPECT_EQ(PrivateKey::parse(file("ca.pem")).error().what, "malformed private key");
}

}  // namespace
}  // namespace sluice::crypto
