// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <deque>
#include <memory>
#include <utility>

#include "rt/reactor.h"

namespace sluice::rt {

/// One of several tasks that go on one after the other, in the order in which they came. Awaited, it resumes when all
/// before it have been destroyed; the next one resumes in a later turn of the reactor. Belongs to the reactor's thread.
class Turn {
 public:
  using Line = std::shared_ptr<std::deque<Turn*>>;
  [[nodiscard]] static Line make_line() { return std::make_shared<std::deque<Turn*>>(); }

  Turn(Line line, Reactor& reactor) : line_(std::move(line)), reactor_(reactor) { line_->push_back(this); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    std::erase(*line_, this);
    if (line_->empty()) return;
    reactor_.post([line = line_] {
      if (line->empty()) return;
      if (auto waiting = std::exchange(line->front()->waiting_, {})) waiting.resume();
    });
  }

  [[nodiscard]] bool await_ready() const { return line_->front() == this; }
  void await_suspend(std::coroutine_handle<> caller) { waiting_ = caller; }
  void await_resume() const {}

 private:
  Line line_;
  Reactor& reactor_;
  std::coroutine_handle<> waiting_;
};

}  // namespace sluice::rt
