// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>

#include "rt/task.h"

namespace sluice::rt {

/// co_await FirstOf(a, b) runs both tasks and resumes when one of them is ready. Neither is cancelled: the caller looks
/// at ready() and awaits, takes or resets what is left.
template <class A, class B>
class FirstOf {
 public:
  FirstOf(Task<A>& a, Task<B>& b) : a_(a), b_(b) {}
  FirstOf(const FirstOf&) = delete;
  FirstOf& operator=(const FirstOf&) = delete;
  ~FirstOf() {
    if (waiting_) forget_caller();  // the caller was cancelled; the tasks may live on
  }

  [[nodiscard]] bool await_ready() {
    a_.start();
    if (!a_.ready()) b_.start();
    return a_.ready() || b_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) {
    waiting_ = true;
    a_.on_done(caller);
    b_.on_done(caller);
  }
  void await_resume() {
    waiting_ = false;
    forget_caller();
  }

 private:
  /// Whichever is not done must not resume a caller that has gone on.
  void forget_caller() {
    if (!a_.ready()) a_.on_done(std::noop_coroutine());
    if (!b_.ready()) b_.on_done(std::noop_coroutine());
  }

  bool waiting_ = false;
  Task<A>& a_;
  Task<B>& b_;
};

}  // namespace sluice::rt
