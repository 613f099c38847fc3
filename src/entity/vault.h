// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schema/entity.h"

namespace sluice::entity {

/// Where `{vault://prefix/...}` references lead: a backend with its settings.
struct Vault {
  static constexpr std::string_view kName = "vaults";

  schema::Id<Vault> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string prefix;
  std::string name;  // the backend
  std::string description;
  Json config;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Vault>& e);
};

/// Settings of the backend "env": variables of the process.
struct EnvVault {
  std::string prefix;  // put before the name of every variable

  static void describe(schema::Record<EnvVault>& r);
};

}  // namespace sluice::entity
