// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "control/admin/data_plane_metrics.h"
#include "control/iam/accounts.h"
#include "control/iam/token_book.h"
#include "control/publish/publisher.h"
#include "entity/catalog.h"
#include "settings/settings.h"
#include "store/memory_store.h"
#include "sync/local.h"

namespace sluice::control::admin {

/// A plugin that this build has, as clients see it.
struct InstalledPlugin {
  std::string name;
  std::string version;
  int priority = 0;
};

/// Who this process is.
struct NodeIdentity {
  std::string node_id;  // UUID
  std::string hostname;
  std::string version;              // ours, "0.1.0"
  std::int64_t supervisor_pid = 0;  // 0: nobody watches this process
};

/// Where acknowledged writes are kept.
enum class Storage : std::uint8_t {
  None,  // nowhere: the configuration comes as a whole, and single entities cannot be written
  Sqlite,
  Postgres,
};

/// What the Admin API is built on. Everything borrowed outlives the server.
struct Parts {
  const entity::Catalog& catalog;
  sync::LocalGateway& gateway;
  const settings::Settings& settings;
  store::MemoryStore& store;
  publish::Publisher& publisher;
  std::vector<InstalledPlugin> plugins;
  NodeIdentity node;
  Storage storage = Storage::None;
  const iam::TokenBook* tokens = nullptr;   // beside admin_token; may be null
  const iam::Accounts* accounts = nullptr;  // null where nothing is stored
  /// The data planes; empty, or null, on a node that has none.
  std::function<const cluster::NodeBook*()> nodes = {};
  std::function<bool()> database_reachable = {};  // cheap; empty: whatever `storage` names always is
  /// Of all control planes; may be empty.
  std::function<NodeBooks()> all_nodes = {};
};

}  // namespace sluice::control::admin
