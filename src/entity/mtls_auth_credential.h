// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "entity/ca_certificate.h"
#include "entity/consumer.h"
#include "schema/entity.h"

namespace sluice::entity {

/// A name in client certificates that stands for a consumer, for the plugin mtls-auth. reference/gateway.md, 1.3.
struct MtlsAuthCredential {
  static constexpr std::string_view kName = "mtls_auth_credentials";

  schema::Id<MtlsAuthCredential> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string subject_name;
  schema::Ref<CaCertificate> ca_certificate;
  std::vector<std::string> tags;

  static void describe(schema::Entity<MtlsAuthCredential>& e) {
    using schema::OnDelete;
    e.doc("A name in client certificates that stands for a consumer.");
    e.plural("mtls-auths", "mtls-auth");
    e.cache_key({"subject_name", "ca_certificate"});
    e.identity<&MtlsAuthCredential::id>();
    e.created_at<&MtlsAuthCredential::created_at>();
    e.belongs_to<&MtlsAuthCredential::consumer>("consumer", OnDelete::Cascade, "Whose it is.").required();
    e.field<&MtlsAuthCredential::subject_name>("subject_name", "The name, as the certificate has it.").required();
    e.belongs_to<&MtlsAuthCredential::ca_certificate>("ca_certificate", OnDelete::Cascade,
                                                      "The only authority from which it is taken; null: any.");
    e.tags<&MtlsAuthCredential::tags>();
  }
};

}  // namespace sluice::entity
