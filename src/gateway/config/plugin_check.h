// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "gateway/plugin.h"

namespace sluice::gateway {

enum ProtocolBit : std::uint8_t {
  kHttpBit = 1,
  kHttpsBit = 2,
  kGrpcBit = 4,
  kGrpcsBit = 8,
  kTcpBit = 16,
  kTlsBit = 32,
  kTlsPassthroughBit = 64,
  kUdpBit = 128,
};

/// The protocols that a route or plugin row names, as bits; those of HTTP when it names none.
std::uint8_t protocol_bits(const Json* protocols);

/// Options that are valid but not offered by this build, as (field below config, reason). Refused when the
/// configuration is loaded: a limit that silently does something else is worse than none.
std::vector<std::pair<std::string, std::string>> refused_options(const PluginDescriptor& plugin, const Json& config);

}  // namespace sluice::gateway
