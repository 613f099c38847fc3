// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "entity/catalog.h"
#include "gateway/config/snapshot.h"
#include "gateway/plugin.h"
#include "sync/local.h"

namespace sluice::gateway {

/// One change of one entity, as documents. Null: did not exist, or does not exist any more.
struct Change {
  Uuid id;
  const Json* before = nullptr;
  Uuid workspace_before;
  const Json* after = nullptr;
  Uuid workspace;
};

/// The id that `document` names in `field`; nil: none.
Uuid reference(const Json& document, std::string_view field);
/// The text in `field`; empty: none.
std::string text(const Json& document, std::string_view field);

/// Edits a copy of the base generation, entity by entity. Copies of persistent maps share everything until edited.
/// Part of SnapshotBuilder; what it does for each type stands in edit_routes.cc, edit_consumers.cc,
/// edit_policies.cc, edit_handshakes.cc and edit_partials.cc.
class Edit {
 public:
  /// Everything given outlives the edit.
  Edit(const entity::Catalog& catalog, const PluginRegistry& plugins, const Snapshot& base);

  void name(std::string hash) { hash_ = std::move(hash); }
  /// Refuses plugin rows that no request to their route or service could reach. The ecosystem asks this of single
  /// writes, not of whole configurations.
  void be_strict_about_protocols() { strict_about_protocols_ = true; }
  void upsert(sync::EntityRow row);
  void remove(const sync::EntityKey& key);
  [[nodiscard]] std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> finish();

 private:
  /// A type of credentials: the fields that requests look at.
  struct CredentialKind {
    std::string_view collection, identity;
    std::string_view secret = {};  // empty: there is none
    std::string_view within = {};  // the entity in connection with which the identity counts; empty: it does by itself
    [[nodiscard]] std::string qualified(const Json& document, std::string text) const;
  };
  using Apply = void (Edit::*)(const Change&);
  static const std::map<std::string_view, Apply>& appliers();

  void route(const Change& change);
  void service(const Change& change);
  void consumer(const Change& change);
  void consumer_group(const Change& change);
  void membership(const Change& change);
  void acl(const Change& change);
  void keyauth(const Change& change) { credential(change, {"keyauth_credentials", "key"}); }
  void basicauth(const Change& change) { credential(change, {"basicauth_credentials", "username", "password"}); }
  void mtls_auth(const Change& change) {
    credential(change, {"mtls_auth_credentials", "subject_name", {}, "ca_certificate"});
  }
  void plugin(const Change& change);
  void upstream(const Change& change);
  void target(const Change& change);
  void certificate(const Change& change);
  void sni(const Change& change);
  void ca_certificate(const Change& change);
  void workspace(const Change& change);
  void vault(const Change& /*change*/) { vaults_changed_ = true; }
  void partial(const Change& change) { partials_changed_.insert(change.id); }

  class Remaking;
  void apply(const sync::EntityKey& key, const Json* after, const Uuid& workspace);
  void note_reference(const std::string& type, const Uuid& id, const std::string* document);
  void resolve_again();
  [[nodiscard]] std::optional<Json> find_partial(const Uuid& workspace, const Uuid& id);
  void note_links(const Change& plugin);
  void remake_linked_plugins();
  void credential(const Change& change, const CredentialKind& kind);
  void forget_credential(const Change& change, const CredentialKind& kind);
  void change_membership(PersistentMap<Uuid, Memberships>& index, const Change& change,
                         const std::function<Membership(const Json&)>& make);
  void drop_plugin(const Change& change);
  void add_plugin(Shared<const PluginConfig> row, const Uuid& anchor);
  void count_policed(const Json& document, int change);
  [[nodiscard]] Shared<const ConsumerConfig> with_groups(const Shared<const ConsumerConfig>& consumer) const;
  void check_protocols();
  void note_asking(const Uuid& id, const Shared<const PluginConfig>* row);
  [[nodiscard]] bool asks_clients(const RouteConfig& route) const;
  bool update_asking(const Uuid& id);
  void rebuild_client_policies();
  [[nodiscard]] std::shared_ptr<const ClientPolicies> make_client_policies() const;
  void rebuild_consumers();
  void rebuild_routes();
  void flag_own_plugins();
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
  bool vaults_changed_ = false;
  std::set<Uuid> partials_changed_;
  bool strict_about_protocols_ = false;
  std::vector<Uuid> consumers_to_rebuild_;  // repeated where several rows changed
  std::set<Uuid> services_switched_;        // enabled or disabled: their routes come or go
  std::set<Uuid> routes_to_flag_;           // plugin rows that name them came or went
  PluginRows plugins_written_;              // by the change itself
  bool remaking_ = false;                   // what others take values of has changed, not the rows themselves
  std::map<Uuid, std::pair<sync::Document, Json>> parsed_partials_;
  std::vector<Uuid> routes_changed_;
  std::vector<Uuid> routes_removed_;
  bool asking_changed_ = false;      // what handshakes ask of clients has to be put together again
  std::vector<Uuid> routes_to_ask_;  // rows that ask for their clients' certificates came or went
  std::set<Uuid> services_to_ask_;   // likewise
  std::vector<sync::ConfigProblem> problems_;
};

/// While it lives, rows are made again that the change does not write.
class Edit::Remaking {
 public:
  explicit Remaking(Edit& edit) : edit_(edit) { edit_.remaking_ = true; }
  Remaking(const Remaking&) = delete;
  Remaking& operator=(const Remaking&) = delete;
  ~Remaking() { edit_.remaking_ = false; }

 private:
  Edit& edit_;
};

}  // namespace sluice::gateway
