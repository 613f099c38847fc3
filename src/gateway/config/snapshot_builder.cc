// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/snapshot_builder.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"
#include "entity/all.h"
#include "gateway/config/plugin_check.h"
#include "gateway/config/secrets.h"

namespace sluice::gateway {
namespace {

/// One change of one entity, as documents. Null: did not exist, or does not exist any more.
struct Change {
  Uuid id;
  const Json* before = nullptr;
  const Json* after = nullptr;
};

Uuid reference(const Json& document, std::string_view field) {
  const Json* value = document.find(field);
  const Json* id = value != nullptr ? value->find("id") : nullptr;
  if (id == nullptr || !id->is_string()) return {};
  auto uuid = Uuid::parse(id->as_string());
  return uuid ? *uuid : Uuid{};
}

std::string text(const Json& document, std::string_view field) {
  const Json* value = document.find(field);
  return value != nullptr && value->is_string() ? value->as_string() : std::string{};
}

/// Edits a copy of the base generation, entity by entity. Copies of persistent maps share everything until edited.
class Edit {
 public:
  Edit(const entity::Catalog& catalog, const PluginRegistry& plugins, const Snapshot& base)
      : catalog_(catalog), plugins_(plugins), next_(std::make_shared<Snapshot>(base)) {
    ++next_->generation;
  }

  void name(std::string hash) { hash_ = std::move(hash); }
  void upsert(sync::EntityRow row);
  void remove(const sync::EntityKey& key);
  [[nodiscard]] std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> finish();

 private:
  using Apply = void (Edit::*)(const Change&);
  static const std::map<std::string_view, Apply>& appliers();

  void route(const Change& change);
  void service(const Change& change);
  void consumer(const Change& change);
  void consumer_group(const Change& change);
  void membership(const Change& change);
  void acl(const Change& change);
  void keyauth(const Change& change) { credential(change, "keyauth_credentials", "key", {}); }
  void basicauth(const Change& change) { credential(change, "basicauth_credentials", "username", "password"); }
  void plugin(const Change& change);
  void upstream(const Change& change);
  void target(const Change& change);
  void certificate(const Change& change);
  void sni(const Change& change);
  void stored_only(const Change&) {}

  void apply(const sync::EntityKey& key, const Json* after);
  void credential(const Change& change, std::string_view collection, std::string_view identity,
                  std::string_view secret);
  void change_membership(PersistentMap<Uuid, Memberships>& index, const Change& change,
                         const std::function<Membership(const Json&)>& make);
  void drop_plugin(const Json& document, const Uuid& id);
  void rebuild_consumers();
  void rebuild_routes();
  [[nodiscard]] std::optional<router::RouteSpec> route_spec(const RouteConfig& route) const;
  void policy_changed() { policy_changed_ = true; }
  void problem(std::string type, const Uuid& id, std::string field, std::string message) {
    problems_.push_back({std::move(type), id, std::move(field), std::move(message)});
  }

  const entity::Catalog& catalog_;
  const PluginRegistry& plugins_;

