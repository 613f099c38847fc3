// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/uuid.h"
#include "sync/delta.h"

namespace sluice::control::planes {

/// A place for secrets of a control plane. Times are milliseconds by the wall clock.
struct ConfigStore {
  Uuid id;
  Uuid control_plane;
  std::string name;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;

  [[nodiscard]] std::string to_text() const;
  static Result<ConfigStore> parse(std::string_view text);
};

/// One of them. Sealed at rest, and shown to nobody.
struct ConfigSecret {
  Uuid store;
  std::string key;  // unique in its store
  Secret<std::string> value;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;

  /// Of its row: follows from store and key.
  [[nodiscard]] Uuid row_id() const { return row_id(store, key); }
  static Uuid row_id(const Uuid& store, std::string_view key);

  [[nodiscard]] std::string to_text() const;
  static Result<ConfigSecret> parse(std::string_view text);
};

/// Which config stores there are, as the book of control planes has read it. Views last until its next change.
class ConfigStores {
 public:
  // Types of rows; see store::is_internal().
  static constexpr std::string_view kStoreType = "_config_store";
  static constexpr std::string_view kSecretType = "_config_store_secret";
  static constexpr std::size_t kMaxStores = 100;    // of a control plane
  static constexpr std::size_t kMaxSecrets = 1000;  // of a store

  /// By name, then id.
  [[nodiscard]] std::vector<const ConfigStore*> of(const Uuid& control_plane) const;
  /// Null when the control plane has none of that id.
  [[nodiscard]] const ConfigStore* find(const Uuid& control_plane, const Uuid& id) const;
  /// By key; none when there is no such store.
  [[nodiscard]] const std::map<std::string, ConfigSecret, std::less<>>& secrets(const Uuid& store) const;
  [[nodiscard]] const ConfigSecret* find_secret(const Uuid& store, std::string_view key) const;

  /// Rows for a change of the book.
  static sync::EntityRow row(const ConfigStore& store);
  static sync::EntityRow row(const ConfigSecret& secret);
  /// All rows of a store, or of a control plane, for a change that removes them.
  [[nodiscard]] std::vector<sync::EntityKey> keys(const ConfigStore& store) const;
  [[nodiscard]] std::vector<sync::EntityKey> keys_of(const Uuid& control_plane) const;

  // For the book.
  void clear();
  /// Takes a row; false: it is none of ours.
  Result<bool> put(std::string_view type, std::string_view text);
  void erase(std::string_view type, const Uuid& id);

 private:
  using Secrets = std::map<std::string, ConfigSecret, std::less<>>;
  std::map<Uuid, ConfigStore> stores_;
  std::map<Uuid, Secrets> secrets_;                             // by store
  std::map<Uuid, std::pair<Uuid, std::string>> secret_by_row_;  // store and key
};

}  // namespace sluice::control::planes
