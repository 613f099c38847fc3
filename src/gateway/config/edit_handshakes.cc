// SPDX-License-Identifier: Apache-2.0
// What TLS handshakes of a generation show and ask.
#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "gateway/config/client_policies.h"
#include "gateway/config/edit.h"
#include "gateway/config/plugin_check.h"
#include "gateway/config/secrets.h"
#include "net/tls/identity.h"

namespace sluice::gateway {
namespace {

constexpr unsigned kTlsBits = kHttpsBit | kGrpcsBit | kTlsBit | kWssBit;

Result<std::shared_ptr<const net::tls::IdentitySet>> identities_of(const CertificateConfig& config) {
  TRY(auto first, net::tls::Identity::from_pem(config.cert, config.key));
  if (config.cert_alt.empty()) return net::tls::IdentitySet::of(std::move(first));
  TRY(auto second, net::tls::Identity::from_pem(config.cert_alt, config.key_alt));
  return net::tls::IdentitySet::of(std::move(first), std::move(second));
}

bool same_texts(const CertificateConfig& a, const CertificateConfig& b) {
  return a.cert == b.cert && a.key == b.key && a.cert_alt == b.cert_alt && a.key_alt == b.key_alt;
}

/// Whether the row asks for certificates of the route's clients.
bool asks(const PluginConfig& row, const RouteConfig& route) {
  return row.descriptor->client_certificate && (row.protocols & route.RouteFacts::protocols & kTlsBits) != 0;
}

bool asks(const PluginRows* rows, const RouteConfig& route) {
  return rows != nullptr && std::ranges::any_of(*rows, [&](const auto& row) { return asks(*row, route); });
}

/// What a row asks, it asks of the names of the route; of all where the route has none, or decides by an expression.
void add_route(ClientPoliciesBuilder& policies, const PluginRows* rows, const RouteConfig& route) {
  if (rows == nullptr) return;
  for (const Shared<const PluginConfig>& row : *rows) {
    if (!asks(*row, route)) continue;
    const ClientCertificateRequest request = row->descriptor->client_certificate(row->config);
    if (route.snis.empty() || !route.expression.empty()) policies.add("*", request);
    for (const std::string& sni : route.snis) policies.add(sni, request);
  }
}

}  // namespace

void Edit::certificate(const Change& change) {
  policy_changed();
  ++next_->certificate_epoch;
  if (change.after == nullptr) {
    next_->certificates.erase(change.id);
    return;
  }
  auto certificate = Shared<CertificateConfig>::make();
  Json resolved = resolve_secrets(*change.after, *next_, change.workspace);
  certificate->id = change.id;
  certificate->cert = text(resolved, "cert");
  certificate->key = text(resolved, "key");
  certificate->cert_alt = text(resolved, "cert_alt");
  certificate->key_alt = text(resolved, "key_alt");
  const auto* present = next_->certificates.find(change.id);
  if (present != nullptr && same_texts(**present, *certificate)) {
    certificate->identities = (*present)->identities;  // with what is stapled to it
  } else if (auto identities = identities_of(*certificate)) {
    certificate->identities = *std::move(identities);
  } else {
    log::error("certificate.unusable", {{"certificate", change.id.to_string()}, {"error", identities.error()}});
  }
  next_->certificates.insert(change.id, std::move(certificate));
}

void Edit::sni(const Change& change) {
  policy_changed();
  ++next_->certificate_epoch;  // a certificate is watched when it has a name
  auto name_of = [](const Json& document) { return to_lower(text(document, "name")); };
  if (change.before != nullptr) {
    const std::string name = name_of(*change.before);
    const SniConfig* present = next_->certificate_by_sni.find(name);
    if (present != nullptr && present->row == change.id) next_->certificate_by_sni.erase(name);  // not another's by now
  }
  if (change.after != nullptr) {
    next_->certificate_by_sni.insert(name_of(*change.after), {change.id, reference(*change.after, "certificate")});
  }
}

/// Services' upstreams and clients are compared with it.
void Edit::ca_certificate(const Change& change) {
  policy_changed();
  asking_changed_ = true;
  if (change.after == nullptr) {
    next_->authorities.erase(change.id);
    return;
  }
  if (auto certificate = crypto::Certificate::parse(text(*change.after, "cert"))) {
    next_->authorities.insert(change.id, Shared<AuthorityConfig>::make(*std::move(certificate)));
  } else {
    log::error("ca_certificate.unusable", {{"ca_certificate", change.id.to_string()}, {"error", certificate.error()}});
    next_->authorities.erase(change.id);
  }
}

/// A row that asks for certificates of clients came (null: went).
void Edit::note_asking(const Uuid& id, const Shared<const PluginConfig>* row) {
  const Shared<const PluginConfig>* known = row != nullptr ? row : next_->asking_plugins.find(id);
  if (known == nullptr || !(*known)->descriptor->client_certificate) return;
  asking_changed_ = true;
  const PluginConfig& scope = **known;
  if (!scope.route.is_nil()) {
    routes_to_ask_.push_back(scope.route);
  } else if (!scope.service.is_nil()) {
    services_to_ask_.insert(scope.service);
  }
  if (row != nullptr) {
    next_->asking_plugins.insert(id, *row);
  } else {
    next_->asking_plugins.erase(id);
  }
}

bool Edit::asks_clients(const RouteConfig& route) const {
  return asks(next_->plugins_at(route.id.value), route) ||
         (!route.service.id.is_nil() && asks(next_->plugins_at(route.service.id), route));
}

/// Notes whether a route's clients are asked; true when they are, or were.
bool Edit::update_asking(const Uuid& id) {
  const auto* route = next_->routes_by_id.find(id);
  const bool were = next_->asking_routes.contains(id);
  const bool are = route != nullptr && asks_clients(**route);
  if (are && !were) next_->asking_routes.insert(id, true);
  if (were && !are) next_->asking_routes.erase(id);
  return were || are;
}

/// Costs what changed, as long as no row for a service came or went and no route is concerned.
void Edit::rebuild_client_policies() {
  if (next_->asking_plugins.empty() && next_->client_policies == nullptr) return;
  bool changed = asking_changed_;
  if (!services_to_ask_.empty()) {
    for (const auto& entry : next_->routes_by_id) {
      if (services_to_ask_.contains(entry.value->service.id)) routes_to_ask_.push_back(entry.key);
    }
  }
  for (const std::vector<Uuid>* ids : {&routes_changed_, &routes_removed_, &routes_to_ask_}) {
    for (const Uuid& id : *ids) changed = update_asking(id) || changed;
  }
  if (changed) next_->client_policies = make_client_policies();
}

std::shared_ptr<const ClientPolicies> Edit::make_client_policies() const {
  ClientPoliciesBuilder policies([this](const Uuid& id) {
    const auto rows = next_->rows.find("ca_certificates");
    const StoredRow* row = rows != next_->rows.end() ? rows->second.find(id) : nullptr;
    auto parsed = row != nullptr ? parse_json(*row->document) : Result<Json>(Json());
    return parsed ? text(*parsed, "cert") : std::string();
  });
  for (const auto& entry : next_->asking_plugins) {
    const PluginConfig& row = *entry.value;
    const bool global = row.route.is_nil() && row.service.is_nil();
    if (global && (row.protocols & kTlsBits) != 0) policies.add("*", row.descriptor->client_certificate(row.config));
  }
  for (const auto& entry : next_->asking_routes) {
    const RouteConfig& route = **next_->routes_by_id.find(entry.key);
    add_route(policies, next_->plugins_at(route.id.value), route);
    if (!route.service.id.is_nil()) add_route(policies, next_->plugins_at(route.service.id), route);
  }
  return policies.finish();
}

}  // namespace sluice::gateway
