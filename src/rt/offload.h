// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "rt/reactor.h"

namespace sluice::rt {

/// Threads for work that blocks (files, password hashing), so that no reactor ever does. Who worked last works next, so
/// that what an allocator keeps for a thread is kept for few of them.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Finishes what was submitted, then joins.
  ~BlockingPool();

  /// Thread-safe. `work` owns its data.
  void submit(std::function<void()> work);

 private:
  /// Where a thread waits to be called.
  struct Seat {
    std::condition_variable wake;
    bool called = false;
  };

  void serve();
  void call_last();

  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  std::vector<Seat*> idle_;  // the last one came last
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

/// co_await offload(pool, reactor, work) runs `work` on a pool thread and resumes here with its result. `work` owns its
/// data; when the waiting task is cancelled, the late result is dropped.
template <class Work, class Value = std::invoke_result_t<Work>>
class [[nodiscard]] Offload {
 public:
  Offload(BlockingPool& pool, Reactor& reactor, Work work)
      : pool_(pool), reactor_(reactor), shared_(std::make_shared<Shared>(std::move(work))) {}
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;
  ~Offload() { shared_->waiting = {}; }  // same thread as the resumption: no race

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    shared_->waiting = caller;
    pool_.submit([shared = shared_, &reactor = reactor_] {
      shared->value.emplace(shared->work());
      reactor.post([shared] {
        if (auto waiting = std::exchange(shared->waiting, {})) waiting.resume();
      });
    });
  }
  Value await_resume() { return std::move(*shared_->value); }

 private:
  struct Shared {
    explicit Shared(Work w) : work(std::move(w)) {}
    Work work;
    std::optional<Value> value;
    std::coroutine_handle<> waiting;
  };
  BlockingPool& pool_;
  Reactor& reactor_;
  std::shared_ptr<Shared> shared_;
};

template <class Work>
Offload<Work> offload(BlockingPool& pool, Reactor& reactor, Work work) {
  return Offload<Work>(pool, reactor, std::move(work));
}

}  // namespace sluice::rt
