// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "entity/consumer.h"
#include "schema/entity.h"

namespace sluice::entity {

/// An application that a consumer registered for OAuth 2.0. reference/gateway.md, 1.3.
struct Oauth2Credential {
  static constexpr std::string_view kName = "oauth2_credentials";

  schema::Id<Oauth2Credential> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string name;
  std::string client_id;
  std::string client_secret;
  bool hash_secret = false;
  std::optional<std::vector<std::string>> redirect_uris;
  std::string client_type = "confidential";
  std::vector<std::string> tags;

  static void describe(schema::Entity<Oauth2Credential>& e);
};

}  // namespace sluice::entity
