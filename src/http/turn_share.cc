// SPDX-License-Identifier: Apache-2.0
#include "http/turn_share.h"

#include <ctime>

namespace sluice::http {
namespace {

constexpr std::int64_t kShareNs = 2'000'000;

/// Not the reactor's clock, which stands still within a turn.
std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

bool TurnShare::used_up(std::uint32_t most) {
  const std::int64_t now = now_ns();
  if (++steps_ == 2) began_ns_ = now;
  if (steps_ < most && now - began_ns_ < kShareNs) return false;
  steps_ = 1;
  return true;
}

}  // namespace sluice::http
