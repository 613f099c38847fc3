// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "base/error.h"

namespace sluice::bench {

/// The names of configurations in frames of protocol 1, each unpacked once. Belongs to the fleet's thread.
class WholePushes {
 public:
  /// The 32 characters behind "config_hash".
  Result<std::string> hash_of(const std::string& frame);

 private:
  std::unordered_map<std::size_t, std::string> known_;  // by the hash of the octets
};

}  // namespace sluice::bench
