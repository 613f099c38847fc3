// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/persistent_map.h"
#include "base/shared.h"
#include "base/uuid.h"
#include "crypto/pem.h"
#include "entity/route.h"
#include "entity/service.h"
#include "entity/upstream.h"
#include "gateway/config/plugin_check.h"
#include "gateway/identity.h"
#include "gateway/plugin.h"
#include "gateway/router/route_table.h"
#include "sync/delta.h"

namespace sluice::net::tls {
class IdentitySet;
}

namespace sluice::gateway {

class ClientPolicies;

/// An entity as it was given.
struct StoredRow {
  sync::Document document;
  Uuid workspace;  // nil: the default one
};
using Rows = PersistentMap<Uuid, StoredRow>;

/// A route that carries this tag takes paths with %2F, as one segment; all others answer them with 400. A tag, since
/// the fields of a route are a published contract that clients compare.
inline constexpr std::string_view kEncodedSlashesTag = "sluice:encoded-slashes";

/// What every request asks of its route, side by side: among 100,000 routes each further cache line costs.
struct RouteFacts {
  Uuid workspace;               // nil: the default one
  Uuid plan_anchor;             // what its plans are found by: itself if it has plugins of its own, else its service
  std::uint16_t protocols = 0;  // kHttpBit and so on, for those that the route names
  bool strips_path = true;      // as entity::Route says, and the next
  bool keeps_host = false;
  bool path_handling_v1 = false;
  bool takes_encoded_slashes = false;  // tagged kEncodedSlashesTag
  // Rows of `plugins` name the route, or others apply to it than to its service's routes for HTTP (ws, wss and
  // streams); else all routes of a service share plans.
  bool has_own_plugins = false;
};
static_assert(sizeof(RouteFacts) == 40, "part of a cache line");

/// A route or service as requests use it. Immutable; unchanged ones are shared by generations.
struct RouteConfig : RouteFacts, entity::Route, Counted {
  std::string id_text;
  sync::Document document;

