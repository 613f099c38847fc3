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

/// The same by target, as sync::LocalGateway::upstream_health() promises it. Addresses that somebody has marked are
/// there too while they are not in use, without weight: a mark that nobody sees is never taken back.
Json health_document(const UpstreamConfig& upstream, const UpstreamHealth* health);
/// The same of a node that asks no upstream, as control planes are: that nothing is checked.
Json unasked_health_document(const UpstreamConfig& upstream);

}  // namespace sluice::gateway
