// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>

#include "rt/reactor.h"

namespace sluice::net::dns {

/// co_await lets the loop's current callbacks finish first.
class EndOfTurn {
 public:
  explicit EndOfTurn(rt::Reactor& reactor) : reactor_(reactor) {}
  EndOfTurn(const EndOfTurn&) = delete;
  EndOfTurn& operator=(const EndOfTurn&) = delete;
  ~EndOfTurn() {
    if (waiting_) reactor_.forget_resumption(waiting_);
  }
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> caller) {
    waiting_ = caller;
    reactor_.resume_soon(caller);
  }
  void await_resume() { waiting_ = {}; }

 private:
  rt::Reactor& reactor_;
  std::coroutine_handle<> waiting_;
};

}  // namespace sluice::net::dns
