// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <vector>

#include "sync/delta.h"

namespace sluice::sync::wire {

/// The rows, each behind those of the types that it refers to; equal types stay in order. Types that are unknown come
/// last. Borrows the rows.
std::vector<const EntityRow*> parents_first(std::span<const EntityRow> rows);
/// The other way round.
std::vector<const EntityKey*> children_first(std::span<const EntityKey> keys);

}  // namespace sluice::sync::wire
