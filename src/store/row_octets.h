// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include "base/uuid.h"
#include "store/sql/connection.h"

// Identities as the database has them: 16 octets.
namespace sluice::store {

/// Borrows `id`.
[[nodiscard]] inline sql::OctetsView to_octets(const Uuid& id) {
  return {{reinterpret_cast<const char*>(id.octets.data()), id.octets.size()}};
}

/// Nil when there are not 16 of them.
[[nodiscard]] inline Uuid from_octets(std::string_view octets) {
  Uuid id;
  if (octets.size() == id.octets.size()) std::ranges::copy(octets, id.octets.begin());
  return id;
}

}  // namespace sluice::store
