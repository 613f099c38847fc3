// SPDX-License-Identifier: Apache-2.0
#include "entity/ca_certificate.h"

#include "crypto/pem.h"
#include "entity/pem.h"

namespace sluice::entity {

void CaCertificate::describe(schema::Entity<CaCertificate>& e) {
  e.doc("A certificate authority that upstreams or clients may be verified against.");
  e.shared_by_workspaces();
  e.identity<&CaCertificate::id>();
  e.created_at<&CaCertificate::created_at>();
  e.updated_at<&CaCertificate::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.field<&CaCertificate::cert>("cert", "PEM of the one certificate.").required().rule(schema::text(check_certificate));
  e.field<&CaCertificate::cert_digest>("cert_digest", "SHA-256 of its DER form.").optional().unique();
  e.tags<&CaCertificate::tags>();
  e.check(schema::custom_check([](const schema::CheckInput& input) {
    const Json* cert = input.find("cert");
    return cert != nullptr ? check_authority(cert->as_string()) : std::nullopt;
  }));
  e.normalize([](Json::Object& document, const Json*, schema::Violations&) {
    const auto certificate = crypto::Certificate::parse(document.find("cert")->as_string());
    if (certificate) document.set("cert_digest", certificate->sha256_hex());
  });
}

}  // namespace sluice::entity
