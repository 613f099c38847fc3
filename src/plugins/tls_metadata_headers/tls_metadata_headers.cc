// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <string_view>
#include <utility>

#include "crypto/presented_certificate.h"
#include "gateway/plugin.h"
#include "plugins/all.h"

namespace sluice::plugins {
using namespace gateway;

namespace {

/// Tells the upstream what the client's certificate says. A certificate of this connection alone: what the client
/// itself sent under these names never goes upstream.
class TlsMetadataHeaders final : public Plugin {
 public:
  static constexpr std::string_view kName = "tls-metadata-headers";
  static constexpr int kPriority = 996;
  static constexpr Scope kScopes = kRoute | kService;
  static constexpr std::string_view kProtocols[] = {"grpcs", "https", "tls"};
  static constexpr std::string_view kDefaultProtocols[] = {"grpcs", "https"};

  struct Config {
    bool inject_client_cert_details = false;
    std::string client_cert_header_name = "X-Client-Cert";
    std::string client_serial_header_name = "X-Client-Cert-Serial";
    std::string client_cert_issuer_dn_header_name = "X-Client-Cert-Issuer-DN";
    std::string client_cert_subject_dn_header_name = "X-Client-Cert-Subject-DN";
    std::string client_cert_fingerprint_header_name = "X-Client-Cert-Fingerprint";

    static void describe(schema::Record<Config>& r) {
      r.doc("Tells the upstream what the client's certificate says, in headers.");
      r.field<&Config::inject_client_cert_details>("inject_client_cert_details", "Send the headers.").optional();
      auto header = [&r]<auto Member>(const char* name, const char* doc) {
        r.template field<Member>(name, doc).optional().rule(schema::header_name());
      };
      header.template operator()<&Config::client_cert_header_name>("client_cert_header_name",
                                                                   "Header for the certificate: PEM, percent-encoded.");
      header.template operator()<&Config::client_serial_header_name>(
          "client_serial_header_name", "Header for its serial number, in hexadecimal digits.");
      header.template operator()<&Config::client_cert_issuer_dn_header_name>("client_cert_issuer_dn_header_name",
                                                                             "Header for the issuer's name.");
      header.template operator()<&Config::client_cert_subject_dn_header_name>("client_cert_subject_dn_header_name",
                                                                              "Header for the subject's name.");
      header.template operator()<&Config::client_cert_fingerprint_header_name>("client_cert_fingerprint_header_name",
                                                                               "Header for the SHA-1 fingerprint.");
    }
  };

  explicit TlsMetadataHeaders(Config config) : config_(std::move(config)) {}

  Task<Verdict> on_request(Exchange& ex) override {
    if (!config_.inject_client_cert_details) return Next{};
    const crypto::PresentedCertificate* shown = ex.client.certificate;
    auto tell = [&](const std::string& name, std::string_view value) {
      if (shown != nullptr) {
        ex.request.headers.set(name, value);
      } else {
        ex.request.headers.remove(name);
      }
    };
    tell(config_.client_cert_header_name, shown != nullptr ? shown->escaped_pem() : "");
    tell(config_.client_serial_header_name, shown != nullptr ? shown->serial() : "");
    tell(config_.client_cert_issuer_dn_header_name, shown != nullptr ? shown->issuer() : "");
    tell(config_.client_cert_subject_dn_header_name, shown != nullptr ? shown->subject() : "");
    tell(config_.client_cert_fingerprint_header_name, shown != nullptr ? shown->fingerprint() : "");
    return Next{};
  }

 private:
  const Config config_;
};

}  // namespace

void add_tls_metadata_headers(PluginRegistry& registry) {
  registry.add<TlsMetadataHeaders>();
}

}  // namespace sluice::plugins
