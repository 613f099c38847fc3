// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace sluice::http {

/// Memory for exchanges, kept per shard: as many as there are requests in flight. It knows nothing of what is made in
/// it; whoever takes constructs, whoever puts has destroyed.
template <class Exchange>
class ExchangePool {
 public:
  ExchangePool() = default;
  ExchangePool(const ExchangePool&) = delete;
  ExchangePool& operator=(const ExchangePool&) = delete;
  ~ExchangePool() {
    for (void* memory : free_) release(memory);
  }

  void* take() {
    if (free_.empty()) return ::operator new(sizeof(Exchange), std::align_val_t{alignof(Exchange)});
    void* memory = free_.back();
    free_.pop_back();
    return memory;
  }
  void put(void* memory) noexcept {
    if (free_.size() < kKept) {
      free_.push_back(memory);
    } else {
      release(memory);
    }
  }

 private:
  static constexpr std::size_t kKept = 1024;
  static void release(void* memory) noexcept { ::operator delete(memory, std::align_val_t{alignof(Exchange)}); }

  std::vector<void*> free_;
};

}  // namespace sluice::http
