// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

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
  std::string version;  // ours, "0.1.0"
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
};

}  // namespace sluice::control::admin
