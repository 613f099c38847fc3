// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/plugin_check.h"

#include <array>

namespace sluice::gateway {

std::uint16_t protocol_bits(const Json* protocols) {
  if (protocols == nullptr || !protocols->is_array()) return kHttpBit | kHttpsBit | kGrpcBit | kGrpcsBit;
  constexpr std::array<std::pair<std::string_view, unsigned>, 10> kBits = {{{"http", kHttpBit},
                                                                            {"https", kHttpsBit},
                                                                            {"grpc", kGrpcBit},
                                                                            {"grpcs", kGrpcsBit},
                                                                            {"tcp", kTcpBit},
                                                                            {"tls", kTlsBit},
                                                                            {"tls_passthrough", kTlsPassthroughBit},
                                                                            {"udp", kUdpBit},
                                                                            {"ws", kWsBit},
                                                                            {"wss", kWssBit}}};
  unsigned bits = 0;
  for (const Json& name : protocols->as_array()) {
    for (const auto& [protocol, bit] : kBits) {
      if (name.is_string() && name.as_string() == protocol) bits |= bit;
    }
  }
  return static_cast<std::uint16_t>(bits);
}

std::vector<std::pair<std::string, std::string>> refused_options(const PluginDescriptor& plugin, const Json& config) {
  return plugin.check ? plugin.check(config) : std::vector<std::pair<std::string, std::string>>{};
}

}  // namespace sluice::gateway
