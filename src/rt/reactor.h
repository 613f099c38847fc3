// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "rt/clock.h"
#include "rt/timer_wheel.h"

struct epoll_event;

namespace sluice::rt {

class IoSource;

/// Someone who has octets in the shared input buffer. Whoever borrows it next makes them move to memory of their own.
struct InputTenant {
  virtual void evict() = 0;

 protected:
  ~InputTenant() = default;
};

/// One thread's event loop: edge-triggered epoll, timers, work posted by other threads, and the buffers that
/// connections share while they work. Everything but post() and stop() belongs to the thread that calls run().
class Reactor {
 public:
  explicit Reactor(std::unique_ptr<Clock> clock = std::make_unique<SystemClock>());
  Reactor(const Reactor&) = delete;
  Reactor& operator=(const Reactor&) = delete;
  ~Reactor();

  /// Runs until stop().
  void run();
  /// Handles what is due, waiting at most `max_wait_ms` for it; for tests and for embedding.
  void run_once(std::int64_t max_wait_ms);
  /// Thread-safe.
  void stop();

  /// Thread-safe: `work` runs on the reactor's thread in a later turn, in the order of posting.
  void post(std::function<void()> work);
  /// `work` runs at the end of this loop turn; for what must not happen inside a callback (destroying its caller).
  void defer(std::function<void()> work) { deferred_.push_back(std::move(work)); }
  /// Resumes at the end of this loop turn, unless forgotten before.
  void resume_soon(std::coroutine_handle<> coroutine) { resumptions_.push_back(coroutine); }
  void forget_resumption(std::coroutine_handle<> coroutine);

  [[nodiscard]] const Clock& clock() const { return *clock_; }
  [[nodiscard]] Clock& clock() { return *clock_; }
  [[nodiscard]] TimerWheel& timers() { return timers_; }
  [[nodiscard]] Deadline after_ms(std::int64_t ms) const { return Deadline::after_ms(*clock_, ms); }

  /// The buffer that every connection of the shard reads into. One tenant at a time: borrowing evicts the one before,
  /// which then copies what it has not consumed yet. So what is parsed and sent within one turn is never copied.
  static constexpr std::size_t kScratch = 64 * 1024;
  [[nodiscard]] char* borrow_input(InputTenant& tenant) {
    if (tenant_ != nullptr && tenant_ != &tenant) tenant_->evict();
    tenant_ = &tenant;
    return buffers_.get();
  }
  void return_input(const InputTenant& tenant) {
    if (tenant_ == &tenant) tenant_ = nullptr;
  }
  /// Where heads are put together. Its content is gone at the next suspension.
  [[nodiscard]] char* output() { return buffers_.get() + kScratch; }

  /// Loop turns and events so far, for tests and metrics.
  [[nodiscard]] std::uint64_t turns() const { return turns_; }
  /// Monotonic milliseconds of the last turn, for a watchdog on another thread.
  [[nodiscard]] std::int64_t heartbeat_ms() const { return heartbeat_ms_.load(std::memory_order_relaxed); }

 private:
  friend class IoSource;
  void watch(IoSource& source);
  void unwatch(int fd);
  /// Drops what the current batch of events still holds for `source`.
  void forget(IoSource& source);
  void look_ahead(std::size_t index) const;
  void dispatch(IoSource& source, std::uint32_t events, std::size_t index);
  void run_posted();
  void run_end_of_turn();
  [[nodiscard]] int wait_budget(std::int64_t max_wait_ms) const;

  static constexpr std::size_t kBatch = 256;

  std::unique_ptr<Clock> clock_;
  TimerWheel timers_;
  int epoll_ = -1;
  int wakeup_ = -1;
  std::unique_ptr<char[]> buffers_;
  InputTenant* tenant_ = nullptr;
  std::unique_ptr<epoll_event[]> batch_;
  std::size_t batch_size_ = 0;
  std::size_t batch_next_ = 0;
  std::vector<std::function<void()>> deferred_;
  std::vector<std::coroutine_handle<>> resumptions_;
  std::uint64_t turns_ = 0;
  std::atomic<std::int64_t> heartbeat_ms_{0};
  std::atomic<bool> stopping_{false};

  std::mutex posted_mutex_;  // only other threads' post() contend for it
  std::vector<std::function<void()>> posted_;
  std::atomic<bool> has_posted_{false};
};

/// co_await Sleep(reactor, deadline) resumes when the deadline has passed.
class Sleep final : private Timer {
 public:
  Sleep(Reactor& reactor, Deadline deadline) : reactor_(reactor), deadline_(deadline) {}
  [[nodiscard]] bool await_ready() const { return deadline_.passed(reactor_.clock()); }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    reactor_.timers().arm(*this, deadline_.at_ms);
  }
  void await_resume() const {}

 private:
  void expire() override { caller_.resume(); }

  Reactor& reactor_;
  Deadline deadline_;
  std::coroutine_handle<> caller_;
};

}  // namespace sluice::rt
