// SPDX-License-Identifier: Apache-2.0
#include "plugins/prometheus/stream_series.h"

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "entity/route.h"
#include "entity/service.h"

namespace sluice::plugins {
namespace {

using telemetry::Label;
using telemetry::MetricSpec;
using telemetry::MetricType;

constexpr Label bounded(std::string_view name) {
  return {name, Label::Values::Bounded};
}

MetricSpec sessions_spec() {
  return {.name = "kong_stream_sessions_total",
          .help = "Stream sessions by service, route and status.",
          .labels = {{"service"}, {"route"}, bounded("code"), bounded("source"), bounded("workspace")}};
}

MetricSpec duration_spec() {
  return {.name = "kong_session_duration_ms",
          .help = "Milliseconds from a stream session's beginning to its end.",
          .type = MetricType::Histogram,
          .labels = {{"service"}, {"route"}, bounded("workspace")},
          .bounds = {25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000}};
}

}  // namespace

void StreamSeries::count(const gateway::StreamSession& session, const SharedFamilies& shared) {
  if (session.route == nullptr) return;
  const telemetry::StreamRecord& record = session.record;
  const std::string route = session.route->name.empty() ? session.route->id.value.to_string() : session.route->name;
  std::string_view service;
  if (session.service != nullptr) {
    service = session.service->name.empty() ? session.service->host : session.service->name;
  }
  const std::string_view workspace = session.directory->workspace().name;
  if (by_status_) {
    if (sessions_ == nullptr) sessions_ = &metrics_.family(sessions_spec());
    const bool from_service = record.source == telemetry::StreamRecord::Source::Upstream;
    const std::string code = fmt::to_string(record.status);
    sessions_->at({service, route, code, from_service ? "service" : "kong", workspace}).add();
  }
  if (shared.bandwidth != nullptr) {
    const auto add = [&](std::string_view direction, std::uint64_t octets) {
      if (octets == 0) return;
      shared.bandwidth->at({service, route, direction, workspace, ""}).add(static_cast<double>(octets));
    };
    add("ingress", record.received);
    add("egress", record.sent);
  }
  if (shared.gateway_latency == nullptr) return;
  if (duration_ == nullptr) duration_ = &metrics_.family(duration_spec());
  duration_->at({service, route, workspace}).observe(static_cast<double>(record.session_ms()));
  shared.gateway_latency->at({service, route, workspace}).observe(static_cast<double>(record.gateway_latency_ms()));
}

}  // namespace sluice::plugins
