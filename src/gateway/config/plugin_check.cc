// SPDX-License-Identifier: Apache-2.0
#include "gateway/config/plugin_check.h"

namespace sluice::gateway {

std::uint8_t protocol_bits(const Json* protocols) {
  if (protocols == nullptr || !protocols->is_array()) return kHttpBit | kHttpsBit | kGrpcBit | kGrpcsBit;
  unsigned bits = 0;
  for (const Json& name : protocols->as_array()) {
    if (!name.is_string()) continue;
    if (name.as_string() == "http") bits |= kHttpBit;
    if (name.as_string() == "https") bits |= kHttpsBit;
    if (name.as_string() == "grpc") bits |= kGrpcBit;
    if (name.as_string() == "grpcs") bits |= kGrpcsBit;
  }
  return static_cast<std::uint8_t>(bits);
}

std::vector<std::pair<std::string, std::string>> refused_options(const PluginDescriptor& plugin, const Json& config) {
  return plugin.check ? plugin.check(config) : std::vector<std::pair<std::string, std::string>>{};
}

}  // namespace sluice::gateway
