// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/uuid.h"

namespace sluice::sync::wire {

/// "3.10.0.2" or "0.4.1", as far as it matters for compatibility.
struct ProductVersion {
  int major = 0;
  int minor = 0;
  int patch = 0;
  friend auto operator<=>(const ProductVersion&, const ProductVersion&) = default;
};
Result<ProductVersion> parse_product_version(std::string_view text);
std::string to_string(const ProductVersion& version);

/// A data plane as it introduces itself, by either protocol.
struct Peer {
  Uuid node_id;
  std::string hostname;
  std::string kong_version;    // what it claims to speak: "3.10.0.0"
  std::string sluice_version;  // ours, "0.1.0"; empty: another product
  /// Name to version. Nothing: it did not say (protocol 2 of Kong does not).
  std::optional<std::map<std::string, std::string>> plugins;
  std::map<std::string, std::string> labels;
  [[nodiscard]] bool is_sluice() const { return !sluice_version.empty(); }
};

}  // namespace sluice::sync::wire
