// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "entity/catalog.h"
#include "sync/delta.h"

namespace sluice::control::planes {

/// What no two rows of one configuration may share: an id, a unique column, the columns of a cache key. Control planes
/// of a group keep them apart as one control plane does.
struct Identity {
  std::string key;    // can be compared
  std::string field;  // which of the row's members it is; empty: several together
  std::string text;   // for people: "name=x"
};

std::vector<Identity> identities_of(const entity::Catalog& catalog, std::string_view type, const Uuid& id,
                                    const Uuid& workspace, const std::string& document);

}  // namespace sluice::control::planes
