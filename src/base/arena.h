// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace sluice {

/// Monotonic memory: allocation moves a pointer, release happens all at once. For what lives as long as one request.
/// Nothing in it is destroyed, so it holds trivially destructible things only. Not thread-safe. Under the address
/// sanitizer every allocation is fenced and reset() poisons what it takes back.
class Arena {
 public:
  static constexpr std::size_t kFirstChunk = 4096;
  static constexpr std::size_t kLargestChunk = std::size_t{64} << 10U;

  /// Allocates nothing until the first use; the first chunk then has `first_chunk` octets.
  explicit Arena(std::size_t first_chunk = kFirstChunk) : next_size_(first_chunk) {}
  /// Begins with memory of the owner, which outlives the arena (see InlineArena).
  explicit Arena(std::span<std::byte> first);
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena();

  /// Uninitialised memory; `align` is a power of two. Never null for a positive size.
  [[nodiscard]] void* alloc(std::size_t size, std::size_t align = alignof(std::max_align_t)) {
    const std::uintptr_t at = (cursor_ + (align - 1)) & ~(std::uintptr_t{align} - 1);
    if (at > end_ || size + kFence > end_ - at) [[unlikely]]
      return alloc_slow(size, align);
    return take(at, size);
  }

  /// A copy of the text that lives until reset().
  [[nodiscard]] std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    auto* to = static_cast<char*>(alloc(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  /// Uninitialised room for `n` elements.
  template <class T>
  [[nodiscard]] std::span<T> alloc_array(std::size_t n) {
    static_assert(std::is_trivially_destructible_v<T> && std::is_trivially_default_constructible_v<T>);
    return {static_cast<T*>(alloc(n * sizeof(T), alignof(T))), n};
  }

  template <class T, class... Args>
  [[nodiscard]] T& make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>, "an arena destroys nothing");
    return *::new (alloc(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  /// Takes everything back; keeps the first chunk for reuse. Invalidates all that was handed out.
  void reset();
  /// As reset(), and returns all heap memory: for connections that fall idle.
  void release();

  /// Octets of heap memory held now.
  [[nodiscard]] std::size_t heap_octets() const { return heap_octets_; }

 private:
  struct Chunk {
    Chunk* next;
    std::size_t size;  // of the whole block, this header included
  };
#if __has_feature(address_sanitizer)
  static constexpr std::size_t kFence = 8;
  void* take(std::uintptr_t at, std::size_t size);
#else
  static constexpr std::size_t kFence = 0;
  void* take(std::uintptr_t at, std::size_t size) {
    cursor_ = at + size;
    return reinterpret_cast<void*>(at);
  }
#endif
  void* alloc_slow(std::size_t size, std::size_t align);
  Chunk* add_chunk(std::size_t size);
  void drop_all_but(Chunk* kept);
  void enter(std::uintptr_t begin, std::uintptr_t end);

  std::uintptr_t cursor_ = 0;
  std::uintptr_t end_ = 0;
  std::span<std::byte> inline_;
  Chunk* chunks_ = nullptr;  // newest first
  Chunk* first_ = nullptr;   // the ordinary chunk that reset() keeps
  std::size_t next_size_;
  std::size_t heap_octets_ = 0;
};

namespace detail {
template <std::size_t N>
struct ArenaStorage {
  alignas(std::max_align_t) std::byte storage[N];
};
}  // namespace detail

/// An arena whose first N octets are part of the object.
template <std::size_t N>
class InlineArena : private detail::ArenaStorage<N>, public Arena {
 public:
  InlineArena() : Arena(std::span<std::byte>(this->storage)) {}
};

}  // namespace sluice
