// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "rt/reactor.h"
#include "rt/scope.h"
#include "sync/expiry_watch.h"

namespace sluice::control::cluster {

/// Looks every hour whether the control plane's own cluster certificate is about to end, and says so in the log; nodes
/// watch theirs. Belongs to the control shard.
class CertificateWatch {
 public:
  /// `reactor` outlives it.
  explicit CertificateWatch(rt::Reactor& reactor);
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  /// The certificate that is shown from now on: SHA-256, and when it ends, in Unix seconds.
  void watch(std::string fingerprint, std::int64_t not_after);

 private:
  Task<void> look_for_ever();
  void look();

  rt::Reactor& reactor_;
  sync::ExpiryWatch expiry_;
  std::string fingerprint_;
  std::int64_t not_after_ = 0;
  rt::TaskScope tasks_;  // last: its task uses everything above
};

}  // namespace sluice::control::cluster
