// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace sluice::net::dns {

/// Names with fixed addresses, hosts(5). `localhost` and names below it are always known, RFC 6761, 6.3.
class HostsFile {
 public:
  HostsFile() = default;
  /// Skips lines that it does not understand, as every resolver does.
  static HostsFile parse(std::string_view text);
  /// Reads a file, at start; one that cannot be read counts as empty.
  static HostsFile load(const std::string& path);

  /// `name` in lower case, without a final dot. A view of this object; empty when unknown.
  [[nodiscard]] std::span<const IpAddress> find(std::string_view name) const;

 private:
  std::map<std::string, std::vector<IpAddress>, std::less<>> by_name_;
};

}  // namespace sluice::net::dns
