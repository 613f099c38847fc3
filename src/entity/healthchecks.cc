// SPDX-License-Identifier: Apache-2.0
// Defaults and bounds: reference/gateway.md, 5.3.
#include "entity/upstream.h"

namespace sluice::entity {
namespace {

using schema::between;

constexpr double kMaxSeconds = 65535;

schema::Rule counter() {
  return between(0, 255);
}
schema::Rule status() {
  return between(100, 999);
}
schema::Rule probe_type() {
  return schema::one_of({"tcp", "http", "https", "grpc", "grpcs"});
}

}  // namespace

void ActiveHealthy::describe(schema::Record<ActiveHealthy>& r) {
  using Self = ActiveHealthy;
  r.field<&Self::interval>("interval", "Seconds between two probes of a healthy target; 0 sends none.")
      .optional()
      .rule(between(0, kMaxSeconds));
  r.field<&Self::http_statuses>("http_statuses", "Statuses that count as success.").optional().each(status());
  r.field<&Self::successes>("successes", "Successes until it is healthy.").optional().rule(counter());
}

void ActiveUnhealthy::describe(schema::Record<ActiveUnhealthy>& r) {
  using Self = ActiveUnhealthy;
  r.field<&Self::interval>("interval", "Seconds between two probes of an unhealthy target; 0 sends none.")
      .optional()
      .rule(between(0, kMaxSeconds));
  r.field<&Self::http_statuses>("http_statuses", "Statuses that count as failure.").optional().each(status());
  r.field<&Self::tcp_failures>("tcp_failures", "Failed connections until it is unhealthy.").optional().rule(counter());
  r.field<&Self::timeouts>("timeouts", "Timeouts until it is unhealthy.").optional().rule(counter());
  r.field<&Self::http_failures>("http_failures", "Failures until it is unhealthy.").optional().rule(counter());
}

void ActiveHealthcheck::describe(schema::Record<ActiveHealthcheck>& r) {
  using Self = ActiveHealthcheck;
  constexpr double kMaxConcurrency = 2147483648;
  r.field<&Self::type>("type", "What a probe is.").optional().rule(probe_type());
  r.field<&Self::timeout>("timeout", "Seconds to wait for its answer.").optional().rule(between(0, kMaxSeconds));
  r.field<&Self::concurrency>("concurrency", "Probes at a time.").optional().rule(between(1, kMaxConcurrency));
  r.field<&Self::http_path>("http_path", "Path it asks for.").optional().rule(schema::path());
  r.field<&Self::https_sni>("https_sni", "Server name of its TLS handshake.").optional().rule(schema::sni());
  r.field<&Self::https_verify_certificate>("https_verify_certificate", "Verify the target's certificate.");
  r.field<&Self::headers>("headers", "Headers it carries.").optional().keys(schema::header_name());
  r.field<&Self::healthy>("healthy", "What makes a target healthy.");
  r.field<&Self::unhealthy>("unhealthy", "What makes a target unhealthy.");
}

void PassiveHealthy::describe(schema::Record<PassiveHealthy>& r) {
  using Self = PassiveHealthy;
  r.field<&Self::http_statuses>("http_statuses", "Statuses that count as success.").optional().each(status());
  r.field<&Self::successes>("successes", "Successes until it is healthy.").optional().rule(counter());
}

void PassiveUnhealthy::describe(schema::Record<PassiveUnhealthy>& r) {
  using Self = PassiveUnhealthy;
  r.field<&Self::http_statuses>("http_statuses", "Statuses that count as failure.").optional().each(status());
  r.field<&Self::tcp_failures>("tcp_failures", "Failed connections until it is unhealthy.").optional().rule(counter());
  r.field<&Self::timeouts>("timeouts", "Timeouts until it is unhealthy.").optional().rule(counter());
  r.field<&Self::http_failures>("http_failures", "Failures until it is unhealthy.").optional().rule(counter());
}

void PassiveHealthcheck::describe(schema::Record<PassiveHealthcheck>& r) {
  using Self = PassiveHealthcheck;
  r.field<&Self::type>("type", "Which protocol's answers count.").optional().rule(probe_type());
  r.field<&Self::healthy>("healthy", "What makes a target healthy.");
  r.field<&Self::unhealthy>("unhealthy", "What makes a target unhealthy.");
}

void Healthchecks::describe(schema::Record<Healthchecks>& r) {
  r.field<&Healthchecks::threshold>("threshold", "Per cent of the weight that must be healthy.")
      .optional()
      .rule(between(0, 100));
  r.field<&Healthchecks::active>("active", "Probes that the gateway sends.");
  r.field<&Healthchecks::passive>("passive", "What proxied requests tell.");
}

}  // namespace sluice::entity
