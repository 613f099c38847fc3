// SPDX-License-Identifier: Apache-2.0
#include "http/patience.h"

#include <algorithm>

namespace sluice::http {

std::int64_t Patience::allowed_ms() const {
  std::int64_t wait_ms = terms_.pause_ms;
  if (terms_.octets_per_second != 0) {
    // By whole seconds first: octets * 1000 could overflow, and a second more or less does not matter there.
    const std::uint64_t rate = terms_.octets_per_second;
    const std::uint64_t earned_ms = octets_ / rate * 1000 + octets_ % rate * 1000 / rate;
    wait_ms = std::min(wait_ms, terms_.pause_ms + static_cast<std::int64_t>(earned_ms) - waited_ms_);
  }
  return std::max<std::int64_t>(0, wait_ms);
}

rt::Deadline Patience::begin_wait(const rt::Clock& clock) {
  wait_began_ms_ = clock.mono_ms();
  return wait_end();
}

rt::Deadline Patience::begin_excused_wait(const rt::Clock& clock) {
  wait_began_ms_ = clock.mono_ms();
  return rt::Deadline::after_ms(clock, terms_.pause_ms);
}

}  // namespace sluice::http
