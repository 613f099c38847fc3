// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/uuid.h"
#include "schema/entity.h"
#include "store/sealing.h"

namespace sluice::store {

/// A value by which the database finds a row, as the description of its type asks for it.
struct Lookup {
  enum class Kind : std::uint8_t { Unique, Reference, Tag };

  Kind kind = Kind::Tag;
  std::string field;  // several, joined by "+", for values that are unique together
  /// "=" and the value itself; "#" and its SHA-256 when it is long; "*" and its HMAC when it is confidential.
  std::string value;
  Uuid scope;  // the workspace within which it is unique; nil: everywhere
};

/// All of a canonical document's look-ups.
[[nodiscard]] std::vector<Lookup> lookups(const schema::EntityBase& type, std::string_view document,
                                          const Uuid& workspace, const Sealer& sealer);

}  // namespace sluice::store
