// SPDX-License-Identifier: Apache-2.0
#include "sync/expiry_watch.h"

#include <utility>

#include "base/log.h"
#include "base/time.h"

namespace sluice::sync {
namespace {

constexpr std::int64_t kDay = 86'400;

}  // namespace

ExpiryWatch::Notice ExpiryWatch::look(const std::string& fingerprint, std::int64_t not_after, std::int64_t now) {
  if (fingerprint != fingerprint_) *this = ExpiryWatch();
  fingerprint_ = fingerprint;
  const std::int64_t left = not_after - now;
  if (left <= 0) {
    const std::int64_t day = now / kDay;
    if (std::exchange(told_expired_day_, day) == day) return Notice::None;
    return Notice::Expired;
  }
  for (const std::int64_t days : {1, 7, 30}) {
    if (left > days * kDay) continue;
    if (told_days_ != 0 && told_days_ <= days) return Notice::None;
    told_days_ = days;
    return Notice::Soon;
  }
  return Notice::None;
}

void ExpiryWatch::tell(const std::string& fingerprint, std::int64_t not_after, std::int64_t now) {
  const Notice notice = look(fingerprint, not_after, now);
  if (notice == Notice::None) return;
  const std::string ends = format_rfc3339(not_after * 1000);
  if (notice == Notice::Soon) {
    log::warn("cluster.certificate_expires", {{"at", ends}, {"days_left", (not_after - now) / kDay}});
  } else {
    log::error("cluster.certificate_expired", {{"at", ends}, {"remedy", "replace cluster_cert"}});
  }
}

}  // namespace sluice::sync
