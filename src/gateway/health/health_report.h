// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "base/json.h"
#include "gateway/config/snapshot.h"
#include "gateway/health/upstream_health.h"
#include "telemetry/node_stats.h"

namespace sluice::gateway {

/// Every address of an upstream's targets with its state, as metrics show them. `health` may be null: nobody has asked
/// for the upstream yet.
void append_target_health(const UpstreamConfig& upstream, const UpstreamHealth* health,
                          std::vector<telemetry::TargetHealth>& targets);

/// The same by target, as sync::LocalGateway::upstream_health() promises it.
Json health_document(const UpstreamConfig& upstream, const UpstreamHealth* health);

}  // namespace sluice::gateway
