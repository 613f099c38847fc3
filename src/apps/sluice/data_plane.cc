// SPDX-License-Identifier: Apache-2.0
#include "data_plane.h"

#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "crypto/hash.h"
#include "data_plane_status.h"
#include "dataplane/cache_files.h"
#include "dataplane/control_link.h"
#include "dataplane/fallback.h"
#include "http/accept_connection.h"
#include "http/plain_client.h"
#include "http/server.h"
#include "logged_handler.h"
#include "objects/dialer.h"
#include "settings/table.h"
#include "sync/wire/hello.h"

namespace sluice::apps {
namespace {

using dataplane::ClusterMaterials;

/// How long another process waits for what this one is writing.
constexpr std::int64_t kLeaveMs = 5'000;

/// Documents in the cache are taken as they are only by a release that would make them the same.
std::string maker(const Vocabulary& vocabulary) {
  std::string plugins;
  for (const gateway::PluginDescriptor* plugin : vocabulary.plugins.in_order()) {
    if (vocabulary.catalog->plugin(plugin->name) != nullptr) plugins.append(plugin->name).append(plugin->version);
  }
  return std::string("sluice/") + SLUICE_VERSION + " " + crypto::md5_hex(plugins) + " " +
         std::to_string(static_cast<int>(vocabulary.flavor));
}

std::map<std::string, std::string> installed_plugins(const Vocabulary& vocabulary) {
  std::map<std::string, std::string> plugins;
  for (const gateway::PluginDescriptor* plugin : vocabulary.plugins.in_order()) {
    if (vocabulary.catalog->plugin(plugin->name) != nullptr) plugins.emplace(plugin->name, plugin->version);
  }
  return plugins;
}

Result<dataplane::LinkSettings> link_settings(const DataPlane::Parts& parts) {
  const settings::Settings& settings = parts.settings;
  dataplane::LinkSettings link;
  auto address = dataplane::parse_control_plane(settings.cluster_control_plane);
  if (!address) return fail("cluster_control_plane: ", std::move(address).error());
  link.address = *std::move(address);
  link.shared = settings.cluster_mtls == settings::ClusterMtls::Shared;
  link.address.server_name = settings.cluster_server_name;
  if (link.shared) link.address.server_name = dataplane::ClusterIdentity::kSharedName;
  if (link.address.server_name.empty()) link.address.server_name = link.address.host;
  if (settings.cluster_use_proxy) {
    auto proxy = dataplane::parse_forward_proxy(settings.proxy_server.reveal());
    if (!proxy) return fail("proxy_server: ", std::move(proxy).error());
    proxy->verify = settings.proxy_server_ssl_verify;
    link.address.proxy = *std::move(proxy);
  }
  link.rpc = settings.cluster_rpc;
  link.rpc_sync = settings.cluster_rpc && settings.cluster_rpc_sync;
  link.strict = settings.cluster_strict;
  link.max_payload = settings.cluster_max_payload.count;
  TRY(link.self.node_id, Uuid::parse(parts.node_parts.options.node_id));
  link.self.hostname = parts.node_parts.options.hostname;
  link.self.kong_version = settings.compat_version;
  link.self.sluice_version = SLUICE_VERSION;
  link.self.plugins = installed_plugins(parts.vocabulary);
  auto labels = sync::wire::parse_labels(settings.cluster_dp_labels);
  if (!labels) return fail("cluster_dp_labels: ", std::move(labels).error());
  link.self.labels = *std::move(labels);
  link.process_conf = Json::Object{{"role", "data_plane"},
                                   {"database", "off"},
                                   {"node_id", parts.node_parts.options.node_id},
                                   {"cluster_mtls", link.shared ? "shared" : "pki"},
                                   {"cluster_max_payload", settings.cluster_max_payload.count}};
  link.traffic = [&node = parts.node] { return node.status().traffic; };
  return link;
}

/// The files as they are now; what was read with more rights, where they may not be read any more.
Result<ClusterMaterials> cluster_materials(const settings::Settings& settings, const ClusterMaterials& held) {
  auto pair = read_cluster_pair(settings);
  if (!pair && pair.error().code == Errc::Forbidden && !held.certificate.empty()) return held;
  if (!pair) return std::unexpected(std::move(pair).error());
  if (!*pair) return fail(Errc::Invalid, "cluster_cert: required");
  ClusterMaterials materials;
  materials.certificate = (*pair)->certificate;
  materials.key = Secret((*pair)->key);
  if (settings.cluster_mtls == settings::ClusterMtls::Pki) {
    TRY(materials.authorities, read_cluster_authorities(settings));
  }
  return materials;
}

ClusterMaterials held_materials(const Materials& materials) {
  ClusterMaterials held;
  if (materials.cluster) {
    held.certificate = materials.cluster->certificate;
    held.key = Secret(materials.cluster->key);
  }
  held.authorities = materials.cluster_authorities.empty() ? materials.authorities : materials.cluster_authorities;
  return held;
}

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

void log_unserved(const std::vector<sync::ConfigProblem>& problems) {
  for (const sync::ConfigProblem& problem : problems) {
    log::error("cluster_cache.cannot_serve", {{"type", problem.type},
                                              {"id", problem.id.to_string()},
                                              {"field", problem.field},
                                              {"problem", problem.message}});
  }
}

}  // namespace

struct DataPlane::Members {
  Members(DataPlane::Parts given, dataplane::LinkSettings link, ClusterMaterials materials,
          std::shared_ptr<dataplane::CacheFiles> files)
      : parts(given), link_settings(std::move(link)), held(std::move(materials)), kept(std::move(files)) {}

