// SPDX-License-Identifier: Apache-2.0
#include "http/admission.h"

namespace sluice::http {
namespace {
constexpr std::array<std::string_view, kShedReasons> kNames = {"requests",    "delay",    "memory", "idle",
                                                               "connections", "listener", "address"};
}

std::string_view name_of(Shed reason) {
  return kNames[static_cast<std::size_t>(reason)];
}

void Admission::sample_delay(std::int64_t late_ms) {
  const std::int64_t most = ceilings_.delay_ms;
  late_ = most != 0 && late_ms > most ? late_ + 1 : 0;
  if (late_ >= kLateOnes) delayed_ = true;
  // Turning away is quick, so the delay falls at once; it has to fall well below to count as gone.
  if (most == 0 || late_ms < most / 2) delayed_ = false;
}

}  // namespace sluice::http
