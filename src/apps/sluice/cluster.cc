// SPDX-License-Identifier: Apache-2.0
#include "cluster.h"

#include <utility>

#include "base/log.h"
#include "crypto/pem.h"
#include "http/accept_connection.h"
#include "net/tls/server_context.h"
#include "net/tls/trust_store.h"

namespace sluice::apps {
namespace {

using control::cluster::Hub;

/// The longest that a node may take for its handshake, from its turn on.
constexpr std::int64_t kHandshakeMs = 15'000;
/// So many at a time: ten thousand that come at once would all be late otherwise, and their work lost.
constexpr unsigned kHandshakesAtOnce = 64;
constexpr std::int64_t kLookForTurnMs = 5;

/// One of those under way, as long as it lives.
class Turn {
 public:
  explicit Turn(unsigned& count) : count_(count) { ++count_; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { --count_; }

 private:
  unsigned& count_;
};

control::cluster::LinkTerms link_terms(const settings::Settings& settings) {
  control::cluster::LinkTerms terms;
  // The settings were checked, and our own version is one.
  terms.kong = sync::wire::parse_product_version(settings.compat_version).value_or(sync::wire::ProductVersion{});
  terms.sluice = sync::wire::parse_product_version(SLUICE_VERSION).value_or(sync::wire::ProductVersion{});
  terms.rpc_sync = settings.cluster_rpc_sync;
  terms.strict = settings.cluster_strict;
  terms.max_payload = settings.cluster_max_payload.count;
  return terms;
}

Result<std::shared_ptr<const net::tls::ServerContext>> make_context(const PemPair& pair) {
  net::tls::ServerSettings tls;
  TRY(auto identity, net::tls::Identity::from_pem(pair.certificate, pair.key));
  tls.identity = net::tls::IdentitySet::of(std::move(identity));
  tls.alpn = {};
  tls.client_auth = net::tls::ClientAuth::Any;
  tls.policy = "cluster";
  // A ticket would outlive the certificate that earned it.
  tls.tickets = false;
  return net::tls::ServerContext::make(std::move(tls), nullptr);
}

}  // namespace

struct Cluster::Trust {
  std::shared_ptr<const net::tls::ServerContext> context;
  std::shared_ptr<const sync::Signer> signer;
  std::int64_t ends = 0;  // of the certificate, Unix seconds
  control::cluster::Door::Terms terms;

