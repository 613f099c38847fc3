// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "control/publish/draft.h"
#include "control/publish/operation.h"
#include "entity/catalog.h"
#include "sync/delta.h"
#include "sync/local.h"

namespace sluice::control::publish {

/// A wanted change of configuration, as somebody wrote it.
class Change {
 public:
  virtual ~Change() = default;

  /// Validates it against what is there and puts it into the draft; what it has put is taken back by the caller when
  /// it fails. May be called again, when somebody else's change came first.
  virtual std::expected<void, Refusal> prepare(Draft& draft) = 0;
  /// Puts what the gateway found wrong with the prepared change at the places where it was written.
  [[nodiscard]] virtual Refusal locate(const std::vector<sync::ConfigProblem>& problems) const = 0;
  /// Whether it replaces everything.
  [[nodiscard]] virtual bool whole() const { return false; }
  /// What the history says of it beside what it did; mostly empty.
  [[nodiscard]] virtual std::string note() const { return {}; }
  /// What the latest prepare() did, by operation.
  [[nodiscard]] virtual std::vector<Effect> effects() const { return {}; }
};

/// A whole configuration in the declarative format. `hash` names it: 32 hexadecimal digits. `catalog` outlives it.
std::unique_ptr<Change> replacement(const entity::Catalog& catalog, Json config, std::string hash);

/// A whole configuration that has been validated already: the file at start and on SIGHUP.
std::unique_ptr<Change> ready_made(sync::Delta delta);

/// Single entities, all of them or none; everything that is wrong is found at once. Removals come first, then the
/// others in the order of their references, so that the caller need not order them; what must hold between entities is
/// judged at the end. What depends on a removed entity goes with it or forbids it, as its type says. Costs as much as
/// the change is large, after the first one has built the store's indexes. `catalog` outlives it. With `if_match`, the
/// version that changed the operations' workspace last must be one that the field names: nothing in it has changed
/// since a client saw it.
std::unique_ptr<Change> transaction(const entity::Catalog& catalog, std::vector<Operation> operations,
                                    std::string if_match = {});

/// Where a problem's field stands, "config.hosts.0" below `base`.
std::vector<schema::PathPart> field_path(std::vector<schema::PathPart> base, const std::string& field);

}  // namespace sluice::control::publish
