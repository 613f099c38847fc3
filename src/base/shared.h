// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "base/assert.h"

namespace sluice {

template <class T>
class Shared;

/// Base of objects that carry their own atomic reference count: half the size of a shared_ptr, and one allocation may
/// hold the object and a tail of known length. A copy of the object starts with a count of its own.
class Counted {
 protected:
  Counted() = default;
  Counted(const Counted&) noexcept {}
  Counted& operator=(const Counted&) noexcept { return *this; }
  ~Counted() = default;

 private:
  template <class T>
  friend class Shared;
  mutable std::atomic<std::uint32_t> references_{1};
};

/// Counted reference to a T that derives from Counted. Like shared_ptr it may be copied to and dropped by any thread,
/// while one Shared object belongs to one thread at a time. The object should be immutable once a second reference
/// exists: unique() is how a builder finds out that it may still change it in place.
template <class T>
class Shared {
 public:
  Shared() = default;
  Shared(const Shared& other) noexcept : object_(other.object_) {
    if (object_) object_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  Shared(Shared&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  /// From Shared<T> to Shared<const T>.
  template <class U>
    requires std::is_same_v<const U, T> && (!std::is_same_v<U, T>)
  Shared(Shared<U> other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_ && object_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(object_);
  }

  template <class... Args>
  static Shared make(Args&&... args) {
    return make_sized(0, std::forward<Args>(args)...);
  }

  /// Allocates `tail` further octets directly behind the object; what is constructed there is the object's own affair,
  /// its destructor included.
  template <class... Args>
  static Shared make_sized(std::size_t tail, Args&&... args) {
    static_assert(alignof(T) <= __STDCPP_DEFAULT_NEW_ALIGNMENT__);
    void* memory = ::operator new(sizeof(T) + tail);
    return Shared(::new (memory) T(std::forward<Args>(args)...));
  }

  /// Counts the object once more; `object` must be held by some Shared already.
  static Shared share(T* object) noexcept {
    if (object) object->references_.fetch_add(1, std::memory_order_relaxed);
    return Shared(object);
  }

  [[nodiscard]] T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  friend bool operator==(const Shared& a, const Shared& b) noexcept { return a.object_ == b.object_; }

  /// Whether this is the only reference, so that the object may be changed in place by the caller.
  [[nodiscard]] bool unique() const noexcept {
    return object_ && object_->references_.load(std::memory_order_acquire) == 1;
  }

 private:
  template <class U>
  friend class Shared;
  explicit Shared(T* object) noexcept : object_(object) {}

  static void destroy(T* object) noexcept {
    object->~T();
    ::operator delete(const_cast<void*>(static_cast<const void*>(object)));
  }

  T* object_ = nullptr;
};

}  // namespace sluice
