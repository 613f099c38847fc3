// SPDX-License-Identifier: Apache-2.0
#include "net/tls/client_policy.h"

namespace sluice::net::tls {
namespace {

bool same(const std::shared_ptr<const TrustStore>& a, const std::shared_ptr<const TrustStore>& b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->digest() == b->digest();
}

}  // namespace

bool ClientPolicy::same_as(const ClientPolicy& other) const {
  return same(trust, other.trust) && same(named, other.named) && verify_depth == other.verify_depth;
}

}  // namespace sluice::net::tls
