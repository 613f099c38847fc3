// SPDX-License-Identifier: Apache-2.0
#include "net/tls/identity.h"

#include <utility>

namespace sluice::net::tls {

Identity::Identity(std::vector<crypto::Certificate> chain, crypto::PrivateKey key)
    : chain_(std::move(chain)),
      key_(std::move(key)),
      print_(chain_.front().sha256_hex()),
      issuers_(sk_X509_new_null()) {
  for (std::size_t i = 1; i < chain_.size(); ++i) sk_X509_push(issuers_.get(), chain_[i].handle());
}

Result<Identity> Identity::from_pem(std::string_view chain, std::string_view key) {
  TRY(auto certificates, crypto::Certificate::parse_chain(chain));
  TRY(auto private_key, crypto::PrivateKey::parse(key));
  if (!private_key.belongs_to(certificates.front())) return fail(Errc::Invalid, "certificate does not match key");
  return Identity(std::move(certificates), std::move(private_key));
}

Result<> Identity::apply(SSL_CTX* target) const {
  if (SSL_CTX_use_cert_and_key(target, leaf().handle(), key_.handle(), issuers_.get(), 1) != 1) {
    return config_failure("certificate is not usable");
  }
  return {};
}

bool Identity::apply(SSL* target) const {
  return SSL_use_cert_and_key(target, leaf().handle(), key_.handle(), issuers_.get(), 1) == 1;
}

std::shared_ptr<const IdentitySet> IdentitySet::of(Identity only) {
  auto set = std::make_shared<IdentitySet>();
  set->identities_.push_back(std::move(only));
  return set;
}

Result<std::shared_ptr<const IdentitySet>> IdentitySet::of(Identity first, Identity second) {
  if (first.key_type() == second.key_type()) {
    return fail(Errc::Invalid, "both certificates have the same type of key");
  }
  auto set = std::make_shared<IdentitySet>();
  set->identities_.push_back(std::move(first));
  set->identities_.push_back(std::move(second));
  return set;
}

}  // namespace sluice::net::tls