  void flag_own_plugins(bool has_some) {
    has_own_plugins = has_some || is_websocket() || is_stream();
    plan_anchor = has_own_plugins ? id.value : service.id;
  }
  /// Its requests are opening handshakes of WebSockets, and its plugins those for ws and wss.
  [[nodiscard]] bool is_websocket() const { return (RouteFacts::protocols & (kWsBit | kWssBit)) != 0; }
  /// Its clients open TCP, TLS or UDP sessions.
  [[nodiscard]] bool is_stream() const {
    return (RouteFacts::protocols & (kTcpBit | kTlsBit | kTlsPassthroughBit | kUdpBit)) != 0;
  }
  /// TLS goes through as it is.
  [[nodiscard]] bool is_passthrough() const { return (RouteFacts::protocols & kTlsPassthroughBit) != 0; }
};
struct ServiceConfig : entity::Service, Counted {
  Uuid workspace;
  std::string id_text;
  sync::Document document;
};
struct ConsumerConfig : Consumer, Counted {
  Uuid workspace;
};
struct CredentialConfig : Credential, Counted {
  Uuid workspace;
  std::string_view collection;  // the DAO name: a literal
};

/// One row of `plugins`.
struct PluginConfig : Counted {
  const PluginDescriptor* descriptor = nullptr;
  Uuid workspace;
  PluginIdentity identity;
  Uuid route, service, consumer, consumer_group;  // nil: any
  std::uint16_t protocols = 0;                    // kHttpBit and so on
  Json config;                                    // canonical; secret references resolved
};
using PluginRows = std::vector<Shared<const PluginConfig>>;

/// A weighted address of an upstream.
struct TargetConfig {
  Uuid id;
  std::string host;
  std::uint16_t port = 8000;
  int weight = 100;
  double created_at = 0;
  bool failover = false;  // takes requests only when no other target can
  std::string zone = {};  // what its tag `zone:` says; empty: there is none
};
struct UpstreamConfig : Counted {
  Uuid id;
  Uuid workspace;
  std::string name;
  std::string host_header;                           // empty: none
  std::shared_ptr<const entity::Upstream> settings;  // never null
  std::vector<TargetConfig> targets;
};

/// A row of ca_certificates.
struct AuthorityConfig : Counted {
  explicit AuthorityConfig(crypto::Certificate parsed) : certificate(std::move(parsed)) {}
  const crypto::Certificate certificate;
};

struct CertificateConfig : Counted {
  Uuid id;
  std::string cert, key, cert_alt, key_alt;                      // PEM; secret references resolved
  std::shared_ptr<const net::tls::IdentitySet> identities = {};  // null: they are not usable
};

struct SniConfig {
  Uuid row;
  Uuid certificate;
};

/// A group of a consumer: by ACL row, or by membership.
struct Membership {
  Uuid row;
  Uuid group;        // of a consumer group; nil for an ACL row
  std::string name;  // of the ACL group
};
using Memberships = std::shared_ptr<const std::vector<Membership>>;

/// What something is called: unique in its workspace. Borrows the texts.
struct ScopedNameView {
  Uuid workspace;
  std::string_view collection;  // tells credentials of different kinds apart; else empty
  std::string_view name;
  friend bool operator==(const ScopedNameView&, const ScopedNameView&) = default;
};
inline ScopedNameView scoped_name(const ConsumerConfig& consumer) {
  return {consumer.workspace, {}, consumer.username};
}
inline ScopedNameView scoped_custom_id(const ConsumerConfig& consumer) {
  return {consumer.workspace, "custom_id", consumer.custom_id};
}
inline ScopedNameView scoped_name(const CredentialConfig& credential) {
  return {credential.workspace, credential.collection, credential.identity};
}
inline ScopedNameView scoped_name(const UpstreamConfig& upstream) {
  return {upstream.workspace, {}, upstream.name};
}

/// Key of an index by name: the object that the entry holds anyway, compared by what it is called. Of a million
/// credentials no text is kept twice.
template <class T>
struct NamedView {
  const T* object;
  friend bool operator==(const NamedView& a, const NamedView& b) {
    return scoped_name(*a.object) == scoped_name(*b.object);
  }
  friend bool operator==(const NamedView& a, const ScopedNameView& b) { return scoped_name(*a.object) == b; }
};
/// The same for consumers by their custom_id.
struct CustomIdView {
  const ConsumerConfig* object;
  friend bool operator==(const CustomIdView& a, const CustomIdView& b) {
    return scoped_custom_id(*a.object) == scoped_custom_id(*b.object);
  }
  friend bool operator==(const CustomIdView& a, const ScopedNameView& b) { return scoped_custom_id(*a.object) == b; }
};
struct ScopedNameHash {
  std::size_t operator()(const ScopedNameView& name) const;
  std::size_t operator()(const CustomIdView& key) const { return (*this)(scoped_custom_id(*key.object)); }
  template <class T>
  std::size_t operator()(const NamedView<T>& key) const {
    return (*this)(scoped_name(*key.object));
  }
};

template <class T>
using ById = PersistentMap<Uuid, Shared<const T>>;
template <class T>
using ByName = PersistentMap<NamedView<T>, Shared<const T>, ScopedNameHash>;

/// One generation of the configuration, compiled. Immutable and shared by all shards; the next generation shares all
/// that did not change. Built off the request path by SnapshotBuilder.
///
/// The routes of all workspaces match together; everything that is looked up by name, and every plugin, belongs to one
/// workspace. As a Directory it is that of the default workspace; WorkspaceDirectory shows the others.
class Snapshot final : public Directory {
 public:
  using Ref = std::shared_ptr<const Snapshot>;

  std::uint64_t generation = 0;
  /// Grows when something changes that shards derive from the configuration and keep (services, plugins, upstreams,
  /// certificates). Plans compare routes and consumers by identity.
  std::uint64_t policy_epoch = 0;
  std::uint64_t certificate_epoch = 0;  // likewise, when certificates do
  std::string hash;                     // 32 hexadecimal digits over the content; all zeros when empty

  /// Every entity, by DAO name.
  std::map<std::string, Rows, std::less<>> rows;

  router::RouteTable::Ref routes;
  ById<RouteConfig> routes_by_id;
  ById<ServiceConfig> services;
  ById<ConsumerConfig> consumers;
  ByName<ConsumerConfig> consumers_by_username;
  PersistentMap<CustomIdView, Shared<const ConsumerConfig>, ScopedNameHash> consumers_by_custom_id;  // who has one
  ByName<CredentialConfig> credentials;
  PersistentMap<Uuid, Memberships> acls_by_consumer;
  PersistentMap<Uuid, Memberships> groups_by_consumer;
  PersistentMap<Uuid, std::shared_ptr<const std::string>> group_names;
  PersistentMap<Uuid, std::shared_ptr<const std::string>> workspace_names;  // without the default one
  ById<UpstreamConfig> upstreams;
  ByName<UpstreamConfig> upstreams_by_name;
  PersistentMap<Uuid, bool> probed_upstreams;  // those whose targets are probed
  ById<CertificateConfig> certificates;
  ById<AuthorityConfig> authorities;
  PersistentMap<std::string, SniConfig> certificate_by_sni;
  /// Plugin rows that ask for certificates of clients in handshakes, and the routes that they name, themselves or by
  /// their service.
  ById<PluginConfig> asking_plugins;
  PersistentMap<Uuid, bool> asking_routes;
  /// What handshakes ask of clients, by server name, as follows from both; null: nothing.
  std::shared_ptr<const ClientPolicies> client_policies;
  /// Plugin rows by the entity that scopes them most narrowly (route, else service, consumer, group), else by their
  /// workspace: global.
  PersistentMap<Uuid, std::shared_ptr<const PluginRows>> plugins_by_anchor;
  /// Consumers and groups that plugin rows name, with the number of rows. All others are served alike.
  PersistentMap<Uuid, std::uint32_t> policed_identities;
  /// Rows whose document refers to a secret, by DAO name: a vault that changes changes them.
  std::map<std::string, PersistentMap<Uuid, bool>, std::less<>> referring;
  /// Credentials among them, as they are indexed now.
  ById<CredentialConfig> referring_credentials;
  /// Plugin rows that take values of partials: one that changes changes them.
  PersistentMap<Uuid, bool> linked_plugins;

