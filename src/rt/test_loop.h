// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

#include <gtest/gtest.h>

#include "rt/reactor.h"
#include "rt/task.h"

namespace sluice::rt {

/// For tests: turns `reactor` until `finished` says so. False, and a failure of the test, after ten seconds.
inline bool turn_until(Reactor& reactor, const std::function<bool()>& finished) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!finished()) {
    if (std::chrono::steady_clock::now() > give_up) {
      ADD_FAILURE() << "nothing happened for ten seconds";
      return false;
    }
    reactor.run_once(20);
  }
  return true;
}

/// Runs `task` to its end. It must end.
template <class T>
T run(Reactor& reactor, Task<T> task) {
  task.start();
  if (!turn_until(reactor, [&task] { return task.ready(); })) std::abort();
  return task.take();
}

}  // namespace sluice::rt
