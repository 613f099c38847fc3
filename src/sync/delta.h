// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/uuid.h"

namespace sluice::sync {

/// A canonical document: compact JSON with defaults, explicit nulls and unresolved secret references. Shared by whoever
/// keeps it (store, snapshot), since a configuration may have a hundred thousand of them.
using Document = std::shared_ptr<const std::string>;

/// An entity as both planes exchange it, under its DAO name ("routes").
struct EntityRow {
  std::string type;
  Uuid id;
  Document document;
  Uuid workspace{};  // nil: the default workspace
};

struct EntityKey {
  std::string type;
  Uuid id;
};

/// A change of configuration, applied as a whole or not at all.
struct Delta {
  std::vector<EntityRow> upserts;
  std::vector<EntityKey> removals;
  /// `upserts` is the whole configuration: what it does not name is removed, what it repeats unchanged stays as it is.
  bool complete = false;
  /// Names the configuration to the outside (`configuration_hash`): 32 hexadecimal digits; empty: as it was.
  std::string hash;
};

}  // namespace sluice::sync
