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
#include "entity/route.h"
#include "entity/service.h"
#include "gateway/identity.h"
#include "gateway/plugin.h"
#include "gateway/router/route_table.h"
#include "sync/delta.h"

namespace sluice::gateway {

using Rows = PersistentMap<Uuid, sync::Document>;

/// A route or service as requests use it. Immutable; unchanged ones are shared by generations.
struct RouteConfig : entity::Route, Counted {
  std::string id_text;
  sync::Document document;
};
struct ServiceConfig : entity::Service, Counted {
  std::string id_text;
  sync::Document document;
};
struct ConsumerConfig : Consumer, Counted {};
struct CredentialConfig : Credential, Counted {};

/// One row of `plugins`.
struct PluginConfig : Counted {
  const PluginDescriptor* descriptor = nullptr;
  PluginIdentity identity;
  Uuid route, service, consumer, consumer_group;  // nil: any
  std::uint8_t protocols = 0;                     // bit 0 http, 1 https, 2 grpc, 3 grpcs
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
};
struct UpstreamConfig : Counted {
  Uuid id;
  std::string name;
  std::string host_header;  // empty: none
  std::vector<TargetConfig> targets;
};

struct CertificateConfig : Counted {
  Uuid id;
  std::string cert, key, cert_alt, key_alt;  // PEM; secret references resolved
};

/// A group of a consumer: by ACL row, or by membership.
struct Membership {
  Uuid row;
  Uuid group;        // of a consumer group; nil for an ACL row
  std::string name;  // of the ACL group
};
using Memberships = std::shared_ptr<const std::vector<Membership>>;

template <class T>
using ById = PersistentMap<Uuid, Shared<const T>>;
template <class T>
using ByName = PersistentMap<std::string, Shared<const T>>;

/// One generation of the configuration, compiled. Immutable and shared by all shards; the next generation shares all
/// that did not change. Built off the request path by SnapshotBuilder.
class Snapshot final : public Directory {
 public:
  using Ref = std::shared_ptr<const Snapshot>;

  std::uint64_t generation = 0;
  /// Grows when something changes that is resolved into plans (services, plugins, upstreams, groups, certificates).
  std::uint64_t policy_epoch = 0;
  std::string hash;  // 32 hexadecimal digits over the content; all zeros when empty

  /// Every entity, by DAO name.
  std::map<std::string, Rows, std::less<>> rows;

  router::RouteTable::Ref routes;
  ById<RouteConfig> routes_by_id;
  ById<ServiceConfig> services;
  ById<ConsumerConfig> consumers;
  ByName<ConsumerConfig> consumers_by_username;
  ByName<CredentialConfig> credentials;  // key: credential_key()
  PersistentMap<Uuid, Memberships> acls_by_consumer;
  PersistentMap<Uuid, Memberships> groups_by_consumer;
  PersistentMap<Uuid, std::shared_ptr<const std::string>> group_names;
  ById<UpstreamConfig> upstreams;
  ByName<UpstreamConfig> upstreams_by_name;
  ById<CertificateConfig> certificates;
  PersistentMap<std::string, Uuid> certificate_by_sni;
  /// Plugin rows by the entity that scopes them most narrowly (route, else service, consumer, group); nil: global.
  PersistentMap<Uuid, std::shared_ptr<const PluginRows>> plugins_by_anchor;

  [[nodiscard]] const Credential* credential(std::string_view collection, std::string_view identity) const override;
  [[nodiscard]] const Consumer* consumer(const Uuid& id) const override;
  [[nodiscard]] const Consumer* consumer_by_username(std::string_view username) const override;
  [[nodiscard]] std::string_view consumer_group_name(const Uuid& id) const override;
  bool append_document(std::string& out, const entity::Route& route) const override;
  bool append_document(std::string& out, const entity::Service& service) const override;

  [[nodiscard]] const PluginRows* plugins_at(const Uuid& anchor) const;
  /// Whether any route, service or plugin is configured.
  [[nodiscard]] bool empty() const { return routes_by_id.empty() && services.empty() && plugins_by_anchor.empty(); }
};

std::string credential_key(std::string_view collection, std::string_view identity);

}  // namespace sluice::gateway