  [[nodiscard]] const Credential* credential(std::string_view collection, std::string_view identity) const override {
    return credential_in({}, collection, identity);
  }
  [[nodiscard]] const Consumer* consumer(const Uuid& id) const override { return consumer_in({}, id); }
  [[nodiscard]] const Consumer* consumer_by_username(std::string_view username) const override {
    return consumer_in({}, username);
  }
  [[nodiscard]] const Consumer* consumer_by_custom_id(std::string_view custom_id) const override {
    return consumer_by_custom_id_in({}, custom_id);
  }
  [[nodiscard]] const crypto::Certificate* authority(const Uuid& id) const override;
  [[nodiscard]] std::string_view consumer_group_name(const Uuid& id) const override;
  bool append_document(std::string& out, const entity::Route& route) const override;
  bool append_document(std::string& out, const entity::Service& service) const override;

  [[nodiscard]] const Credential* credential_in(const Uuid& workspace, std::string_view collection,
                                                std::string_view identity) const;
  [[nodiscard]] const Consumer* consumer_in(const Uuid& workspace, const Uuid& id) const;
  [[nodiscard]] const Consumer* consumer_in(const Uuid& workspace, std::string_view username) const;
  [[nodiscard]] const Consumer* consumer_by_custom_id_in(const Uuid& workspace, std::string_view custom_id) const;
  /// Empty when there is no row of that id.
  [[nodiscard]] std::string_view workspace_name(const Uuid& id) const;
  /// Null when there is no upstream entity of that name: then it is a host.
  [[nodiscard]] const Shared<const UpstreamConfig>* upstream_in(const Uuid& workspace, std::string_view name) const;

  [[nodiscard]] const PluginRows* plugins_at(const Uuid& anchor) const;
  /// Whether some plugin row names this consumer or one of its groups.
  [[nodiscard]] bool has_own_policies(const Consumer& consumer) const;
  /// Whether any route, service or plugin is configured.
  [[nodiscard]] bool empty() const { return routes_by_id.empty() && services.empty() && plugins_by_anchor.empty(); }
};

/// The look-ups of plugins for a request to a route of another workspace. `snapshot` outlives it.
class WorkspaceDirectory final : public Directory {
 public:
  WorkspaceDirectory(const Snapshot& snapshot, const Uuid& workspace) : snapshot_(snapshot), workspace_(workspace) {}

  [[nodiscard]] const Credential* credential(std::string_view collection, std::string_view identity) const override {
    return snapshot_.credential_in(workspace_, collection, identity);
  }
  [[nodiscard]] const Consumer* consumer(const Uuid& id) const override {
    return snapshot_.consumer_in(workspace_, id);
  }
  [[nodiscard]] const Consumer* consumer_by_username(std::string_view username) const override {
    return snapshot_.consumer_in(workspace_, username);
  }
  [[nodiscard]] const Consumer* consumer_by_custom_id(std::string_view custom_id) const override {
    return snapshot_.consumer_by_custom_id_in(workspace_, custom_id);
  }
  [[nodiscard]] const crypto::Certificate* authority(const Uuid& id) const override {
    return snapshot_.authority(id);  // of all workspaces
  }
  [[nodiscard]] std::string_view consumer_group_name(const Uuid& id) const override {
    return snapshot_.consumer_group_name(id);  // ids come from consumers of the workspace
  }
  [[nodiscard]] WorkspaceView workspace() const override { return {workspace_, snapshot_.workspace_name(workspace_)}; }
  bool append_document(std::string& out, const entity::Route& route) const override {
    return snapshot_.append_document(out, route);
  }
  bool append_document(std::string& out, const entity::Service& service) const override {
    return snapshot_.append_document(out, service);
  }

 private:
  const Snapshot& snapshot_;
  const Uuid workspace_;
};

}  // namespace sluice::gateway
