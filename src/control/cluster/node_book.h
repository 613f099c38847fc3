// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/uuid.h"
#include "control/cluster/issues.h"
#include "store/version.h"
#include "sync/wire/peer.h"

namespace sluice::control::cluster {

/// Why a node does or does not get the configuration; texts as Kong's `sync_status` has them.
enum class SyncStatus : std::uint8_t {
  Unknown,                    // "unknown": it has not said enough yet
  Normal,                     // "normal"
  VersionIncompatible,        // "kong_version_incompatible"
  PluginSetIncompatible,      // "plugin_set_incompatible"
  PluginVersionIncompatible,  // "plugin_version_incompatible"
  FilterSetIncompatible,      // "filter_set_incompatible"
};
std::string_view to_string(SyncStatus status);

/// A data plane as its control plane knows it.
struct NodeRecord {
  sync::wire::Peer peer;  // identity, versions, labels
  std::string ip;
  std::string protocol;       // "v1", "v2", "v2 strict"
  store::SysTime first_seen;  // by the wall clock
  store::SysTime last_seen;
  bool connected = false;
  SyncStatus sync_status = SyncStatus::Unknown;
  std::string config_hash = std::string(32, '0');  // of what it serves, as it says; zeros: nothing
  std::optional<store::Version> config_version;    // the version that this is, when it came from us
  store::SysTime config_since;                     // since when it serves that
  Issues issues;
  /// What it last refused, an object {version|hash, name, message, errors, at}; null: it takes what it gets.
  Json config_error;
  std::string certificate_fingerprint;  // SHA-256 of the DER, lower-case hexadecimal
  std::optional<store::SysTime> certificate_expires;
};

/// The data planes of one control plane: those connected here, and those seen here or by other replicas not long ago.
/// Belongs to the control shard.
class NodeBook {
 public:
  virtual ~NodeBook() = default;

  /// By id. Stays valid until the next turn of the reactor.
  [[nodiscard]] virtual std::vector<const NodeRecord*> list() const = 0;
  [[nodiscard]] virtual const NodeRecord* find(const Uuid& id) const = 0;
  /// Forgets a node; false: there is none. One that is connected is disconnected, and may come again.
  virtual bool erase(const Uuid& id) = 0;
  /// The digest of the configuration that a node should serve; zeros: there is none.
  [[nodiscard]] virtual std::string expected_hash() const = 0;
  [[nodiscard]] virtual store::Version expected_version() const = 0;
  /// What the control plane shows to nodes that come, PEM, with its issuers behind it; empty: not known.
  [[nodiscard]] virtual std::string door_certificate() const { return {}; }
};

/// Whether the node serves what it should, and was heard of not long ago.
bool in_sync(const NodeRecord& node, const NodeBook& book);

}  // namespace sluice::control::cluster
