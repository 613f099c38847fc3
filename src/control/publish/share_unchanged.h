// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "store/memory_store.h"
#include "sync/delta.h"

namespace sluice::control::publish {

/// Replaces the documents of a whole configuration by those that the store has where they say the same, so that a load
/// that changes little is a small change for the gateway, and `updated_at` keeps the time of the last real one.
void share_unchanged(sync::Delta& delta, const store::MemoryStore& store);

/// Whether two documents of an entity say the same, but for when it was said last.
[[nodiscard]] bool says_the_same(std::string_view before, std::string_view after);

}  // namespace sluice::control::publish
