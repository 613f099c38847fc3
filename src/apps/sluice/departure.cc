// SPDX-License-Identifier: Apache-2.0
#include "departure.h"

#include <algorithm>
#include <utility>

namespace sluice::apps {
namespace {
constexpr Millis kLookAgain{20};
}

Departure::~Departure() {
  if (thread_.joinable()) thread_.join();
}

void Departure::begin(const Terms& terms) {
  thread_ = std::thread([this, terms] { serve(terms); });
}

void Departure::hurry(Millis budget) {
  const std::lock_guard lock(mutex_);
  hurried_ = true;
  hurried_until_ = Clock::now() + budget;
  wake_.notify_all();
}

void Departure::serve(Terms terms) {
  std::unique_lock lock(mutex_);
  if (terms.delay != Millis(0)) {
    node_.retreat();
    wake_.wait_for(lock, terms.delay, [this] { return hurried_; });
  }
  Clock::time_point until = Clock::now() + terms.budget;
  node_.drain(terms.idle);
  for (bool told = false;; wake_.wait_for(lock, kLookAgain)) {
    if (hurried_ && !std::exchange(told, true)) {
      until = std::min(until, hurried_until_);
      node_.drain(http::Idle::Close);
    }
    if (node_.open_connections() == 0 || Clock::now() >= until) break;
  }
  control_.stop();
}

}  // namespace sluice::apps
