// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/snapshot.h"

namespace sluice::gateway {

/// "host:port", an IPv6 address in brackets: how people and the Admin API name a target.
std::string name_of(const TargetConfig& target);

/// Whether a row of the upstream has that name, whatever its weight.
bool has_target(const UpstreamConfig& upstream, std::string_view name);

/// The targets in order of their names: of several rows for one place the newest counts. Those of weight 0 get no new
/// requests.
std::vector<TargetConfig> effective_targets(const UpstreamConfig& upstream);

}  // namespace sluice::gateway
