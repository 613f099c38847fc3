// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <utility>

#include "rt/io_source.h"
#include "rt/reactor.h"

namespace sluice::rt {

/// A place where one coroutine waits until something else wakes it, or until a deadline.
class Waiter final : private Timer {
 public:
  explicit Waiter(Reactor& reactor) : reactor_(reactor) {}

  class Wait {
   public:
    Wait(Waiter& waiter, Deadline deadline) : waiter_(waiter), deadline_(deadline) {}
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() {  // a cancelled wait
      if (!waiting_) return;
      waiter_.caller_ = {};
      waiter_.disarm();
      if (auto coming = std::exchange(waiter_.coming_, {})) waiter_.reactor_.forget_resumption(coming);
    }
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> caller) {
      waiting_ = true;
      waiter_.caller_ = caller;
      waiter_.reactor_.timers().arm(waiter_, deadline_.at_ms);
    }
    Wake await_resume() {
      waiting_ = false;
      waiter_.coming_ = {};
      return std::exchange(waiter_.timed_out_, false) ? Wake::TimedOut : Wake::Ready;
    }

   private:
    Waiter& waiter_;
    Deadline deadline_;
    bool waiting_ = false;
  };

  /// co_await: Wake::Ready after wake().
  [[nodiscard]] Wait wait(Deadline deadline) { return {*this, deadline}; }
  [[nodiscard]] bool is_waited_for() const { return static_cast<bool>(caller_); }
  /// Resumes whoever waits, at once. Not for a coroutine that the resumed one may destroy.
  void wake() {
    disarm();
    if (auto caller = std::exchange(caller_, {})) caller.resume();
  }
  /// The same once the caller has returned to the reactor.
  void wake_soon() {
    disarm();
    if (!caller_) return;
    coming_ = std::exchange(caller_, {});
    reactor_.resume_soon(coming_);
  }

 private:
  void expire() override {
    timed_out_ = true;
    wake();
  }

  Reactor& reactor_;
  std::coroutine_handle<> caller_;
  std::coroutine_handle<> coming_;  // handed to the reactor
  bool timed_out_ = false;
};

}  // namespace sluice::rt
