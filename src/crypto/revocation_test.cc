// SPDX-License-Identifier: Apache-2.0
#include "crypto/revocation.h"

#include <ctime>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "crypto/certificate_fixture.h"

namespace sluice::crypto {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Status = RevocationAnswer::Status;

struct ListTerms {
  std::vector<Certificate> revoked = {};
  long age_s = 10;
  long next_update_s = 600;
  bool pem = false;
};

std::string list_of(const TestAuthority& authority, const ListTerms& terms) {
  X509_CRL* list = X509_CRL_new();
  X509_CRL_set_version(list, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list, X509_get_subject_name(authority.certificate().handle()));
  ASN1_TIME* begin = X509_gmtime_adj(nullptr, -terms.age_s);
  ASN1_TIME* end = X509_gmtime_adj(nullptr, terms.next_update_s);
  X509_CRL_set1_lastUpdate(list, begin);
  X509_CRL_set1_nextUpdate(list, end);
  for (const Certificate& certificate : terms.revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.handle()));
    X509_REVOKED_set_revocationDate(entry, begin);
    X509_CRL_add0_revoked(list, entry);
  }
  X509_CRL_sign(list, authority.key(), EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  if (terms.pem) {
    PEM_write_bio_X509_CRL(out, list);
  } else {
    i2d_X509_CRL_bio(out, list);
  }
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string octets(data, static_cast<std::size_t>(size));
  BIO_free_all(out);
  ASN1_TIME_free(begin);
  ASN1_TIME_free(end);
  X509_CRL_free(list);
  return octets;
}

class RevocationList : public testing::Test {
 protected:
  [[nodiscard]] std::string judged(const std::string& list) const {
    const auto answer = judge_list(list, leaf, ca.certificate());
    if (!answer) return answer.error().what;
    return answer->status == Status::Good ? "good" : answer->status == Status::Revoked ? "revoked" : "unknown";
  }
  TestAuthority ca{"ca"};
  TestAuthority other{"other"};
  Certificate leaf = ca.issue({});
};

TEST_F(RevocationList, TellsRevokedCertificatesFromOthers) {
  EXPECT_EQ(judged(list_of(ca, {})), "good");
  EXPECT_EQ(judged(list_of(ca, {.revoked = {ca.issue({})}})), "good");
  EXPECT_EQ(judged(list_of(ca, {.revoked = {ca.issue({}), leaf}})), "revoked");
  EXPECT_EQ(judged(list_of(ca, {.revoked = {leaf}, .pem = true})), "revoked");
}

TEST_F(RevocationList, SaysWhenTheNextOneComes) {
  const auto answer = judge_list(list_of(ca, {.next_update_s = 600}), leaf, ca.certificate());
  ASSERT_TRUE(answer);
  EXPECT_NEAR(static_cast<double>(answer->next_update_s), static_cast<double>(std::time(nullptr) + 600), 5);
}

TEST_F(RevocationList, IsBelievedFromTheIssuerAlone) {
  const TestAuthority namesake("ca");
  EXPECT_THAT(judged(list_of(namesake, {})), HasSubstr("CRL signature failure"));
  EXPECT_THAT(judged(list_of(other, {.revoked = {leaf}})), HasSubstr("unable to get certificate CRL"));
}

TEST_F(RevocationList, IsBelievedInItsTimeAlone) {
  EXPECT_THAT(judged(list_of(ca, {.age_s = 700, .next_update_s = -60})), HasSubstr("CRL has expired"));
  EXPECT_THAT(judged(list_of(ca, {.age_s = -60})), HasSubstr("CRL is not yet valid"));
}

TEST_F(RevocationList, MayNotBeAnything) {
  EXPECT_EQ(judged(""), "malformed list of revoked certificates");
  EXPECT_EQ(judged("<html>"), "malformed list of revoked certificates");
}

TEST(RevocationSources, AreThoseThatCanBeFetched) {
  const TestAuthority ca("ca");
  const RevocationSources sources = revocation_sources(
      ca.issue({.extensions = {{NID_info_access, "OCSP;URI:http://a.test/ocsp,caIssuers;URI:http://a.test/ca"},
                               {NID_crl_distribution_points,
                                "URI:ldap://a.test/x,URI:https://a.test/1.crl,URI:http://b/2.crl"}}}));
  EXPECT_THAT(sources.responders, ElementsAre("http://a.test/ocsp"));
  EXPECT_THAT(sources.lists, ElementsAre("https://a.test/1.crl", "http://b/2.crl"));
  EXPECT_THAT(revocation_sources(ca.issue({})).responders, ElementsAre());
}

}  // namespace
}  // namespace sluice::crypto