  static Result<std::shared_ptr<const Trust>> make(const settings::Settings& settings, const Materials& materials) {
    Trust trust;
    const PemPair& pair = *materials.cluster;
    TRY(trust.context, make_context(pair));
    TRY(trust.signer, sync::Signer::make(pair.certificate, Secret<std::string>(pair.key)));
    TRY(const auto chain, crypto::Certificate::parse_chain(pair.certificate));
    trust.terms.shared = settings.cluster_mtls == settings::ClusterMtls::Shared;
    for (const auto& certificate : chain) trust.terms.own_fingerprints.push_back(certificate.sha256_hex());
    trust.ends = chain.front().not_after();
    if (!trust.terms.shared && !materials.cluster_authorities.empty()) {
      TRY(trust.terms.trust, net::tls::TrustStore::from_pem(materials.cluster_authorities));
    }
    trust.terms.common_names = settings.cluster_allowed_common_names;
    return std::make_shared<const Trust>(std::move(trust));
  }
};

Cluster::Cluster(Parts parts) : parts_(std::move(parts)), door_(*this, {}), watch_(parts_.control) {
  options_.max_connections = 0;
}

Cluster::~Cluster() {
  parts_.planes.set_observer(nullptr);
}

Result<std::unique_ptr<Cluster>> Cluster::make(Parts parts, const Materials& materials) {
  std::unique_ptr<Cluster> made(new Cluster(std::move(parts)));
  TRY(made->reconfigure(materials));
  made->parts_.planes.set_observer(made.get());
  return made;
}

Result<> Cluster::reconfigure(const Materials& materials) {
  if (!materials.cluster) return {};
  TRY(trust_, Trust::make(parts_.settings, materials));
  door_.change(trust_->terms);
  watch_.watch(trust_->terms.own_fingerprints.front(), trust_->ends);
  for (const auto& [id, hub] : hubs_) hub->use_signer(trust_->signer);
  return {};
}

// Control planes
// -------------------------------------------------------------------------------------------------------------------

void Cluster::opened(control::planes::ControlPlane& plane) {
  Hub::Parts parts{.reactor = parts_.control,
                   .store = plane.store(),
                   .ledger = plane.publisher().ledger(),
                   .notes = &parts_.notes,
                   .replica = parts_.replica,
                   .signer = trust_->signer};
  auto& hub = hubs_[plane.id()];
  control::cluster::LinkTerms terms = link_terms(parts_.settings);
  terms.plugins = parts_.plugins;
  hub = std::make_shared<Hub>(plane.id(), std::move(parts), std::move(terms));
  hub->feed().start(plane.publisher().version());
  hub->keep_nodes(parts_.settings);
  plane.changes().add(hub->feed());
  plane.set_nodes(&hub->nodes());
}

void Cluster::closing(control::planes::ControlPlane& plane) {
  const auto found = hubs_.find(plane.id());
  if (found == hubs_.end()) return;
  plane.set_nodes(nullptr);
  plane.changes().remove(found->second->feed());
  found->second->close();
  hubs_.erase(found);
}

std::shared_ptr<Hub> Cluster::find(const Uuid& control_plane) const {
  const auto found = hubs_.find(control_plane);
  return found == hubs_.end() ? nullptr : found->second;
}

/// "<prefix>.cp.example.com": the first label is the control plane's.
std::shared_ptr<Hub> Cluster::by_server_name(std::string_view name) const {
  const auto* profile = parts_.planes.book().find_by_prefix(name.substr(0, name.find('.')));
  return profile != nullptr ? find(profile->id) : nullptr;
}

std::shared_ptr<Hub> Cluster::standard() const {
  return hubs_.at(parts_.planes.local().id());
}

std::vector<std::shared_ptr<Hub>> Cluster::by_certificate(std::string_view sha256) const {
  std::vector<std::shared_ptr<Hub>> hubs;
  for (const auto& pinned : parts_.planes.book().find_by_fingerprint(sha256)) {
    if (auto hub = find(pinned.control_plane)) hubs.push_back(std::move(hub));
  }
  return hubs;
}

std::vector<std::string> Cluster::issuers(const Hub& hub) const {
  std::vector<std::string> texts;
  const auto* profile = parts_.planes.book().find(hub.control_plane());
  if (profile == nullptr || profile->auth_type != "pki_client_certs") return texts;
  for (const auto& issuer : parts_.planes.certificates(hub.control_plane())) texts.push_back(issuer.pem);
  return texts;
}

// Connections
// -------------------------------------------------------------------------------------------------------------------

/// Whoever no control plane would take is gone before HTTP begins.
Task<Result<>> Cluster::prepare(net::Stream& stream, http::ConnectionInfo& info, std::string& early) {
  while (handshakes_ >= kHandshakesAtOnce) {
    co_await rt::Sleep(parts_.control, parts_.control.after_ms(kLookForTurnMs));
  }
  const Turn turn(handshakes_);
  http::AcceptTerms terms{.tls = true, .context = trust_->context};
  CO_TRY(
      co_await http::accept_connection(stream, info, early, std::move(terms), parts_.control.after_ms(kHandshakeMs)));
  const auto hub = door_.judge(stream, info.tls_info ? info.tls_info->sni : "");
  if (hub) co_return Result<>{};
  log::warn("cluster.refused", {{"peer", info.peer.to_string()}, {"reason", hub.error().what}});
  co_return std::unexpected(hub.error());
}

void Cluster::listen(const std::vector<int>& sockets) {
  handler_ = std::make_unique<control::cluster::ClusterServer>(
      door_, parts_.settings.cluster_rpc ? control::cluster::Rpc::On : control::cluster::Rpc::Off, parts_.ingress);
  server_ = std::make_unique<http::Server>(parts_.control, options_, *handler_);
  for (const int socket : sockets) {
    server_->listen(socket, [this](net::Stream& stream, http::ConnectionInfo& info, std::string& early,
                                   const http::Admit&) { return prepare(stream, info, early); });
  }
}

std::size_t Cluster::connected() const {
  std::size_t count = 0;
  for (const auto& [id, hub] : hubs_) count += hub->connected();
  return count;
}

}  // namespace sluice::apps
