// SPDX-License-Identifier: Apache-2.0
#include "cluster.h"

#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "crypto/pem.h"
#include "http/accept_connection.h"
#include "net/tls/server_context.h"
#include "net/tls/trust_store.h"
#include "sync/plane_name.h"

namespace sluice::apps {
namespace {

using control::cluster::Hub;

/// The longest that a node may take for its handshake, from its turn on.
constexpr std::int64_t kHandshakeMs = 15'000;
/// The longest that data planes of other control planes wait for one that does not open.
constexpr std::int64_t kOpenMostMs = 10'000;
constexpr std::int64_t kLookAgainMs = 5;

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

Cluster::Cluster(Parts parts)
    : parts_(std::move(parts)), line_(parts_.control), door_(*this, {}, parts_.control), watch_(parts_.control) {
  options_.max_connections = 0;
}

/// The control planes go on without us, in this process or in the next version of the program.
Cluster::~Cluster() {
  chores_.cancel();
  // The supervisor holds the sockets, too: only this takes them out of our reactor.
  if (server_ != nullptr) server_->drain();
  server_.reset();
  for (const int socket : sockets_) ::close(socket);
  parts_.planes.set_observer(nullptr);
  for (control::planes::ControlPlane* plane : parts_.planes.open_planes()) closing(*plane);
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
                   .history = plane.history(),
                   .notes = &parts_.notes,
                   .replica = parts_.replica,
                   .signer = trust_->signer,
                   .plane = std::make_shared<const control::planes::PlaneLease>(&plane),
                   .traffic = &plane.traffic()};
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

/// Most changes of the book are about something else.
void Cluster::changed(control::planes::ControlPlane&) {
  const std::uint64_t now = parts_.planes.book().access_changes();
  if (std::exchange(access_changes_, now) != now) door_.judge_again();
}

std::shared_ptr<Hub> Cluster::find(const Uuid& control_plane) const {
  const auto found = hubs_.find(control_plane);
  return found == hubs_.end() ? nullptr : found->second;
}

/// "<prefix>.cp.example.com": the first label is the control plane's. One that is nobody's asks for a control plane all
/// the same, which has been deleted, or which another replica has just made.
Result<std::shared_ptr<Hub>> Cluster::by_server_name(std::string_view name) const {
  const std::string host = to_lower(name);
  const std::string_view prefix = sync::plane_prefix_in(host);
  if (prefix.empty()) return nullptr;
  const auto* profile = parts_.planes.book().find_by_prefix(prefix);
  if (profile == nullptr) {
    return fail(Errc::Forbidden, "there is no control plane of the name that it asks for: " + std::string(name),
                Blame::Client);
  }
  if (auto hub = find(profile->id)) return hub;
  return fail(Errc::Unavailable, "the control plane that it asks for is not open here: " + profile->name,
              Blame::System);
}

std::shared_ptr<Hub> Cluster::standard() const {
  return hubs_.at(parts_.planes.local().id());
}

std::vector<Uuid> Cluster::pinned_at(std::string_view sha256) const {
  std::vector<Uuid> planes;
  for (const auto& pinned : parts_.planes.book().find_by_fingerprint(sha256)) {
    const auto* profile = parts_.planes.book().find(pinned.control_plane);
    if (profile != nullptr && !profile->has_authorities()) planes.push_back(profile->id);
  }
  return planes;
}

std::optional<std::vector<std::string>> Cluster::issuers(const Uuid& control_plane) const {
  const auto* profile = parts_.planes.book().find(control_plane);
  if (profile == nullptr || !profile->has_authorities()) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& issuer : parts_.planes.certificates(control_plane)) texts.push_back(issuer.pem);
  return texts;
}

// Connections
// -------------------------------------------------------------------------------------------------------------------

/// Whoever no control plane would take is gone before HTTP begins. An ingress controller says only with its request
/// which of several it means.
Task<Result<>> Cluster::prepare(net::Stream& stream, http::ConnectionInfo& info, std::string& early) {
  control::cluster::HandshakeLine::Turn turn(line_, stream, info.peer.ip());
  const auto came = co_await turn.come();
  if (!came) {
    static log::Counted crowded(log::Level::Notice, "cluster.crowded");
    if (came.error().code == Errc::Refused) crowded.hit({{"peer", info.peer.to_string()}});
    co_return came;
  }
  http::AcceptTerms terms{.tls = true, .context = trust_->context};
  CO_TRY(
      co_await http::accept_connection(stream, info, early, std::move(terms), parts_.control.after_ms(kHandshakeMs)));
  const auto hub = door_.judge(stream, info.tls_info ? info.tls_info->sni : "");
  if (hub || hub.error().code == Errc::Conflict) co_return Result<>{};
  control::cluster::Door::note_refused(info.peer, hub.error());
  co_return std::unexpected(hub.error());
}

void Cluster::listen(const std::vector<int>& sockets) {
  handler_ = std::make_unique<control::cluster::ClusterServer>(
      door_, parts_.settings.cluster_rpc ? control::cluster::Rpc::On : control::cluster::Rpc::Off, parts_.ingress);
  server_ = std::make_unique<http::Server>(parts_.control, options_, *handler_);
  sockets_ = sockets;
  chores_.spawn(serve_when_open());
}

/// Data planes that came sooner would be told that there is no such control plane, and stay away for a while.
Task<void> Cluster::serve_when_open() {
  const rt::Deadline deadline = parts_.control.after_ms(kOpenMostMs);
  while (!parts_.planes.all_open() && !deadline.passed(parts_.control.clock())) {
    co_await rt::Sleep(parts_.control, parts_.control.after_ms(kLookAgainMs));
  }
  if (!parts_.planes.all_open()) log::warn("cluster.not_all_open");
  for (const int socket : std::exchange(sockets_, {})) {
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
