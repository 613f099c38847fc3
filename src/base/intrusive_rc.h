// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "base/assert.h"

namespace sluice {

template <class T>
class Rc;

/// Base of objects shared within one shard: carries a plain counter, which is why they never cross threads.
class RcObject {
 public:
  RcObject(const RcObject&) = delete;
  RcObject& operator=(const RcObject&) = delete;

 protected:
  RcObject() = default;
  ~RcObject() { SLUICE_ASSERT(references_ == 0); }

 private:
  template <class T>
  friend class Rc;
  std::uint32_t references_ = 0;
};

/// Shared ownership within a shard, without atomics; one pointer wide. `Rc<Conn> c = make_rc<Conn>(...)`. An Rc to a
/// base may hold a derived object if the base has a virtual destructor. For snapshots read by many shards see Shared.
template <class T>
class Rc {
 public:
  Rc() = default;
  Rc(std::nullptr_t) {}
  /// Adds a reference to an object that make_rc() made, for example to `*this`.
  explicit Rc(T& object) : object_(&object) { retain(); }
  Rc(const Rc& other) : object_(other.object_) { retain(); }
  Rc(Rc&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <std::derived_from<T> U>
    requires(!std::same_as<T, U> && std::has_virtual_destructor_v<T>)
  Rc(Rc<U> other) : object_(std::exchange(other.object_, nullptr)) {}
  Rc& operator=(Rc other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Rc() { drop(); }

  T& operator*() const {
    SLUICE_ASSERT(object_ != nullptr);
    return *object_;
  }
  T* operator->() const { return &**this; }
  [[nodiscard]] T* get() const { return object_; }
  explicit operator bool() const { return object_ != nullptr; }
  [[nodiscard]] std::uint32_t use_count() const { return object_ ? base(*object_).references_ : 0; }
  friend bool operator==(const Rc& a, const Rc& b) { return a.object_ == b.object_; }

 private:
  template <class U>
  friend class Rc;

  // T may be incomplete where Rc<T> is named, hence the late conversion.
  static RcObject& base(T& object) { return const_cast<std::remove_const_t<T>&>(object); }
  void retain() {
    if (object_) ++base(*object_).references_;
  }
  void drop() {
    if (object_ && --base(*object_).references_ == 0) delete object_;
  }

  T* object_ = nullptr;
};

template <class T, class... Args>
[[nodiscard]] Rc<T> make_rc(Args&&... args) {
  return Rc<T>(*new T(std::forward<Args>(args)...));
}

}  // namespace sluice
