// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

namespace sluice {
namespace {

#if __has_feature(address_sanitizer)
void poison(std::uintptr_t begin, std::uintptr_t end) {
  __asan_poison_memory_region(reinterpret_cast<void*>(begin), end - begin);
}
void unpoison(std::uintptr_t begin, std::uintptr_t end) {
  __asan_unpoison_memory_region(reinterpret_cast<void*>(begin), end - begin);
}
#else
void poison(std::uintptr_t, std::uintptr_t) {}
void unpoison(std::uintptr_t, std::uintptr_t) {}
#endif

std::uintptr_t address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

}  // namespace

#if __has_feature(address_sanitizer)
void* Arena::take(std::uintptr_t at, std::size_t size) {
  cursor_ = at + size + kFence;
  unpoison(at, at + size);
  return reinterpret_cast<void*>(at);
}
#endif

Arena::Arena(std::span<std::byte> first) : inline_(first), next_size_(kFirstChunk) {
  enter(address(first.data()), address(first.data()) + first.size());
}

Arena::~Arena() {
  drop_all_but(nullptr);
  unpoison(address(inline_.data()), address(inline_.data()) + inline_.size());
}

void Arena::enter(std::uintptr_t begin, std::uintptr_t end) {
  cursor_ = begin;
  end_ = end;
  poison(begin, end);
}

Arena::Chunk* Arena::add_chunk(std::size_t size) {
  auto* chunk = static_cast<Chunk*>(std::malloc(size));
  if (chunk == nullptr) throw std::bad_alloc();
  *chunk = {chunks_, size};
  chunks_ = chunk;
  heap_octets_ += size;
  return chunk;
}

void* Arena::alloc_slow(std::size_t size, std::size_t align) {
  const std::size_t overhead = sizeof(Chunk) + align + kFence;
  if (size > SIZE_MAX - overhead) throw std::bad_alloc();

  // A large block gets a chunk of its own and leaves the current one in use.
  if (size + overhead > kLargestChunk / 4 && size + overhead > next_size_) {
    const std::uintptr_t begin = address(add_chunk(size + overhead) + 1);
    const std::uintptr_t at = (begin + (align - 1)) & ~(std::uintptr_t{align} - 1);
    return reinterpret_cast<void*>(at);
  }
  Chunk* chunk = add_chunk(std::max(next_size_, size + overhead));
  if (first_ == nullptr && inline_.empty()) first_ = chunk;
  next_size_ = std::min(next_size_ * 2, kLargestChunk);
  enter(address(chunk + 1), address(chunk) + chunk->size);
  return alloc(size, align);
}

void Arena::drop_all_but(Chunk* kept) {
  for (Chunk* chunk = chunks_; chunk != nullptr;) {
    Chunk* next = chunk->next;
    if (chunk != kept) {
      heap_octets_ -= chunk->size;
      unpoison(address(chunk), address(chunk) + chunk->size);
      std::free(chunk);
    }
    chunk = next;
  }
  chunks_ = kept;
  if (kept != nullptr) kept->next = nullptr;
}

void Arena::reset() {
  drop_all_but(first_);
  if (!inline_.empty()) {
    enter(address(inline_.data()), address(inline_.data()) + inline_.size());
  } else if (first_ != nullptr) {
    enter(address(first_ + 1), address(first_) + first_->size);
  } else {
    cursor_ = end_ = 0;
  }
}

void Arena::release() {
  if (first_ != nullptr) next_size_ = first_->size;
  first_ = nullptr;
  reset();
}

}  // namespace sluice
