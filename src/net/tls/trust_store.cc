// SPDX-License-Identifier: Apache-2.0
#include "net/tls/trust_store.h"

#include <openssl/x509_vfy.h>

#include "crypto/hash.h"
#include "crypto/pem.h"

namespace sluice::net::tls {

Result<std::shared_ptr<const TrustStore>> TrustStore::from_pem(std::span<const std::string> texts) {
  auto trust = std::make_shared<TrustStore>();
  trust->store_.reset(X509_STORE_new());
  X509_STORE_set_flags(trust->store_.get(), X509_V_FLAG_PARTIAL_CHAIN);
  std::string prints;
  for (const std::string& text : texts) {
    TRY(auto certificates, crypto::Certificate::parse_chain(text));
    for (const crypto::Certificate& certificate : certificates) {
      if (X509_STORE_add_cert(trust->store_.get(), certificate.handle()) != 1) return config_failure("CA certificate");
      prints += certificate.sha256_hex();
    }
  }
  trust->digest_ = crypto::sha256_hex(prints);
  return trust;
}

Result<std::shared_ptr<const TrustStore>> TrustStore::system() {
  auto trust = std::make_shared<TrustStore>();
  trust->store_.reset(X509_STORE_new());
  if (X509_STORE_set_default_paths(trust->store_.get()) != 1) return config_failure("the system's CA certificates");
  trust->digest_ = "system";
  return trust;
}

STACK_OF(X509_NAME) * TrustStore::subjects() const {
  auto* names = sk_X509_NAME_new_null();
  auto* certificates = X509_STORE_get1_all_certs(store_.get());
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    sk_X509_NAME_push(names, X509_NAME_dup(X509_get_subject_name(sk_X509_value(certificates, i))));
  }
  sk_X509_pop_free(certificates, X509_free);
  return names;
}

}  // namespace sluice::net::tls
