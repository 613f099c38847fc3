// SPDX-License-Identifier: Apache-2.0
#include "control/cluster/certificate_watch.h"

#include <utility>

#include "base/time.h"

namespace sluice::control::cluster {
namespace {

constexpr std::int64_t kLookEveryMs = 3'600'000;

}  // namespace

CertificateWatch::CertificateWatch(rt::Reactor& reactor) : reactor_(reactor) {
  tasks_.spawn(look_for_ever());
}

void CertificateWatch::watch(std::string fingerprint, std::int64_t not_after) {
  fingerprint_ = std::move(fingerprint);
  not_after_ = not_after;
  look();
}

void CertificateWatch::look() {
  if (!fingerprint_.empty()) expiry_.tell(fingerprint_, not_after_, unix_seconds());
}

Task<void> CertificateWatch::look_for_ever() {
  for (;;) {
    co_await rt::Sleep(reactor_, reactor_.after_ms(kLookEveryMs));
    look();
  }
}

}  // namespace sluice::control::cluster
