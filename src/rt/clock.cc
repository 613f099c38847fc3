// SPDX-License-Identifier: Apache-2.0
#include "rt/clock.h"

#include <ctime>

namespace sluice::rt {
namespace {
std::int64_t read_ns(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
}  // namespace

void SystemClock::refresh() {
  mono_ns_ = read_ns(CLOCK_MONOTONIC);
  wall_ns_ = read_ns(CLOCK_REALTIME);
}

}  // namespace sluice::rt
