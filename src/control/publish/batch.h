// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "base/json.h"
#include "control/publish/operation.h"
#include "entity/catalog.h"
#include "entity/declarative.h"

namespace sluice::control::publish {

enum class NewIds : std::uint8_t {
  Random,
  FromNames,  // as a declarative file has them
};

/// Many operations, as somebody wrote them:
///
///     {"upsert": {"routes": [{"name": "r", "paths": ["/r"], "service": "s"}]}, "delete": {"plugins": ["id-or-key"]}}
///
/// `create`, `upsert` and `update` hold lists of entities by type, flat (nothing nested in one), `delete` lists of ids
/// or keys. An upsert gives the entity whole and replaces the one with its id, its name, or, where it has neither, its
/// other unique columns; an update names one by id or key and gives what changes. References are names or ids, of the
/// batch itself or of what exists. `"_transform": false` says that passwords are given as the store keeps them.
class Batch {
 public:
  /// Or what is wrong with the form.
  static std::expected<Batch, entity::DeclarativeErrors> read(const entity::Catalog& catalog, const Json& text,
                                                              const Uuid& workspace, NewIds new_ids);

  [[nodiscard]] const std::vector<Operation>& operations() const { return operations_; }
  /// Failures of the operations, at the places where these are written.
  [[nodiscard]] entity::DeclarativeErrors errors(const std::vector<Failure>& failures) const;
  /// Where an operation stands: `upsert`, its type, its position in the list.
  [[nodiscard]] std::vector<schema::PathPart> path(std::size_t operation) const;

 private:
  class Reader;
  struct Place {
    std::string action;
    std::size_t position;
  };
  std::vector<Operation> operations_;
  std::vector<Place> places_;
};

}  // namespace sluice::control::publish
