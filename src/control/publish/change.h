// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "entity/catalog.h"
#include "entity/declarative.h"
#include "store/memory_store.h"
#include "sync/delta.h"
#include "sync/local.h"

namespace sluice::control::publish {

/// A wanted change of configuration, as somebody wrote it.
class Change {
 public:
  virtual ~Change() = default;

  /// Validates it against what is served now, and says what the gateway has to be told.
  virtual std::expected<sync::Delta, entity::DeclarativeErrors> prepare(const store::MemoryStore& store) = 0;
  /// Puts what the gateway found wrong with the prepared change at the places where it was written.
  [[nodiscard]] virtual entity::DeclarativeErrors locate(const std::vector<sync::ConfigProblem>& problems) const = 0;
};

/// A whole configuration in the declarative format. `hash` names it: 32 hexadecimal digits. `catalog` outlives it.
std::unique_ptr<Change> replacement(const entity::Catalog& catalog, Json config, std::string hash);

/// A whole configuration that has been validated already: the file at start and on SIGHUP.
std::unique_ptr<Change> ready_made(sync::Delta delta);

/// Single entities, in a configuration that stays as it is otherwise:
///
///     {"upsert": {"routes": [{"name": "r", "paths": ["/r"], "service": "s"}]}, "delete": {"plugins": ["id-or-key"]}}
///
/// Each entity is given whole, flat (nothing nested in it), and replaces the one with its id, its name, or, where it
/// has neither, its other unique columns. References are names or ids, of the change itself or of what exists. What
/// depends on a deleted entity goes with it or forbids it, as the type says; deleting what is not there is no error.
/// Costs as much as the change is large, after the first one has built the store's indexes.
std::unique_ptr<Change> edit(const entity::Catalog& catalog, Json batch);

/// Where a problem's field stands, "config.hosts.0" below `base`.
std::vector<schema::PathPart> field_path(std::vector<schema::PathPart> base, const std::string& field);

}  // namespace sluice::control::publish
