// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "entity/catalog.h"
#include "settings/settings.h"
#include "store/durable.h"
#include "store/keyring.h"

namespace sluice::apps {

/// A store that is open, and the keys that it uses.
struct OpenStore {
  std::unique_ptr<store::Keyring> keyring;
  std::unique_ptr<store::DurableStore> store;
};

/// What a worker begins with; nothing of it with `database=off`.
struct StoredState {
  OpenStore open;
  store::Heads heads;  // of all control planes, not later than
  store::Contents contents;
};

/// Where SQLite keeps everything.
[[nodiscard]] std::string sqlite_file(const settings::Settings& settings);

/// Opens the store that settings name, and makes it if there is none. Blocks. `catalog` outlives it. Fails when
/// `database` is off.
Result<OpenStore> open_store(const settings::Settings& settings, const entity::Catalog& catalog);
/// The same with all that is in it; empty when `database` is off.
Result<StoredState> load_stored(const settings::Settings& settings, const entity::Catalog& catalog);

}  // namespace sluice::apps
