// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <iterator>

#include "entity/all.h"
#include "entity/catalog_fixture.h"

namespace sluice::entity {
namespace {

std::string file(const std::string& name) {
  std::ifstream in("src/crypto/testdata/" + name);
  EXPECT_TRUE(in.good()) << name;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Certificates : public ::testing::Test {
 protected:
  std::string refused(std::string_view type, const Json::Object& input) {
    const auto result = catalog.find(type)->process(input);
    return result ? "accepted" : result.error().message();
  }
  const Catalog catalog{test_plugins()};
};

TEST_F(Certificates, MatchTheirKeys) {
  EXPECT_EQ(refused("certificates", {{"cert", file("leaf.pem")}, {"key", file("leaf.key")}}), "accepted");
  EXPECT_EQ(refused("certificates", {{"cert", file("leaf.pem")}, {"key", file("ed.key")}}),
            "schema violation (certificate does not match key)");
}

TEST_F(Certificates, AreReadable) {
  EXPECT_THAT(refused("certificates", {{"cert", "x"}, {"key", file("leaf.key")}}),
              ::testing::StartsWith("schema violation (cert: invalid certificate: "));
}

TEST_F(Certificates, MayStandInAVault) {
  EXPECT_EQ(refused("certificates", {{"cert", "{vault://env/cert}"}, {"key", "{vault://env/key}"}}), "accepted");
}

TEST_F(Certificates, HaveAnAlternativeWithItsKey) {
  const Json::Object input{{"cert", file("leaf.pem")}, {"key", file("leaf.key")}, {"cert_alt", file("ed.pem")}};
  EXPECT_EQ(refused("certificates", input),
            "schema violation (all or none of these fields must be set: 'cert_alt', 'key_alt')");
}

TEST_F(Certificates, OfAuthoritiesGetADigest) {
  const auto result = catalog.find("ca_certificates")->process(Json::Object{{"cert", file("ca.pem")}});
  ASSERT_TRUE(result.has_value()) << result.error().text();
  EXPECT_EQ(result->find("cert_digest")->as_string().size(), 64U);
  EXPECT_EQ(
      refused("ca_certificates", {{"cert", file("leaf.pem")}}),
      "schema violation (certificate does not appear to be a CA because it is missing the \"CA\" basic constraint)");
}

TEST_F(Certificates, KeysHaveOneForm) {
  EXPECT_EQ(refused("keys", {{"kid", "k"}}),
            "schema violation (exactly one of these fields must be non-empty: 'jwk', 'pem')");
  EXPECT_EQ(refused("keys", {{"kid", "k"}, {"jwk", R"({"kid":"other"})"}}),
            "schema violation (kid in jwk.kid must be equal to keys.kid)");
  EXPECT_EQ(refused("keys", {{"kid", "k"}, {"jwk", R"({"kid":"k","kty":"oct"})"}}), "accepted");
}

}  // namespace
}  // namespace sluice::entity
