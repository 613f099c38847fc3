// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/entity.h"

namespace sluice::entity {

/// A certificate authority that upstreams or clients may be verified against.
struct CaCertificate {
  static constexpr std::string_view kName = "ca_certificates";

  schema::Id<CaCertificate> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string cert;         // PEM
  std::string cert_digest;  // SHA-256 of the DER form, hexadecimal; computed
  std::vector<std::string> tags;

  static void describe(schema::Entity<CaCertificate>& e);
};

}  // namespace sluice::entity
