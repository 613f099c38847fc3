// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "control/admin/entity_view.h"
#include "control/admin/parts.h"

namespace sluice::control::admin {

/// Where a type stands in URLs: alone, or below the type that its field `link` refers to.
struct Place {
  const Parts& parts;
  const schema::EntityBase& type;
  const schema::EntityBase* parent = nullptr;
  const schema::Field* link = nullptr;

  [[nodiscard]] const store::Space& space(const Request& request) const { return parts.store.space(request.workspace); }
  [[nodiscard]] const store::Table& table(const Request& request) const { return space(request).table(type.name()); }
  /// The parent that the path names; nil when there is none.
  [[nodiscard]] Uuid parent_of(const Request& request) const {
    return select(space(request), space(request).table(parent->name()), request.params[0]);
  }
};

}  // namespace sluice::control::admin
