// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gateway/stream_session.h"
#include "telemetry/metrics.h"

namespace sluice::plugins {

/// Where stream sessions are counted. Those that matched no route are not.
/// reference/plugins-transform-observe.md, section 12.
class StreamSeries {
 public:
  /// What requests have in common with sessions; null: not asked for.
  struct SharedFamilies {
    telemetry::Family* bandwidth = nullptr;
    telemetry::Family* gateway_latency = nullptr;
  };
  /// `metrics` outlives it. Families are made when the first session comes: most gateways have none.
  StreamSeries(telemetry::Metrics& metrics, bool by_status) : metrics_(metrics), by_status_(by_status) {}

  void count(const gateway::StreamSession& session, const SharedFamilies& shared);

 private:
  telemetry::Metrics& metrics_;
  const bool by_status_;
  telemetry::Family* sessions_ = nullptr;
  telemetry::Family* duration_ = nullptr;
};

}  // namespace sluice::plugins
