// SPDX-License-Identifier: Apache-2.0
#include "entity/certificate.h"

#include "crypto/pem.h"
#include "entity/pem.h"

namespace sluice::entity {
namespace {

const std::string* text_of(const schema::CheckInput& input, std::string_view name) {
  const Json* value = input.find(name);
  if (value == nullptr || !value->is_string() || schema::is_reference(value->as_string())) return nullptr;
  return &value->as_string();
}

std::optional<std::string> mismatch(const schema::CheckInput& input, std::string_view cert, std::string_view key) {
  const auto* certificate = text_of(input, cert);
  const auto* private_key = text_of(input, key);
  if (certificate == nullptr || private_key == nullptr) return std::nullopt;
  const auto chain = crypto::Certificate::parse_chain(*certificate);
  const auto parsed_key = crypto::PrivateKey::parse(*private_key);
  if (chain && parsed_key && parsed_key->belongs_to(chain->front())) return std::nullopt;
  return cert == "cert" ? "certificate does not match key" : "alternative certificate does not match key";
}

std::optional<std::string> same_type(const schema::CheckInput& input) {
  const auto* first = text_of(input, "cert");
  const auto* second = text_of(input, "cert_alt");
  if (first == nullptr || second == nullptr) return std::nullopt;
  const auto chain = crypto::Certificate::parse_chain(*first);
  const auto other = crypto::Certificate::parse_chain(*second);
  if (!chain || !other || chain->front().key_type() != other->front().key_type()) return std::nullopt;
  return "certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), the provided "
         "certificates were both of the same type";
}

}  // namespace

void Certificate::describe(schema::Entity<Certificate>& e) {
  e.doc("A certificate chain with its private key.");
  e.identity<&Certificate::id>();
  e.created_at<&Certificate::created_at>();
  e.updated_at<&Certificate::updated_at>();
  e.find_field("updated_at")->since = {schema::kong(3, 3)};
  e.field<&Certificate::cert>("cert", "PEM of the chain, leaf first.")
      .required()
      .referenceable()
      .rule(schema::text(check_certificate));
  e.field<&Certificate::key>("key", "PEM of the private key.")
      .required()
      .referenceable()
      .encrypted()
      .rule(schema::text(check_private_key));
  e.field<&Certificate::cert_alt>("cert_alt", "A second chain, with a key of another type.")
      .optional()
      .referenceable()
      .rule(schema::text(check_certificate));
  e.field<&Certificate::key_alt>("key_alt", "The second chain's private key.")
      .optional()
      .referenceable()
      .encrypted()
      .rule(schema::text(check_private_key));
  e.tags<&Certificate::tags>();
  e.check(schema::mutually_required({"cert_alt", "key_alt"}));
  e.check(schema::custom_check([](const auto& input) { return mismatch(input, "cert", "key"); }));
  e.check(schema::custom_check([](const auto& input) { return mismatch(input, "cert_alt", "key_alt"); }));
  e.check(schema::custom_check(same_type));
}

}  // namespace sluice::entity
