// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "rt/reactor.h"

namespace sluice::process {

/// Notices reactors that do not turn their loop any more. A thread of its own compares heartbeats, which cost the loops
/// one relaxed store a turn; a loop that merely waits is asked to turn once, so idleness is not taken for a fault.
///
/// Time is counted in looks, not read from a clock: where the machine is too busy to run this thread, it is too busy to
/// blame the others.
class Watchdog {
 public:
  struct Watched {
    std::string name;
    rt::Reactor& reactor;
    bool vital = true;  // false: its stall is reported, but no reason to call the process unwell
  };
  struct Report {
    std::string name;
    bool vital;
    Millis stalled;
    std::string stack;  // innermost frame first, "a < b < c"; empty when the thread could not be interrupted
  };
  struct Actions {
    std::function<void()> all_well;               // after each look at which nothing vital had stalled for long
    std::function<void(const Report&)> on_stall;  // on the watchdog's thread, once per stall
  };

  /// Everything given outlives the watchdog. A stall is reported when `timeout` has passed.
  Watchdog(const std::vector<Watched>& watched, Millis timeout, Actions actions);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  struct Ward;
  void serve();
  [[nodiscard]] bool look(Ward& ward);

  static constexpr int kLooks = 8;  // in `timeout`

  const Millis pause_;
  const Actions actions_;
  std::vector<std::unique_ptr<Ward>> wards_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sluice::process
