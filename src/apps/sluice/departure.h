// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/time.h"
#include "gateway/node.h"
#include "http/connection.h"
#include "rt/reactor.h"

namespace sluice::apps {

/// How a worker ends: it is unready at once, goes on accepting for a while where that was asked for, then stops
/// accepting, finishes what is in flight, and stops the control reactor. On a thread of its own, since it waits.
class Departure {
 public:
  /// Both outlive it.
  Departure(gateway::Node& node, rt::Reactor& control) : node_(node), control_(control) {}
  Departure(const Departure&) = delete;
  Departure& operator=(const Departure&) = delete;
  /// Waits until it is over, if it has begun.
  ~Departure();

  struct Terms {
    Millis delay{0};   // before the listeners close
    Millis budget{0};  // from then on
    http::Idle idle = http::Idle::Close;
  };
  /// To be called once.
  void begin(const Terms& terms);
  /// Closes what is idle from now on, and allows no more than `budget`.
  void hurry(Millis budget);

 private:
  using Clock = std::chrono::steady_clock;
  void serve(Terms terms);

  gateway::Node& node_;
  rt::Reactor& control_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool hurried_ = false;
  Clock::time_point hurried_until_;
  std::thread thread_;
};

}  // namespace sluice::apps
