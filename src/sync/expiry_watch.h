// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace sluice::sync {

/// Warns 30, 7 and 1 days before a cluster certificate ends, once each; afterwards once a day that it has ended. Both
/// sides of a link have one for their own.
class ExpiryWatch {
 public:
  enum class Notice : std::uint8_t { None, Soon, Expired };
  /// What to say now, about the certificate of that fingerprint; `now` and `not_after` in Unix seconds.
  Notice look(const std::string& fingerprint, std::int64_t not_after, std::int64_t now);
  /// Looks, and says it in the log: `cluster.certificate_expires`, `cluster.certificate_expired`.
  void tell(const std::string& fingerprint, std::int64_t not_after, std::int64_t now);

 private:
  std::string fingerprint_;
  std::int64_t told_days_ = 0;  // the least threshold that was told of; 0: none yet
  std::int64_t told_expired_day_ = -1;
};

}  // namespace sluice::sync
