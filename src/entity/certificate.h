// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "schema/entity.h"

namespace sluice::entity {

/// A certificate chain with its private key, shown to clients (chosen by SNI) or to upstreams.
struct Certificate {
  static constexpr std::string_view kName = "certificates";

  schema::Id<Certificate> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string cert;             // PEM
  Secret<std::string> key;      // PEM
  std::string cert_alt;         // PEM; empty: none
  Secret<std::string> key_alt;  // PEM
  std::vector<std::string> tags;

  static void describe(schema::Entity<Certificate>& e);
};

}  // namespace sluice::entity
