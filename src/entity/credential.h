// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "entity/consumer.h"
#include "schema/entity.h"

// What consumers identify themselves with, one struct for each authentication plugin. reference/gateway.md, 1.3.
namespace sluice::entity {

/// A key of the plugin key-auth.
struct KeyauthCredential {
  static constexpr std::string_view kName = "keyauth_credentials";

  schema::Id<KeyauthCredential> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string key;
  std::vector<std::string> tags;

  static void describe(schema::Entity<KeyauthCredential>& e);
};

/// A name and password of the plugin basic-auth.
struct BasicauthCredential {
  static constexpr std::string_view kName = "basicauth_credentials";

  schema::Id<BasicauthCredential> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string username;
  Secret<std::string> password;  // lower-case hexadecimal SHA-1 of password and consumer id
  std::vector<std::string> tags;

  static void describe(schema::Entity<BasicauthCredential>& e);
};

/// A name and secret of the plugin hmac-auth.
struct HmacauthCredential {
  static constexpr std::string_view kName = "hmacauth_credentials";

  schema::Id<HmacauthCredential> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string username;
  Secret<std::string> secret;
  std::vector<std::string> tags;

  static void describe(schema::Entity<HmacauthCredential>& e);
};

/// What verifies tokens of the plugin jwt that carry `key` as their issuer.
struct JwtSecret {
  static constexpr std::string_view kName = "jwt_secrets";

  schema::Id<JwtSecret> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string key;
  Secret<std::string> secret;
  std::string rsa_public_key;  // PEM
  std::string algorithm = "HS256";
  std::vector<std::string> tags;

  static void describe(schema::Entity<JwtSecret>& e);
};

/// A group that a consumer belongs to, for the plugin acl.
struct Acl {
  static constexpr std::string_view kName = "acls";

  schema::Id<Acl> id;
  std::int64_t created_at = 0;
  schema::Ref<Consumer> consumer;
  std::string group;
  std::vector<std::string> tags;

  static void describe(schema::Entity<Acl>& e);
};

}  // namespace sluice::entity