  [[nodiscard]] dataplane::State load_and_serve();
  Result<> prepare_fallback();
  void keep_key();
  void assemble(dataplane::State served);

  const DataPlane::Parts parts;
  const dataplane::LinkSettings link_settings;
  const ClusterMaterials held;
  AdminTls tls;
  std::string access_log;
  rt::BlockingPool pool{2};                      // files, and judging configurations
  std::unique_ptr<net::dns::Resolver> resolver;  // null: only addresses can be reached
  std::unique_ptr<objects::Dialer> dialer;
  std::unique_ptr<http::PlainClient> client;
  std::unique_ptr<objects::ObjectStore> fallback_store;  // until there is somebody to use it
  const std::shared_ptr<dataplane::CacheFiles> kept;
  std::unique_ptr<dataplane::Cache> cache;
  std::unique_ptr<dataplane::Applier> applier;
  std::unique_ptr<dataplane::Fallback> fallback;  // null: none
  std::unique_ptr<dataplane::ControlLink> link;
  http::ServerOptions options;
  std::unique_ptr<DataPlaneStatus> status;
  std::unique_ptr<LoggedHandler> logged;
  std::unique_ptr<http::Server> server;
};

DataPlane::DataPlane(std::unique_ptr<Members> members) : members_(std::move(members)) {}
DataPlane::~DataPlane() {
  members_->keep_key();
}

Result<std::unique_ptr<DataPlane>> DataPlane::make(Parts parts, const Materials& materials) {
  ClusterMaterials held = held_materials(materials);
  auto key = dataplane::CacheKey::from_cluster_key(held.key);
  if (!key) return fail("cluster_cert_key: ", std::move(key).error());
  TRY(dataplane::LinkSettings link, link_settings(parts));
  auto files = std::make_shared<dataplane::CacheFiles>(
      dataplane::CacheOptions{.folder = settings::below_prefix(parts.settings, "cluster"),
                              .maker = maker(parts.vocabulary)},
      *std::move(key));
  auto members = std::make_unique<Members>(parts, std::move(link), std::move(held), std::move(files));
  auto resolver = net::dns::Resolver::open(parts.control, dns_settings(parts.settings));
  if (resolver) {
    members->resolver = *std::move(resolver);
  } else {
    log::warn("cluster.no_resolver", {{"error", resolver.error()}});
  }
  TRY(members->prepare_fallback());
  return std::unique_ptr<DataPlane>(new DataPlane(std::move(members)));
}

Result<> DataPlane::Members::prepare_fallback() {
  const settings::Settings& settings = parts.settings;
  if (!settings.cluster_fallback_config_import && !settings.cluster_fallback_config_export) return {};
  TRY(auto trust, held.authorities.empty() || link_settings.shared ? net::tls::TrustStore::system()
                                                                   : net::tls::TrustStore::from_pem(held.authorities));
  dialer = std::make_unique<objects::Dialer>(parts.control, resolver.get(), std::move(trust));
  client = std::make_unique<http::PlainClient>(
      parts.control, [this](net::Stream& stream, std::string host, std::uint16_t port, bool with_tls, bool verify,
                            rt::Deadline deadline) {
        return dialer->dial(stream, std::move(host), port, with_tls, verify, deadline);
      });
  auto opened = objects::open_object_store(settings.cluster_fallback_config_storage, environment,
                                           {.reactor = parts.control, .pool = pool, .client = *client});
  if (!opened) return fail("cluster_fallback_config_storage: ", std::move(opened).error());
  fallback_store = *std::move(opened);
  return {};
}

/// Certificates are replaced, and then the process is restarted: the next one has but the new key, and has to find this
/// one's under it.
void DataPlane::Members::keep_key() {
  const auto now = cluster_materials(parts.settings, held);
  if (!now) return;
  auto key = dataplane::CacheKey::from_cluster_key(now->key);
  if (!key) return;
  const auto kept_it = kept->use_key(*std::move(key));
  if (!kept_it) log::info("cluster_cache.key_not_kept", {{"error", kept_it.error()}});
}

dataplane::State DataPlane::Members::load_and_serve() {
  auto loaded = kept->load();
  if (!loaded) return {};
  dataplane::State state = std::move(loaded->state);
  if (!loaded->trusted) {
    auto again = dataplane::revalidate(*parts.vocabulary.catalog, state);
    if (!again) {
      log::error("cluster_cache.cannot_serve",
                 {{"version", state.standing.version}, {"problem", again.error().message}});
      return {};
    }
    state = *std::move(again);
  }
  auto applied = parts.node.apply_now(dataplane::whole(state));
  if (!applied) {
    log_unserved(applied.error());
    return {};
  }
  log::notice("cluster_cache.served", {{"version", state.standing.version}, {"rows", state.rows.size()}});
  return state;
}

void DataPlane::Members::assemble(dataplane::State served) {
  rt::Reactor& control = parts.control;
  cache = std::make_unique<dataplane::Cache>(kept, served, pool, control);
  applier = std::make_unique<dataplane::Applier>(
      dataplane::Applier::Parts{*parts.vocabulary.catalog, parts.node, *cache, pool, control}, std::move(served));
  if (fallback_store != nullptr) {
    const settings::Settings& settings = parts.settings;
    fallback = std::make_unique<dataplane::Fallback>(
        dataplane::Fallback::Parts{control, pool, *applier, std::move(fallback_store)},
        dataplane::Fallback::Terms{.imports = settings.cluster_fallback_config_import,
                                   .exports = settings.cluster_fallback_config_export,
                                   .export_delay_ms = settings.cluster_fallback_config_export_delay.count(),
                                   .server_name = link_settings.address.server_name,
                                   .shared = link_settings.shared,
                                   .memory = settings::below_prefix(settings, "cluster/control_plane.json")});
  }
  // A copy of the settings: a reload replaces what the reference shows, and the files are read on another thread.
  auto read = [settings = parts.settings, held_ones = held] { return cluster_materials(settings, held_ones); };
  link = std::make_unique<dataplane::ControlLink>(dataplane::ControlLink::Parts{.reactor = control,
                                                                                .pool = pool,
                                                                                .resolver = resolver.get(),
                                                                                .catalog = *parts.vocabulary.catalog,
                                                                                .applier = *applier,
                                                                                .cache = *cache,
                                                                                .fallback = fallback.get(),
                                                                                .read_materials = std::move(read)},
                                                  link_settings);
  const gateway::GatewayOptions& own = parts.node_parts.options;
  status = std::make_unique<DataPlaneStatus>(DataPlaneStatus::Parts{parts.settings,
                                                                    parts.node,
                                                                    *applier,
                                                                    *link,
                                                                    *cache,
                                                                    control,
                                                                    *parts.vocabulary.catalog,
                                                                    {own.node_id, own.hostname, SLUICE_VERSION}});
  logged = std::make_unique<LoggedHandler>(control, parts.node_parts.files, *status);
  logged->log_to(access_log);
  server = std::make_unique<http::Server>(control, options, *logged);
}

void DataPlane::serve_kept() {
  members_->assemble(members_->load_and_serve());
}

void DataPlane::start() {
  members_->cache->come_back();
  members_->link->start();
}

Task<void> DataPlane::leave() {
  members_->link->stop();
  co_await members_->cache->leave(members_->parts.control.after_ms(kLeaveMs));
}

void DataPlane::leave_status() {
  members_->server->drain(http::Idle::Keep);
}

void DataPlane::listen(const std::vector<int>& sockets) {
  Members& members = *members_;
  const auto& listeners = members.parts.settings.status_listen;
  for (std::size_t i = 0; i < listeners.size(); ++i) {
    const settings::Listener& listener = listeners[i];
    http::Preparation preparation;
    if (listener.ssl || listener.http2 || listener.proxy_protocol) {
      preparation = [&members, listener](net::Stream& stream, http::ConnectionInfo& info, std::string& early,
                                         const http::Admit&) {
        http::AcceptTerms terms{
            .proxy_protocol = listener.proxy_protocol, .http2 = listener.http2, .tls = listener.ssl};
        terms.context = listener.http2 ? members.tls.status_http2 : members.tls.status;
        return http::accept_connection(
            stream, info, early, std::move(terms),
            members.parts.control.after_ms(members.parts.settings.client_tls_timeout.count()));
      };
    }
    members.server->listen(sockets[i], std::move(preparation));
  }
}

void DataPlane::reconfigure(AdminTls tls) {
  Members& members = *members_;
  members.tls = std::move(tls);
  const std::string& setting = members.parts.settings.status_access_log;
  members.access_log = setting == "off" ? std::string() : settings::below_prefix(members.parts.settings, setting);
  if (members.logged) members.logged->log_to(members.access_log);
}

}  // namespace sluice::apps
