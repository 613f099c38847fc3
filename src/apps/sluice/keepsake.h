// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "base/error.h"
#include "store/memory_store.h"
#include "sync/delta.h"

namespace sluice::apps {

/// The whole configuration of a store in a file in memory, one row a line, as the next worker reads it. The descriptor
/// is the caller's.
Result<int> write_keepsake(const store::MemoryStore& store);

/// The configuration again.
std::expected<sync::Delta, std::string> delta_from_keepsake(const std::string& text);

}  // namespace sluice::apps
