// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "telemetry/metrics.h"
#include "telemetry/node_stats.h"

namespace sluice::telemetry {

inline constexpr std::string_view kExpositionType = "text/plain; charset=UTF-8";

/// The answer to `GET /metrics`: what all shards counted, added up, and the node's own gauges, in text exposition
/// format 0.0.4. Families in the order of their names, series in the order of their labels. Any thread; the shards may
/// go on counting.
std::string render_metrics(std::span<const Metrics* const> shards, const NodeStats& node);

}  // namespace sluice::telemetry
