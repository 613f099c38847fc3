// SPDX-License-Identifier: Apache-2.0
#include "crypto/pem.h"

#include "input.h"

/// Certificates and keys that operators, or whoever reaches the Admin API, hand us.
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text = fuzz::text_of(data, size);
  if (auto chain = crypto::Certificate::parse_chain(text)) {
    fuzz::expect(!chain->empty(), "at least one certificate");
    const crypto::Certificate& leaf = chain->front();
    (void)leaf.names();
    (void)leaf.subject();
    (void)leaf.issuer();
    (void)leaf.serial();
    (void)leaf.is_ca();
    (void)leaf.key_type();
    (void)leaf.not_before();
    (void)leaf.not_after();
    auto again = crypto::Certificate::parse(leaf.to_pem());
    fuzz::expect(again && again->sha256_hex() == leaf.sha256_hex(), "the same certificate there and back");
    if (auto key = crypto::PrivateKey::parse(text)) (void)key->belongs_to(leaf);
  }
  if (auto key = crypto::PrivateKey::parse(text)) {
    (void)key->type();
    (void)key->bits();
  }
  return 0;
}
