// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "base/assert.h"
#include "rt/task.h"

namespace sluice::rt {

/// Owns background tasks: they end when they end, and are cancelled when the scope goes. Nothing is detached.
class TaskScope {
 public:
  TaskScope() = default;
  TaskScope(const TaskScope&) = delete;
  TaskScope& operator=(const TaskScope&) = delete;
  ~TaskScope() { cancel(); }

  /// Starts `task` at once; it runs until its first suspension before spawn() returns.
  void spawn(Task<void> task) {
    finished_.clear();
    auto slot = running_.emplace(running_.end());
    slot->runner = run(slot, std::move(task));
    slot->runner.start();
  }
  /// Destroys every task; all must be suspended. Must not be called from inside one of them.
  void cancel() {
    running_.clear();
    finished_.clear();
  }
  [[nodiscard]] bool empty() const { return running_.empty(); }
  [[nodiscard]] std::size_t size() const { return running_.size(); }

 private:
  struct Slot {
    Task<void> runner = Task<void>::done();
  };
  using Place = std::list<Slot>::iterator;

  /// A frame cannot destroy itself while it runs: it moves its slot aside, and the next spawn frees it.
  Task<void> run(Place slot, Task<void> task) {
    try {
      co_await task;
    } catch (...) {
      const bool background_task_threw = true;
      static_cast<void>(SLUICE_BUG(background_task_threw));
    }
    task.reset();
    finished_.splice(finished_.end(), running_, slot);
  }

  std::list<Slot> running_;
  std::list<Slot> finished_;
};

}  // namespace sluice::rt
