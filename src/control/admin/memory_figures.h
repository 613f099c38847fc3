// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/json.h"
#include "control/admin/message.h"

namespace sluice::control::admin {

/// Octets of memory that this process occupies now; 0 where the system does not say.
std::uint64_t resident_octets();

/// How `/status` writes sizes: `?unit=b|k|m|g&scale=N`, mebibytes with two decimals by default.
class SizeFormat {
 public:
  /// The error is the reply.
  static std::expected<SizeFormat, Reply> parse(const Query& query);
  /// A number for octets, else a text such as "1.19 MiB".
  [[nodiscard]] Json write(std::uint64_t octets) const;

 private:
  char unit_ = 'm';
  int scale_ = 2;
};

}  // namespace sluice::control::admin
