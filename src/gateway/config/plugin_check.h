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

inline constexpr std::uint8_t kHttpBit = 1;
inline constexpr std::uint8_t kHttpsBit = 2;
inline constexpr std::uint8_t kGrpcBit = 4;
inline constexpr std::uint8_t kGrpcsBit = 8;
inline constexpr std::uint8_t kTcpBit = 16;
inline constexpr std::uint8_t kTlsBit = 32;
inline constexpr std::uint8_t kTlsPassthroughBit = 64;
inline constexpr std::uint8_t kUdpBit = 128;
inline constexpr std::uint16_t kWsBit = 256;
inline constexpr std::uint16_t kWssBit = 512;

/// The protocols that a route or plugin row names, as bits; those of HTTP when it names none.
std::uint16_t protocol_bits(const Json* protocols);

/// Options that are valid but not offered by this build, as (field below config, reason). Refused when the
/// configuration is loaded: a limit that silently does something else is worse than none.
std::vector<std::pair<std::string, std::string>> refused_options(const PluginDescriptor& plugin, const Json& config);

}  // namespace sluice::gateway
