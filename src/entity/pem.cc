// SPDX-License-Identifier: Apache-2.0
#include "entity/pem.h"

#include "base/time.h"
#include "crypto/pem.h"

namespace sluice::entity {

std::optional<std::string> check_certificate(std::string_view pem) {
  const auto chain = crypto::Certificate::parse_chain(pem);
  if (chain) return std::nullopt;
  return "invalid certificate: " + chain.error().what;
}

std::optional<std::string> check_private_key(std::string_view pem) {
  const auto key = crypto::PrivateKey::parse(pem);
  if (key) return std::nullopt;
  return "invalid key: " + key.error().what;
}

std::optional<std::string> check_authority(std::string_view pem) {
  const auto chain = crypto::Certificate::parse_chain(pem);
  if (!chain) return "invalid certificate: " + chain.error().what;
  if (chain->size() > 1) return "please submit only one certificate at a time";
  if (chain->front().not_after() < unix_seconds()) return "certificate expired, \"Not After\" time is in the past";
  if (!chain->front().is_ca()) {
    return "certificate does not appear to be a CA because it is missing the \"CA\" basic constraint";
  }
  return std::nullopt;
}

}  // namespace sluice::entity
