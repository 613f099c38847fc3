// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "base/strings.h"
#include "crypto/presented_certificate.h"
#include "plugins/all.h"
#include "plugins/plugin_testing.h"

namespace sluice::plugins {
namespace {

using testing::Call;
using testing::Shard;

// Subject CN=client.test,O=Tests; serial 0x0ABC.
constexpr std::string_view kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBkTCCATegAwIBAgICCrwwCgYIKoZIzj0EAwIwJjEOMAwGA1UECgwFVGVzdHMx
FDASBgNVBAMMC2NsaWVudC50ZXN0MCAXDTI2MTEyMjAwNDk0NFoYDzIxMjYxMDI5
MDA0OTQ0WjAmMQ4wDAYDVQQKDAVUZXN0czEUMBIGA1UEAwwLY2xpZW50LnRlc3Qw
WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR5KE17VDZlTXl9rcq8e/wyPHLhEDgM
T5BFw/UUEYGKDooWBzEtyU3ErYE2WCKBQhTwhpeMuGMxrQOI/cbMA8Lqo1MwUTAd
BgNVHQ4EFgQUk412x6DNbAsmk0VSJrQIowF7Cg8wHwYDVR0jBBgwFoAUk412x6DN
bAsmk0VSJrQIowF7Cg8wDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF
AiBR7cn6M2cuDUXRXql4GEuavqrJaqDcBJ3ms+FU81V40gIhAOfOOmiXxZSzPZdA
TxrU1WCipCaapYVp3KXqLieOdi45
-----END CERTIFICATE-----
)";

class TlsMetadataHeaders : public ::testing::Test {
 protected:
  Shard shard;
  const crypto::PresentedCertificate shown{*crypto::Certificate::parse_chain(kCertificate), "FAILED:not verified"};
};

TEST_F(TlsMetadataHeaders, TellsTheUpstreamWhatTheCertificateSays) {
  auto plugin = shard.make(add_tls_metadata_headers, R"({"inject_client_cert_details":true})");
  Call call(shard, "GET", "/");
  call.ex.client.certificate = &shown;
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Subject-DN"), "CN=client.test,O=Tests");
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Issuer-DN"), "CN=client.test,O=Tests");
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Serial"), "0ABC");
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Fingerprint"), "cdff7454c6b87809406980b4d5bb7de0d5be12b4");
  const std::string pem = call.upstream_header("X-Client-Cert");
  EXPECT_TRUE(pem.starts_with("-----BEGIN%20CERTIFICATE-----%0A")) << pem;
  EXPECT_TRUE(pem.ends_with("-----END%20CERTIFICATE-----%0A")) << pem;
  EXPECT_EQ(*percent_decode(pem), shown.chain().front().to_pem());
}

TEST_F(TlsMetadataHeaders, TakesAwayWhatTheClientClaims) {
  auto plugin = shard.make(add_tls_metadata_headers,
                           R"({"inject_client_cert_details":true,"client_serial_header_name":"X-Serial"})");
  Call call(shard, "GET", "/", {{"X-Client-Cert-Subject-DN", "CN=root"}, {"x-serial", "1"}, {"X-Other", "stays"}});
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Subject-DN"), "(none)");
  EXPECT_EQ(call.upstream_header("X-Serial"), "(none)");
  EXPECT_EQ(call.upstream_header("X-Other"), "stays");
}

TEST_F(TlsMetadataHeaders, ReplacesWhatTheClientClaims) {
  auto plugin = shard.make(add_tls_metadata_headers, R"({"inject_client_cert_details":true})");
  Call call(shard, "GET", "/", {{"X-Client-Cert-Serial", "1"}, {"x-client-cert-serial", "2"}});
  call.ex.client.certificate = &shown;
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Client-Cert-Serial"), "0ABC");
}

TEST_F(TlsMetadataHeaders, DoesNothingUntilToldTo) {
  auto plugin = shard.make(add_tls_metadata_headers, "{}");
  Call call(shard, "GET", "/");
  call.ex.client.certificate = &shown;
  call.request_hook(*plugin);
  EXPECT_EQ(call.upstream_header("X-Client-Cert"), "(none)");
}

TEST_F(TlsMetadataHeaders, MatchesThePublishedContract) {
  testing::expect_contract(add_tls_metadata_headers, "TlsMetadataHeaders");
}

}  // namespace
}  // namespace sluice::plugins
