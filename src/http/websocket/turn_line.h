// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <coroutine>
#include <list>
#include <optional>
#include <utility>

#include "rt/reactor.h"

namespace sluice::http::websocket {

/// Coroutines of one shard that want the same thing, one after the other, in the order in which they came. Outlives
/// them and their turns.
class TurnLine {
 public:
  explicit TurnLine(rt::Reactor& reactor) : reactor_(reactor) {}
  TurnLine(const TurnLine&) = delete;
  TurnLine& operator=(const TurnLine&) = delete;

  /// Whose turn it is. Destroying it passes the turn on, at the end of the loop's turn.
  class Turn {
   public:
    explicit Turn(TurnLine& line) : line_(&line) {}
    Turn(Turn&& other) noexcept : line_(std::exchange(other.line_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (line_ != nullptr) line_->pass_on();
    }

   private:
    TurnLine* line_;
  };

  /// The turn, if nobody has it.
  [[nodiscard]] std::optional<Turn> try_enter() {
    if (std::exchange(taken_, true)) return std::nullopt;
    return std::optional<Turn>(std::in_place, *this);
  }
  [[nodiscard]] bool is_taken() const { return taken_; }

  class Wait;
  /// co_await: the turn, or none at the deadline.
  [[nodiscard]] Wait enter(rt::Deadline deadline);

 private:
  void pass_on();

  rt::Reactor& reactor_;
  std::list<Wait*> waiting_;
  bool taken_ = false;
};

class TurnLine::Wait final : private rt::Timer {
 public:
  Wait(TurnLine& line, rt::Deadline deadline) : line_(line), deadline_(deadline) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  /// A cancelled wait: leaves the line, or passes on the turn that was given to it and not taken yet.
  ~Wait() override {
    if (!caller_) return;
    if (granted_) {
      line_.reactor_.forget_resumption(caller_);
      line_.pass_on();
    } else {
      line_.waiting_.remove(this);
    }
  }

  [[nodiscard]] bool await_ready() {
    granted_ = !std::exchange(line_.taken_, true);
    return granted_;
  }
  void await_suspend(std::coroutine_handle<> caller) {
    caller_ = caller;
    line_.waiting_.push_back(this);
    if (deadline_ != rt::Deadline::never()) line_.reactor_.timers().arm(*this, deadline_.at_ms);
  }
  [[nodiscard]] std::optional<Turn> await_resume() {
    caller_ = {};
    if (!granted_) return std::nullopt;
    return std::optional<Turn>(std::in_place, line_);
  }

 private:
  friend class TurnLine;
  void grant() {
    disarm();
    granted_ = true;
    line_.reactor_.resume_soon(caller_);
  }
  void expire() override {
    line_.waiting_.remove(this);
    caller_.resume();
  }

  TurnLine& line_;
  rt::Deadline deadline_;
  std::coroutine_handle<> caller_;
  bool granted_ = false;
};

inline TurnLine::Wait TurnLine::enter(rt::Deadline deadline) {
  return {*this, deadline};
}

/// Not resumed here: whoever passes the turn on may be in the middle of its own work.
inline void TurnLine::pass_on() {
  if (waiting_.empty()) {
    taken_ = false;
    return;
  }
  Wait* next = waiting_.front();
  waiting_.pop_front();
  next->grant();
}

}  // namespace sluice::http::websocket
