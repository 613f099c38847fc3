// SPDX-License-Identifier: Apache-2.0
#include "entity/credential.h"

#include "crypto/hash.h"

namespace sluice::entity {
namespace {

template <class T>
void describe_owner(schema::Entity<T>& e) {
  e.template created_at<&T::created_at>();
  e.template belongs_to<&T::consumer>("consumer", schema::OnDelete::Cascade, "Whose it is.").required();
}

/// Kong's wire format: SHA-1 over the password followed by the consumer's id.
void hash_password(Json::Object& document, const Json* current, schema::Violations&) {
  Json& password = *document.find("password");
  const Json& consumer = *document.find("consumer");
  if (current != nullptr) {
    // An update that leaves the password alone merged in the stored hash.
    const Json* before = current->find("password");
    if (before != nullptr && *before == password) return;
  }
  password = crypto::sha1_hex(password.as_string() + consumer.find("id")->as_string());
}

}  // namespace

void KeyauthCredential::describe(schema::Entity<KeyauthCredential>& e) {
  e.doc("A key of the plugin key-auth.");
  e.plural("key-auths", "key-auth");
  e.identity<&KeyauthCredential::id, &KeyauthCredential::key>("key", "The key; made up unless given.").auto_random();
  describe_owner(e);
  e.tags<&KeyauthCredential::tags>();
  e.ttl();
}

void BasicauthCredential::describe(schema::Entity<BasicauthCredential>& e) {
  e.doc("A name and password of the plugin basic-auth.");
  e.plural("basic-auths", "basic-auth");
  e.identity<&BasicauthCredential::id, &BasicauthCredential::username>("username", "The name.").required();
  describe_owner(e);
  e.field<&BasicauthCredential::password>("password", "The password; stored and shown as a hash.")
      .required()
      .encrypted();
  e.tags<&BasicauthCredential::tags>();
  e.transform(hash_password);
}

void HmacauthCredential::describe(schema::Entity<HmacauthCredential>& e) {
  e.doc("A name and secret of the plugin hmac-auth.");
  e.plural("hmac-auths", "hmac-auth");
  e.identity<&HmacauthCredential::id, &HmacauthCredential::username>("username", "The name.").required();
  describe_owner(e);
  e.field<&HmacauthCredential::secret>("secret", "The secret; made up unless given.").auto_random();
  e.tags<&HmacauthCredential::tags>();
}

void JwtSecret::describe(schema::Entity<JwtSecret>& e) {
  using namespace schema;
  e.doc("What verifies tokens of the plugin jwt that carry `key` as their issuer.");
  e.plural("jwts", "jwt");
  e.identity<&JwtSecret::id, &JwtSecret::key>("key", "The issuer; made up unless given.").auto_random();
  describe_owner(e);
  e.field<&JwtSecret::secret>("secret", "The shared secret of HS algorithms.").auto_random();
  e.field<&JwtSecret::rsa_public_key>("rsa_public_key", "PEM of the public key of the other algorithms.").optional();
  e.field<&JwtSecret::algorithm>("algorithm", "How tokens are signed.")
      .rule(one_of({"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384",
                    "PS512", "EdDSA"}));
  e.tags<&JwtSecret::tags>();
  e.check(conditional("algorithm", one_of({"RS256", "RS384", "RS512"}), "rsa_public_key", schema::required()));
  e.check(conditional("algorithm", one_of({"PS256", "PS384", "PS512"}), "rsa_public_key", schema::required()));
  e.check(conditional("algorithm", one_of({"EdDSA"}), "rsa_public_key", schema::required()));
}

void Acl::describe(schema::Entity<Acl>& e) {
  e.doc("A group that a consumer belongs to, for the plugin acl.");
  e.cache_key({"consumer", "group"});
  e.identity<&Acl::id>();
  describe_owner(e);
  e.field<&Acl::group>("group", "The group's name.").required();
  e.tags<&Acl::tags>();
}

}  // namespace sluice::entity
