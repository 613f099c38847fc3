// SPDX-License-Identifier: Apache-2.0
#include "control/planes/config_store.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "control/row_reader.h"
#include "crypto/uuid5.h"
#include "store/durable.h"

namespace sluice::control::planes {

std::string ConfigStore::to_text() const {
  return to_json(Json::Object{{"format", RowReader::kFormat},
                              {"id", id.to_string()},
                              {"control_plane", control_plane.to_string()},
                              {"name", name},
                              {"created_ms", created_ms},
                              {"updated_ms", updated_ms}});
}

Result<ConfigStore> ConfigStore::parse(std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  ConfigStore store;
  TRY(reader.take("id", store.id));
  TRY(reader.take("control_plane", store.control_plane));
  reader.take("name", store.name);
  reader.take("created_ms", store.created_ms);
  reader.take("updated_ms", store.updated_ms);
  return store;
}

Uuid ConfigSecret::row_id(const Uuid& store, std::string_view key) {
  return crypto::uuid_v5(store, key);
}

std::string ConfigSecret::to_text() const {
  return to_json(Json::Object{{"format", RowReader::kFormat},
                              {"store", store.to_string()},
                              {"key", key},
                              {std::string(store::kInternalSecret), value.reveal()},
                              {"created_ms", created_ms},
                              {"updated_ms", updated_ms}});
}

Result<ConfigSecret> ConfigSecret::parse(std::string_view text) {
  TRY(const RowReader reader, RowReader::open(text));
  ConfigSecret secret;
  TRY(reader.take("store", secret.store));
  reader.take("key", secret.key);
  std::string value;
  reader.take(store::kInternalSecret, value);
  secret.value = Secret<std::string>(std::move(value));
  reader.take("created_ms", secret.created_ms);
  reader.take("updated_ms", secret.updated_ms);
  return secret;
}

// Reading -------------------------------------------------------------------------------------------------------------

std::vector<const ConfigStore*> ConfigStores::of(const Uuid& control_plane) const {
  std::vector<const ConfigStore*> found;
  for (const auto& [id, store] : stores_) {
    if (store.control_plane == control_plane) found.push_back(&store);
  }
  std::ranges::sort(found, {},
                    [](const ConfigStore* store) { return std::pair(std::string_view(store->name), store->id); });
  return found;
}

const ConfigStore* ConfigStores::find(const Uuid& control_plane, const Uuid& id) const {
  const auto at = stores_.find(id);
  return at != stores_.end() && at->second.control_plane == control_plane ? &at->second : nullptr;
}

const ConfigStores::Secrets& ConfigStores::secrets(const Uuid& store) const {
  static const Secrets kNone;
  const auto at = secrets_.find(store);
  return at != secrets_.end() ? at->second : kNone;
}

const ConfigSecret* ConfigStores::find_secret(const Uuid& store, std::string_view key) const {
  const Secrets& all = secrets(store);
  const auto at = all.find(key);
  return at != all.end() ? &at->second : nullptr;
}

// Rows ----------------------------------------------------------------------------------------------------------------

sync::EntityRow ConfigStores::row(const ConfigStore& store) {
  return {std::string(kStoreType), store.id, std::make_shared<const std::string>(store.to_text()), Uuid{}};
}

sync::EntityRow ConfigStores::row(const ConfigSecret& secret) {
  return {std::string(kSecretType), secret.row_id(), std::make_shared<const std::string>(secret.to_text()), Uuid{}};
}

std::vector<sync::EntityKey> ConfigStores::keys(const ConfigStore& store) const {
  std::vector<sync::EntityKey> found = {{std::string(kStoreType), store.id}};
  for (const auto& [key, secret] : secrets(store.id)) found.push_back({std::string(kSecretType), secret.row_id()});
  return found;
}

std::vector<sync::EntityKey> ConfigStores::keys_of(const Uuid& control_plane) const {
  std::vector<sync::EntityKey> found;
  for (const ConfigStore* store : of(control_plane)) std::ranges::move(keys(*store), std::back_inserter(found));
  return found;
}

void ConfigStores::clear() {
  stores_.clear();
  secrets_.clear();
  secret_by_row_.clear();
}

Result<bool> ConfigStores::put(std::string_view type, std::string_view text) {
  if (type == kStoreType) {
    TRY(ConfigStore store, ConfigStore::parse(text));
    const Uuid id = store.id;
    stores_.insert_or_assign(id, std::move(store));
    return true;
  }
  if (type != kSecretType) return false;
  TRY(ConfigSecret secret, ConfigSecret::parse(text));
  secret_by_row_.insert_or_assign(secret.row_id(), std::pair(secret.store, secret.key));
  Secrets& all = secrets_[secret.store];
  const std::string key = secret.key;
  all.insert_or_assign(key, std::move(secret));
  return true;
}

void ConfigStores::erase(std::string_view type, const Uuid& id) {
  if (type == kStoreType) stores_.erase(id);
  const auto at = type == kSecretType ? secret_by_row_.find(id) : secret_by_row_.end();
  if (at == secret_by_row_.end()) return;
  const auto all = secrets_.find(at->second.first);
  all->second.erase(at->second.second);
  if (all->second.empty()) secrets_.erase(all);
  secret_by_row_.erase(at);
}

}  // namespace sluice::control::planes
