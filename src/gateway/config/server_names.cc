// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/server_names.h"

#include "gateway/config/client_policies.h"
#include "net/tls/name_patterns.h"

namespace sluice::gateway {

std::shared_ptr<const net::tls::IdentitySet> ServerNames::find(std::string_view server_name) const {
  return net::tls::find_by_name(server_name, [this](std::string_view pattern) {
    const SniConfig* sni = snapshot_->certificate_by_sni.find(pattern);
    const auto* certificate = sni != nullptr ? snapshot_->certificates.find(sni->certificate) : nullptr;
    return certificate != nullptr ? (*certificate)->identities : nullptr;
  });
}

std::shared_ptr<const net::tls::ClientPolicy> ServerNames::clients(std::string_view server_name) const {
  return snapshot_->client_policies ? snapshot_->client_policies->find(server_name) : nullptr;
}

}  // namespace sluice::gateway
