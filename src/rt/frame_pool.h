// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace sluice::rt {

/// Memory for coroutine frames, recycled per thread by size class, so that a request's tasks cost no malloc.
/// A frame is freed on the thread that made it: tasks do not move between shards.
void* allocate_frame(std::size_t size);
void release_frame(void* frame, std::size_t size) noexcept;

/// Frees what this thread keeps for reuse; for the end of a shard and for leak checks.
void drop_cached_frames() noexcept;

}  // namespace sluice::rt