  std::shared_ptr<Snapshot> next_;
  sync::Document current_;
  std::string hash_;
  bool policy_changed_ = false;
  std::set<Uuid> consumers_to_rebuild_;
  std::set<Uuid> services_switched_;  // enabled or disabled: their routes come or go
  std::vector<Uuid> routes_changed_;
  std::vector<Uuid> routes_removed_;
  std::vector<sync::ConfigProblem> problems_;
};

const std::map<std::string_view, Edit::Apply>& Edit::appliers() {
  static const std::map<std::string_view, Apply> table = {
      {"routes", &Edit::route},
      {"services", &Edit::service},
      {"consumers", &Edit::consumer},
      {"consumer_groups", &Edit::consumer_group},
      {"consumer_group_consumers", &Edit::membership},
      {"acls", &Edit::acl},
      {"keyauth_credentials", &Edit::keyauth},
      {"basicauth_credentials", &Edit::basicauth},
      {"plugins", &Edit::plugin},
      {"upstreams", &Edit::upstream},
      {"targets", &Edit::target},
      {"certificates", &Edit::certificate},
      {"snis", &Edit::sni},
  };
  return table;
}

void Edit::upsert(sync::EntityRow row) {
  auto parsed = parse_json(*row.document);
  if (!parsed) {
    problem(row.type, row.id, "", parsed.error().what);
    return;
  }
  current_ = std::move(row.document);
  apply({row.type, row.id}, &*parsed);
  next_->rows[row.type].insert(row.id, current_);
}

void Edit::remove(const sync::EntityKey& key) {
  apply(key, nullptr);
  if (auto rows = next_->rows.find(key.type); rows != next_->rows.end()) rows->second.erase(key.id);
}

void Edit::apply(const sync::EntityKey& key, const Json* after) {
  auto applier = appliers().find(key.type);
  if (applier == appliers().end()) return;  // kept for reads, of no concern to requests
  std::optional<Json> before;
  if (auto rows = next_->rows.find(key.type); rows != next_->rows.end()) {
    if (const auto* row = rows->second.find(key.id)) {
      if (auto parsed = parse_json(**row)) before = std::move(*parsed);
    }
  }
  (this->*applier->second)({key.id, before ? &*before : nullptr, after});
}

void Edit::route(const Change& change) {
  if (change.after == nullptr) {
    next_->routes_by_id.erase(change.id);
    routes_removed_.push_back(change.id);
    return;
  }
  auto route = Shared<RouteConfig>::make();
  static_cast<entity::Route&>(*route) = catalog_.of<entity::Route>().read(*change.after);
  route->id_text = change.id.to_string();
  route->document = current_;
  next_->routes_by_id.insert(change.id, std::move(route));
  routes_changed_.push_back(change.id);
}

void Edit::service(const Change& change) {
  policy_changed();
  auto enabled = [](const Json* document) {
    const Json* value = document != nullptr ? document->find("enabled") : nullptr;
    return value == nullptr || !value->is_bool() || value->as_bool();
  };
  if (enabled(change.before) != enabled(change.after)) services_switched_.insert(change.id);
  if (change.after == nullptr) {
    next_->services.erase(change.id);
    return;
  }
  auto service = Shared<ServiceConfig>::make();
  static_cast<entity::Service&>(*service) = catalog_.of<entity::Service>().read(*change.after);
  service->id_text = change.id.to_string();
  service->document = current_;
  next_->services.insert(change.id, std::move(service));
}

void Edit::consumer(const Change& change) {
  if (change.before != nullptr) {
    std::string name = text(*change.before, "username");
    const auto* holder = next_->consumers_by_username.find(name);
    if (holder != nullptr && (*holder)->id == change.id) next_->consumers_by_username.erase(name);
  }
  if (change.after == nullptr) {
    next_->consumers.erase(change.id);
    consumers_to_rebuild_.erase(change.id);
  } else {
    auto consumer = Shared<ConsumerConfig>::make();
    consumer->id = change.id;
    consumer->id_text = change.id.to_string();
    consumer->username = text(*change.after, "username");
    consumer->custom_id = text(*change.after, "custom_id");
    consumer->document = *current_;
    next_->consumers.insert(change.id, std::move(consumer));
    consumers_to_rebuild_.insert(change.id);
  }
  policy_changed();
}

void Edit::consumer_group(const Change& change) {
  policy_changed();
  if (change.after == nullptr) {
    next_->group_names.erase(change.id);
  } else {
    next_->group_names.insert(change.id, std::make_shared<const std::string>(text(*change.after, "name")));
  }
  for (const auto& entry : next_->groups_by_consumer) {
    bool member = std::any_of(entry.value->begin(), entry.value->end(),
                              [&](const Membership& m) { return m.group == change.id; });
    if (member) consumers_to_rebuild_.insert(entry.key);
  }
}

void Edit::change_membership(PersistentMap<Uuid, Memberships>& index, const Change& change,
                             const std::function<Membership(const Json&)>& make) {
  auto edit = [&](const Uuid& consumer, auto&& alter) {
    const Memberships* present = index.find(consumer);
    auto list = present != nullptr ? std::make_shared<std::vector<Membership>>(**present)
                                   : std::make_shared<std::vector<Membership>>();
    std::erase_if(*list, [&](const Membership& m) { return m.row == change.id; });
    alter(*list);
    index.insert(consumer, std::move(list));
    consumers_to_rebuild_.insert(consumer);
  };
  if (change.before != nullptr) edit(reference(*change.before, "consumer"), [](auto&) {});
  if (change.after != nullptr) {
    edit(reference(*change.after, "consumer"), [&](auto& list) { list.push_back(make(*change.after)); });
  }
  policy_changed();
}

void Edit::membership(const Change& change) {
  change_membership(next_->groups_by_consumer, change, [&](const Json& document) {
    return Membership{change.id, reference(document, "consumer_group"), {}};
  });
}

void Edit::acl(const Change& change) {
  change_membership(next_->acls_by_consumer, change,
                    [&](const Json& document) { return Membership{change.id, {}, text(document, "group")}; });
}

void Edit::credential(const Change& change, std::string_view collection, std::string_view identity,
                      std::string_view secret) {
  auto secret_text = [&](const Json& document, std::string_view field) {
    const Json* value = document.find(field);
    return value != nullptr && value->is_string() ? resolve_secrets(*value, *next_).as_string() : std::string{};
  };
  if (change.before != nullptr) {
    std::string key = credential_key(collection, secret_text(*change.before, identity));
    const auto* holder = next_->credentials.find(key);
    if (holder != nullptr && (*holder)->id == change.id) next_->credentials.erase(key);  // not another row's by now
  }
  if (change.after == nullptr) return;
  // A reference that cannot be resolved is no key at all, least of all one that a client could spell.
  if (secret_text(*change.after, identity).empty()) return;
  auto credential = Shared<CredentialConfig>::make();
  credential->id = change.id;
  credential->id_text = change.id.to_string();
  credential->consumer_id = reference(*change.after, "consumer");
  credential->identity = secret_text(*change.after, identity);
  if (!secret.empty()) credential->secret = secret_text(*change.after, secret);
  if (const Json* ttl = change.after->find("ttl"); ttl != nullptr && ttl->is_int() && ttl->as_int() > 0) {
    const Json* created = change.after->find("created_at");
    credential->expires_at_s = (created != nullptr && created->is_int() ? created->as_int() : 0) + ttl->as_int();
  }
  std::string key = credential_key(collection, credential->identity);
  next_->credentials.insert(std::move(key), std::move(credential));
}

/// The entity that narrows a plugin row most; nil for a global row.
Uuid anchor_of(const Json& document) {
  for (std::string_view field : {"route", "service", "consumer", "consumer_group"}) {
    if (Uuid id = reference(document, field); !id.is_nil()) return id;
  }
  return {};
}

void Edit::drop_plugin(const Json& document, const Uuid& id) {
  Uuid anchor = anchor_of(document);
  const PluginRows* present = next_->plugins_at(anchor);
  if (present == nullptr) return;
  auto rows = std::make_shared<PluginRows>(*present);
  std::erase_if(*rows, [&](const Shared<const PluginConfig>& row) { return row->identity.id == id; });
  if (rows->empty()) {
    next_->plugins_by_anchor.erase(anchor);
  } else {
    next_->plugins_by_anchor.insert(anchor, std::move(rows));
  }
}

void Edit::plugin(const Change& change) {
  policy_changed();
  if (change.before != nullptr) drop_plugin(*change.before, change.id);
  if (change.after == nullptr) return;
  const Json& document = *change.after;
  if (const Json* enabled = document.find("enabled"); enabled != nullptr && enabled->is_bool() && !enabled->as_bool())
    return;
  std::string name = text(document, "name");
  const PluginDescriptor* descriptor = plugins_.find(name);
  if (descriptor == nullptr) {
    problem("plugins", change.id, "name",
            "plugin '" + name + "' not enabled; add it to the 'plugins' configuration property");
    return;
  }
  auto row = Shared<PluginConfig>::make();
  row->descriptor = descriptor;
  row->route = reference(document, "route");
  row->service = reference(document, "service");
  row->consumer = reference(document, "consumer");
  row->consumer_group = reference(document, "consumer_group");
  auto scope = [](const Uuid& id) { return id.is_nil() ? std::string{} : id.to_string(); };
  row->identity = {change.id,         change.id.to_string(), text(document, "instance_name"),
                   scope(row->route), scope(row->service),   scope(row->consumer)};
  row->protocols = protocol_bits(document.find("protocols"));
  if (const Json* config = document.find("config")) row->config = resolve_secrets(*config, *next_);
  for (auto& [field, message] : refused_options(*descriptor, row->config)) {
    problem("plugins", change.id, "config." + field, std::move(message));
  }
  const Uuid anchor = anchor_of(document);
  const PluginRows* present = next_->plugins_at(anchor);
  auto rows = present != nullptr ? std::make_shared<PluginRows>(*present) : std::make_shared<PluginRows>();
  rows->push_back(std::move(row));
  next_->plugins_by_anchor.insert(anchor, std::move(rows));
}

void Edit::upstream(const Change& change) {
  policy_changed();
  if (change.before != nullptr) {
    std::string name = text(*change.before, "name");
    const auto* holder = next_->upstreams_by_name.find(name);
    if (holder != nullptr && (*holder)->id == change.id) next_->upstreams_by_name.erase(name);
  }
  const auto* old = next_->upstreams.find(change.id);
  std::vector<TargetConfig> targets = old != nullptr ? (*old)->targets : std::vector<TargetConfig>{};
  if (change.after == nullptr) {
    next_->upstreams.erase(change.id);
    return;
  }
  auto upstream = Shared<UpstreamConfig>::make();
  upstream->id = change.id;
  upstream->name = text(*change.after, "name");
  upstream->host_header = text(*change.after, "host_header");
  upstream->targets = std::move(targets);
  Shared<const UpstreamConfig> made(std::move(upstream));
  next_->upstreams.insert(change.id, made);
  next_->upstreams_by_name.insert(made->name, made);
}

void Edit::target(const Change& change) {
  policy_changed();
  auto edit = [&](const Uuid& upstream, const Json* added) {
    const auto* present = next_->upstreams.find(upstream);
    if (present == nullptr) return;
    auto changed = Shared<UpstreamConfig>::make(**present);
    std::erase_if(changed->targets, [&](const TargetConfig& t) { return t.id == change.id; });
    if (added != nullptr) {
      entity::Target view = catalog_.of<entity::Target>().read(*added);
      std::size_t colon = view.target.rfind(':');
      TargetConfig target{change.id, view.target.substr(0, colon), 8000, view.weight, view.created_at};
      target.port = static_cast<std::uint16_t>(std::strtoul(view.target.c_str() + colon + 1, nullptr, 10));
      if (target.host.starts_with('[')) target.host = target.host.substr(1, target.host.size() - 2);
      changed->targets.push_back(std::move(target));
    }
    Shared<const UpstreamConfig> made(std::move(changed));
    next_->upstreams.insert(upstream, made);
    next_->upstreams_by_name.insert(made->name, made);
  };
  if (change.before != nullptr) edit(reference(*change.before, "upstream"), nullptr);
  if (change.after != nullptr) edit(reference(*change.after, "upstream"), change.after);
}

void Edit::certificate(const Change& change) {
  policy_changed();
  if (change.after == nullptr) {
    next_->certificates.erase(change.id);
    return;
  }
  auto certificate = Shared<CertificateConfig>::make();
  Json resolved = resolve_secrets(*change.after, *next_);
  certificate->id = change.id;
  certificate->cert = text(resolved, "cert");
  certificate->key = text(resolved, "key");
  certificate->cert_alt = text(resolved, "cert_alt");
  certificate->key_alt = text(resolved, "key_alt");
  next_->certificates.insert(change.id, std::move(certificate));
}

void Edit::sni(const Change& change) {
  policy_changed();
  if (change.before != nullptr) next_->certificate_by_sni.erase(text(*change.before, "name"));
  if (change.after != nullptr) {
    next_->certificate_by_sni.insert(text(*change.after, "name"), reference(*change.after, "certificate"));
  }
}

/// Group membership and ACL rows are put into the consumer, so that a request finds them without a look-up.
void Edit::rebuild_consumers() {
  for (const Uuid& id : consumers_to_rebuild_) {
    const auto* present = next_->consumers.find(id);
    if (present == nullptr) continue;
    auto consumer = Shared<ConsumerConfig>::make(**present);
    consumer->acl_groups.clear();
    consumer->consumer_groups.clear();
    if (const Memberships* acls = next_->acls_by_consumer.find(id)) {
      for (const Membership& acl : **acls) consumer->acl_groups.push_back(acl.name);
    }
    if (const Memberships* groups = next_->groups_by_consumer.find(id)) {
      for (const Membership& group : **groups) consumer->consumer_groups.push_back(group.group);
      std::sort(consumer->consumer_groups.begin(), consumer->consumer_groups.end(), [&](const Uuid& a, const Uuid& b) {
        return next_->consumer_group_name(a) < next_->consumer_group_name(b);
      });
    }
    Shared<const ConsumerConfig> made(std::move(consumer));
    next_->consumers.insert(id, made);
    if (!made->username.empty()) next_->consumers_by_username.insert(made->username, made);
  }
}

std::optional<router::RouteSpec> Edit::route_spec(const RouteConfig& route) const {
  if (route.service) {
    const auto* service = next_->services.find(route.service.id);
    if (service != nullptr && !(*service)->enabled) return std::nullopt;  // as if the route did not exist
  }
  router::RouteSpec spec;
  spec.id = route.id.value;
  spec.name = route.name;
  spec.protocols.clear();
  for (const std::string& protocol : route.protocols) {
    if (auto parsed = router::parse_route_protocol(protocol)) spec.protocols.push_back(*parsed);
  }
  spec.methods = route.methods;
  spec.hosts = route.hosts;
  spec.paths = route.paths;
  for (const auto& [name, values] : route.headers) spec.headers.push_back({name, values});
  spec.snis = route.snis;
  for (const entity::Endpoint& source : route.sources) spec.sources.push_back({source.ip, source.port});
  for (const entity::Endpoint& destination : route.destinations)
    spec.destinations.push_back({destination.ip, destination.port});
  spec.regex_priority = route.regex_priority;
  spec.expression = route.expression;
  spec.priority = static_cast<std::uint64_t>(route.priority);
  spec.strip_path = route.strip_path;
  spec.created_at = route.created_at;
  // No ownership: the same generation's routes_by_id keeps the route, and both change together.
  spec.target = std::shared_ptr<const void>(std::shared_ptr<const void>(), &route);
  return spec;
}

void Edit::rebuild_routes() {
  if (!services_switched_.empty()) {
    for (const auto& entry : next_->routes_by_id) {
      if (services_switched_.contains(entry.value->service.id)) routes_changed_.push_back(entry.key);
    }
  }
  std::vector<router::RouteSpec> upserts;
  upserts.reserve(routes_changed_.size());
  std::vector<Uuid> removals = routes_removed_;
  for (const Uuid& id : routes_changed_) {
    const auto* route = next_->routes_by_id.find(id);
    if (route == nullptr) continue;
    if (auto spec = route_spec(**route)) {
      upserts.push_back(std::move(*spec));
    } else {
      removals.push_back(id);
    }
  }
  if (upserts.empty() && removals.empty()) return;
  auto table = next_->routes->with(upserts, removals);
  if (table) {
    next_->routes = std::move(*table);
    return;
  }
  for (router::RouteProblem& found : table.error()) {
    problem("routes", found.id, std::move(found.field), std::move(found.message));
  }
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> Edit::finish() {
  rebuild_consumers();
  rebuild_routes();
  if (policy_changed_) ++next_->policy_epoch;
  if (!hash_.empty()) next_->hash = hash_;
  if (!problems_.empty()) return std::unexpected(std::move(problems_));
  return Snapshot::Ref(std::move(next_));
}

/// Reduces a complete configuration to what differs from `base`.
sync::Delta difference(const Snapshot& base, sync::Delta complete) {
  sync::Delta delta;
  delta.hash = std::move(complete.hash);
  std::map<std::string, std::set<Uuid>, std::less<>> named;
  for (sync::EntityRow& row : complete.upserts) {
    if (!base.rows.empty()) named[row.type].insert(row.id);
    auto rows = base.rows.find(row.type);
    const auto* present = rows != base.rows.end() ? rows->second.find(row.id) : nullptr;
    if (present == nullptr || **present != *row.document) delta.upserts.push_back(std::move(row));
  }
  for (const auto& [type, rows] : base.rows) {
    auto kept = named.find(type);
    for (const auto& entry : rows) {
      if (kept == named.end() || !kept->second.contains(entry.key)) delta.removals.push_back({type, entry.key});
    }
  }
  return delta;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(const entity::Catalog& catalog, const PluginRegistry& plugins, router::Flavor flavor)
    : catalog_(catalog), plugins_(plugins), flavor_(flavor) {}

Snapshot::Ref SnapshotBuilder::empty() const {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->routes = router::RouteTable::empty(flavor_);
  snapshot->hash = std::string(32, '0');
  return snapshot;
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> SnapshotBuilder::build(const Snapshot& base,
                                                                                      sync::Delta delta) const {
  if (delta.complete) delta = difference(base, std::move(delta));
  Edit edit(catalog_, plugins_, base);
  edit.name(delta.hash);
  for (const sync::EntityKey& key : delta.removals) edit.remove(key);
  for (sync::EntityRow& row : delta.upserts) edit.upsert(std::move(row));
  return edit.finish();
}

}  // namespace sluice::gateway
