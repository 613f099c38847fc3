// SPDX-License-Identifier: Apache-2.0
#include "http/h2/session_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "rt/frame_pool.h"

namespace sluice::http::h2 {
namespace {

/// Stands before each block: nghttp2 does not say how large what it gives back is.
struct alignas(std::max_align_t) Head {
  std::size_t octets;  // of the block behind this
};

/// Null: there is no memory. nghttp2 knows what to do then, and no exception may pass through it.
void* allocate(std::size_t octets, void* /*user*/) {
  if (octets > PTRDIFF_MAX) return nullptr;
  try {
    return ::new (rt::allocate_frame(sizeof(Head) + octets)) Head{octets} + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void release(void* block, void* /*user*/) {
  if (block == nullptr) return;
  Head* head = static_cast<Head*>(block) - 1;
  rt::release_frame(head, sizeof(Head) + head->octets);
}

void* allocate_zeroed(std::size_t count, std::size_t each, void* user) {
  if (each != 0 && count > SIZE_MAX / each) return nullptr;
  void* block = allocate(count * each, user);
  if (block != nullptr) std::memset(block, 0, count * each);
  return block;
}

void* reallocate(void* block, std::size_t octets, void* user) {
  void* larger = allocate(octets, user);
  if (larger == nullptr || block == nullptr) return larger;
  std::memcpy(larger, block, std::min(octets, (static_cast<Head*>(block) - 1)->octets));
  release(block, user);
  return larger;
}

}  // namespace

nghttp2_mem* session_memory() {
  static nghttp2_mem memory{nullptr, allocate, release, allocate_zeroed, reallocate};
  return &memory;
}

}  // namespace sluice::http::h2
