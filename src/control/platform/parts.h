// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "control/admin/parts.h"
#include "control/planes/control_planes.h"
#include "http/client.h"

namespace sluice::control::platform {

/// What the platform API is built on. Everything borrowed outlives the server.
struct Parts {
  planes::ControlPlanes& planes;
  const entity::Catalog& catalog;
  const settings::Settings& settings;
  std::vector<admin::InstalledPlugin> plugins;
  admin::NodeIdentity node;
  admin::Storage storage = admin::Storage::Sqlite;
  const iam::TokenBook* tokens = nullptr;         // beside admin_token; may be null
  iam::Accounts* accounts = nullptr;              // as tokens
  store::AsyncStore* durable = nullptr;           // whose trail is shown; null: nobody's
  std::function<bool()> database_reachable = {};  // cheap; empty: it always is
  std::string console;                            // folder of the console's files; empty: there are none
  http::Client* outside = nullptr;                // to servers that an administrator names; null: they are not asked
};

}  // namespace sluice::control::platform
