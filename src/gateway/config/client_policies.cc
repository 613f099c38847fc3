// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/client_policies.h"

#include <cstddef>
#include <vector>

#include "base/log.h"
#include "base/strings.h"

namespace sluice::gateway {
namespace {

/// Calls `visit` with each pattern that matches `name`, the closest first, until it returns true. What is wider than a
/// wildcard matches the wildcard's own text.
template <class Visit>
void visit_patterns(std::string_view name, Visit visit) {
  if (visit(name)) return;
  for (std::size_t dot = name.find('.'); dot != name.npos; dot = name.find('.', dot + 1)) {
    if (visit("*" + std::string(name.substr(dot)))) return;
  }
  for (std::size_t dot = name.rfind('.'); dot != name.npos && dot > 0; dot = name.rfind('.', dot - 1)) {
    if (visit(std::string(name.substr(0, dot)) + ".*")) return;
  }
  visit(std::string_view("*"));
}

/// As names are compared: in lower case, without the dot that may stand for the root.
std::string plain_name(std::string_view name) {
  std::string plain = to_lower(name);
  if (plain.ends_with('.')) plain.pop_back();
  return plain;
}

}  // namespace

ClientPolicies::Policy ClientPolicies::find(std::string_view server_name) const {
  Policy found;
  visit_patterns(server_name, [&](std::string_view pattern) {
    const auto entry = by_pattern_.find(pattern);
    if (entry != by_pattern_.end()) found = entry->second;
    return found != nullptr;
  });
  return found;
}

bool ClientPolicies::is_misdirected(std::string_view host, const net::TlsInfo& connection) const {
  const std::string name = plain_name(host);
  // A connection of the same name is good enough: what it shows is judged request by request anyway.
  if (connection.client_policy && plain_name(connection.sni) == name) return false;
  const Policy needed = find(name);
  return needed && (!connection.client_policy || !needed->same_as(*connection.client_policy));
}

void ClientPoliciesBuilder::Wish::join(const Wish& other) {
  authorities.insert(other.authorities.begin(), other.authorities.end());
  names_them = names_them && other.names_them;
}

void ClientPoliciesBuilder::add(std::string_view pattern, const ClientCertificateRequest& request) {
  wishes_[plain_name(pattern)].join({.authorities = {request.authorities.begin(), request.authorities.end()},
                                     .names_them = request.names_authorities && !request.authorities.empty()});
}

std::shared_ptr<const ClientPolicies> ClientPoliciesBuilder::finish() {
  if (wishes_.empty()) return nullptr;
  auto made = std::make_shared<ClientPolicies>();
  for (const auto& [pattern, own] : wishes_) {
    Wish all = own;
    visit_patterns(pattern, [&](std::string_view wider) {
      if (const auto entry = wishes_.find(wider); entry != wishes_.end()) all.join(entry->second);
      return false;
    });
    made->by_pattern_.emplace(pattern, policy_for(all));
  }
  return made;
}

ClientPolicies::Policy ClientPoliciesBuilder::policy_for(const Wish& wish) {
  auto policy = std::make_shared<net::tls::ClientPolicy>();
  if (!wish.authorities.empty()) policy->trust = store_of(wish.authorities);
  if (wish.names_them) policy->named = policy->trust;
  return policy;
}

/// One that is not usable trusts nobody: what cannot be judged has not been verified.
std::shared_ptr<const net::tls::TrustStore> ClientPoliciesBuilder::store_of(const Authorities& authorities) {
  auto& store = stores_[authorities];
  if (store) return store;
  std::vector<std::string> texts;
  for (const Uuid& id : authorities) {
    if (std::string text = authority_(id); !text.empty()) texts.push_back(std::move(text));
  }
  auto made = net::tls::TrustStore::from_pem(texts);
  if (!made) {
    log::error("ca_certificate.unusable", {{"error", made.error()}});
    made = net::tls::TrustStore::from_pem({});
  }
  store = made ? *std::move(made) : nullptr;
  return store;
}

}  // namespace sluice::gateway
