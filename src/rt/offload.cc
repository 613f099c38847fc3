// SPDX-License-Identifier: Apache-2.0
#include "rt/offload.h"

namespace sluice::rt {

BlockingPool::BlockingPool(std::size_t threads) {
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { serve(); });
}

BlockingPool::~BlockingPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    while (!idle_.empty()) call_last();
  }
  for (auto& thread : threads_) thread.join();
}

void BlockingPool::submit(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  if (!idle_.empty()) call_last();
}

/// With the lock held, so that the seat is still there.
void BlockingPool::call_last() {
  Seat& seat = *idle_.back();
  idle_.pop_back();
  seat.called = true;
  seat.wake.notify_one();
}

void BlockingPool::serve() {
  Seat seat;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!queue_.empty()) {
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
      work = nullptr;
      lock.lock();
    }
    if (stopping_) return;
    idle_.push_back(&seat);
    seat.wake.wait(lock, [&seat] { return std::exchange(seat.called, false); });
  }
}

}  // namespace sluice::rt
