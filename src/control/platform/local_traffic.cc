// SPDX-License-Identifier: Apache-2.0
#include "control/platform/local_traffic.h"

#include "base/time.h"

namespace sluice::control::platform {
namespace {

constexpr std::int64_t kEveryMs = 5'000;

}  // namespace

LocalTraffic::LocalTraffic(planes::ControlPlanes& planes, rt::Reactor& reactor, const Uuid& node)
    : planes_(planes), reactor_(reactor), node_(node) {
  scope_.spawn(tell());
}

Task<void> LocalTraffic::tell() {
  for (;;) {
    co_await rt::Sleep(reactor_, reactor_.after_ms(kEveryMs));
    planes::ControlPlane& plane = planes_.local();
    plane.traffic().note(node_, plane.gateway().status().traffic, unix_millis());
  }
}

}  // namespace sluice::control::platform
