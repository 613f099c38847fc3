// SPDX-License-Identifier: Apache-2.0
#include "gateway/balancer/targets.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

namespace sluice::gateway {

std::string name_of(const TargetConfig& target) {
  const bool is_ipv6 = target.host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + target.host + "]" : target.host) + ":" + std::to_string(target.port);
}

bool has_target(const UpstreamConfig& upstream, std::string_view name) {
  return std::ranges::any_of(upstream.targets, [&](const TargetConfig& target) { return name_of(target) == name; });
}

std::vector<TargetConfig> effective_targets(const UpstreamConfig& upstream) {
  std::map<std::pair<std::string, std::uint16_t>, const TargetConfig*> newest;
  for (const TargetConfig& target : upstream.targets) {
    auto [place, is_new] = newest.try_emplace({target.host, target.port}, &target);
    if (!is_new && target.created_at >= place->second->created_at) place->second = &target;
  }
  std::vector<TargetConfig> targets;
  targets.reserve(newest.size());
  for (const auto& [key, target] : newest) targets.push_back(*target);
  return targets;
}

}  // namespace sluice::gateway
