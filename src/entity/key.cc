// SPDX-License-Identifier: Apache-2.0
#include "entity/key.h"

#include "entity/pem.h"

namespace sluice::entity {
namespace {

std::optional<std::string> check_jwk(const schema::CheckInput& input) {
  const Json* jwk = input.find("jwk");
  const Json* kid = input.find("kid");
  if (jwk == nullptr || kid == nullptr || schema::is_reference(jwk->as_string())) return std::nullopt;
  const auto parsed = parse_json(jwk->as_string());
  if (!parsed || !parsed->is_object()) return "could not load JWK, likely not a valid key";
  const Json* own = parsed->find("kid");
  if (own == nullptr || !(*own == *kid)) return "kid in jwk.kid must be equal to keys.kid";
  return std::nullopt;
}

}  // namespace

void KeySet::describe(schema::Entity<KeySet>& e) {
  e.doc("Keys that belong together.");
  e.plural("key-sets");
  e.identity<&KeySet::id, &KeySet::name>("name", "Its name.").rule(schema::utf8_name());
  e.find_field("id")->since = {schema::kong(3, 1)};  // and with it the type
  e.created_at<&KeySet::created_at>();
  e.updated_at<&KeySet::updated_at>();
  e.tags<&KeySet::tags>();
}

void PemKey::describe(schema::Record<PemKey>& r) {
  r.doc("A key pair, or half of one, in PEM.");
  r.field<&PemKey::private_key>("private_key", "The private key.")
      .optional()
      .referenceable()
      .encrypted()
      .rule(schema::text(check_private_key));
  r.field<&PemKey::public_key>("public_key", "The public key.").optional().referenceable();
  r.check(schema::at_least_one_of({"private_key", "public_key"}));
}

void Key::describe(schema::Entity<Key>& e) {
  e.doc("An asymmetric key that plugins look up by its kid.");
  e.cache_key({"kid", "set"});
  e.identity<&Key::id, &Key::name>("name", "Its name.").rule(schema::utf8_name());
  e.find_field("id")->since = {schema::kong(3, 1)};  // and with it the type
  e.created_at<&Key::created_at>();
  e.updated_at<&Key::updated_at>();
  e.belongs_to<&Key::set>("set", schema::OnDelete::Cascade, "The set it belongs to.");
  e.field<&Key::kid>("kid", "What tokens call it.").required();
  e.field<&Key::jwk>("jwk", "The key as JSON Web Key, RFC 7517.").optional().referenceable().encrypted();
  e.field<&Key::pem>("pem", "The key in PEM.");
  e.tags<&Key::tags>();
  e.check(schema::only_one_of({"jwk", "pem"}));
  e.check(schema::custom_check(check_jwk));
}

}  // namespace sluice::entity
