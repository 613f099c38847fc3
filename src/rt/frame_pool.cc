// SPDX-License-Identifier: Apache-2.0
#include "rt/frame_pool.h"

#include <array>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLUICE_PLAIN_FRAMES 1  // recycling would hide use after free
#endif
#endif

namespace sluice::rt {
namespace {

constexpr std::size_t kStep = 32;
constexpr std::size_t kClasses = 128;  // frames up to 4 kB are recycled
constexpr std::size_t kKeepPerClass = 512;

struct FreeFrame {
  FreeFrame* next;
};

struct Class {
  FreeFrame* head = nullptr;
  std::size_t count = 0;
};

class Cache {
 public:
  ~Cache() { clear(); }

  void* take(std::size_t index) {
    Class& list = classes_[index];
    if (list.head == nullptr) return ::operator new((index + 1) * kStep);
    FreeFrame* frame = list.head;
    list.head = frame->next;
    --list.count;
    return frame;
  }

  void put(void* memory, std::size_t index) noexcept {
    Class& list = classes_[index];
    if (list.count >= kKeepPerClass) {
      ::operator delete(memory);
      return;
    }
    list.head = ::new (memory) FreeFrame{list.head};
    ++list.count;
  }

  void clear() noexcept {
    for (Class& list : classes_) {
      while (list.head != nullptr) {
        FreeFrame* frame = list.head;
        list.head = frame->next;
        ::operator delete(frame);
      }
      list.count = 0;
    }
  }

 private:
  std::array<Class, kClasses> classes_{};
};

thread_local Cache cache;

[[maybe_unused]] std::size_t class_of(std::size_t size) {
  return (size - 1) / kStep;
}

}  // namespace

void* allocate_frame(std::size_t size) {
#ifndef SLUICE_PLAIN_FRAMES
  if (std::size_t index = class_of(size); index < kClasses) return cache.take(index);
#endif
  return ::operator new(size);
}

void release_frame(void* frame, [[maybe_unused]] std::size_t size) noexcept {
#ifndef SLUICE_PLAIN_FRAMES
  if (std::size_t index = class_of(size); index < kClasses) {
    cache.put(frame, index);
    return;
  }
#endif
  ::operator delete(frame);
}

void drop_cached_frames() noexcept {
  cache.clear();
}

}  // namespace sluice::rt
