// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/edit.h"

#include <variant>

#include "gateway/config/secrets.h"

namespace sluice::gateway {

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

Edit::Edit(const entity::Catalog& catalog, const PluginRegistry& plugins, const Snapshot& base)
    : catalog_(catalog), plugins_(plugins), next_(std::make_shared<Snapshot>(base)) {
  ++next_->generation;
}

const std::map<std::string_view, Edit::Apply>& Edit::appliers() {
  static const std::map<std::string_view, Apply> kTable = {
      {"routes", &Edit::route},
      {"services", &Edit::service},
      {"consumers", &Edit::consumer},
      {"consumer_groups", &Edit::consumer_group},
      {"consumer_group_consumers", &Edit::membership},
      {"acls", &Edit::acl},
      {"keyauth_credentials", &Edit::keyauth},
      {"basicauth_credentials", &Edit::basicauth},
      {"mtls_auth_credentials", &Edit::mtls_auth},
      {"partials", &Edit::partial},
      {"plugins", &Edit::plugin},
      {"upstreams", &Edit::upstream},
      {"targets", &Edit::target},
      {"certificates", &Edit::certificate},
      {"snis", &Edit::sni},
      {"ca_certificates", &Edit::ca_certificate},
      {"vaults", &Edit::vault},
      {"workspaces", &Edit::workspace},
  };
  return kTable;
}

void Edit::upsert(sync::EntityRow row) {
  auto parsed = parse_json(*row.document);
  if (!parsed) {
    problem(row.type, row.id, "", parsed.error().what);
    return;
  }
  current_ = std::move(row.document);
  try {
    apply({row.type, row.id}, &*parsed, row.workspace);
  } catch (const std::bad_variant_access&) {
    // Documents have been judged before they come here, unless somebody wrote into the store by hand.
    problem(row.type, row.id, "", "a value is of another kind than the schema says");
    return;
  }
  note_reference(row.type, row.id, current_.get());
  next_->rows[row.type].insert(row.id, {current_, row.workspace});
}

void Edit::remove(const sync::EntityKey& key) {
  apply(key, nullptr, {});
  note_reference(key.type, key.id, nullptr);
  if (auto rows = next_->rows.find(key.type); rows != next_->rows.end()) rows->second.erase(key.id);
}

void Edit::apply(const sync::EntityKey& key, const Json* after, const Uuid& workspace) {
  auto applier = appliers().find(key.type);
  if (applier == appliers().end()) return;  // kept for reads, of no concern to requests
  Change change{key.id, nullptr, {}, after, workspace};
  std::optional<Json> before;
  if (auto rows = next_->rows.find(key.type); rows != next_->rows.end()) {
    if (const StoredRow* row = rows->second.find(key.id)) {
      if (auto parsed = parse_json(*row->document)) before = std::move(*parsed);
      change.workspace_before = row->workspace;
    }
  }
  if (before) change.before = &*before;
  (this->*applier->second)(change);
}

/// Remembers whether the row, which is now `document` (null: gone), refers to secrets.
void Edit::note_reference(const std::string& type, const Uuid& id, const std::string* document) {
  if (document != nullptr && has_secret_reference(*document)) {
    next_->referring[type].insert(id, true);
  } else if (auto known = next_->referring.find(type); known != next_->referring.end()) {
    known->second.erase(id);
  }
}

/// Requests know the workspace of their route by name too, for what is logged and counted.
void Edit::workspace(const Change& change) {
  if (change.after == nullptr) {
    next_->workspace_names.erase(change.id);
  } else {
    next_->workspace_names.insert(change.id, std::make_shared<const std::string>(text(*change.after, "name")));
  }
}

/// A vault came, went or changed: what refers to secrets is made anew, wherever it stands.
void Edit::resolve_again() {
  const Remaking remaking(*this);
  for (const auto& [type, ids] : std::map(next_->referring)) {
    for (const auto& entry : ids) {
      const StoredRow row = *next_->rows[type].find(entry.key);
      auto parsed = parse_json(*row.document);
      if (!parsed) continue;
      current_ = row.document;
      apply({type, entry.key}, &*parsed, row.workspace);
    }
  }
}

std::expected<Snapshot::Ref, std::vector<sync::ConfigProblem>> Edit::finish() {
  if (vaults_changed_) resolve_again();
  if (!partials_changed_.empty()) remake_linked_plugins();
  rebuild_consumers();
  rebuild_routes();
  rebuild_client_policies();
  if (strict_about_protocols_) check_protocols();
  if (policy_changed_) ++next_->policy_epoch;
  if (!hash_.empty()) next_->hash = hash_;
  if (!problems_.empty()) return std::unexpected(std::move(problems_));
  return Snapshot::Ref(std::move(next_));
}

}  // namespace sluice::gateway
