// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "entity/certificate.h"
#include "schema/entity.h"

namespace sluice::entity {

/// What counts as a healthy answer of a target, and after how many of them it is healthy. 0 switches a counter off.
struct ActiveHealthy {
  double interval = 0;  // seconds between two probes
  std::vector<int> http_statuses = {200, 302};
  int successes = 0;
  static void describe(schema::Record<ActiveHealthy>& r);
};
struct ActiveUnhealthy {
  double interval = 0;  // seconds between two probes
  std::vector<int> http_statuses = {429, 404, 500, 501, 502, 503, 504, 505};
  int tcp_failures = 0;
  int timeouts = 0;
  int http_failures = 0;
  static void describe(schema::Record<ActiveUnhealthy>& r);
};
/// Probes that the gateway sends.
struct ActiveHealthcheck {
  std::string type = "http";
  double timeout = 1;  // seconds
  std::int64_t concurrency = 10;
  std::string http_path = "/";
  std::string https_sni;
  bool https_verify_certificate = true;
  std::map<std::string, std::vector<std::string>> headers;
  ActiveHealthy healthy;
  ActiveUnhealthy unhealthy;
  static void describe(schema::Record<ActiveHealthcheck>& r);
};
struct PassiveHealthy {
  std::vector<int> http_statuses = {200, 201, 202, 203, 204, 205, 206, 207, 208, 226,
                                    300, 301, 302, 303, 304, 305, 306, 307, 308};
  int successes = 0;
  static void describe(schema::Record<PassiveHealthy>& r);
};
struct PassiveUnhealthy {
  std::vector<int> http_statuses = {429, 500, 503};
  int tcp_failures = 0;
  int timeouts = 0;
  int http_failures = 0;
  static void describe(schema::Record<PassiveUnhealthy>& r);
};
/// What proxied requests tell.
struct PassiveHealthcheck {
  std::string type = "http";
  PassiveHealthy healthy;
  PassiveUnhealthy unhealthy;
  static void describe(schema::Record<PassiveHealthcheck>& r);
};
struct Healthchecks {
  double threshold = 0;  // per cent of the weight that must be healthy
  ActiveHealthcheck active;
  PassiveHealthcheck passive;
  /// Whether anything may ever make a target unhealthy: reference/gateway.md, 5.3.
  [[nodiscard]] bool enabled() const { return probes() || counts(); }
  /// Whether the gateway sends probes.
  [[nodiscard]] bool probes() const { return active.healthy.interval > 0 || active.unhealthy.interval > 0; }
  /// Whether failures of proxied requests count.
  [[nodiscard]] bool counts() const {
    const PassiveUnhealthy& limits = passive.unhealthy;
    return limits.tcp_failures > 0 || limits.timeouts > 0 || limits.http_failures > 0;
  }
  static void describe(schema::Record<Healthchecks>& r);
};

/// A virtual host name that stands for several targets.
struct Upstream {
  static constexpr std::string_view kName = "upstreams";

  schema::Id<Upstream> id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::string name;
  std::string algorithm = "round-robin";
  std::string hash_on = "none";
  std::string hash_fallback = "none";
  std::string hash_on_header;
  std::string hash_fallback_header;
  std::string hash_on_cookie;
  std::string hash_on_cookie_path = "/";
  std::string hash_on_query_arg;
  std::string hash_fallback_query_arg;
  std::string hash_on_uri_capture;
  std::string hash_fallback_uri_capture;
  std::string sticky_sessions_cookie;
  std::string sticky_sessions_cookie_path = "/";
  std::int64_t slots = 10000;
  Healthchecks healthchecks;
  std::vector<std::string> tags;
  std::string host_header;
  schema::Ref<Certificate> client_certificate;
  bool use_srv_name = false;

  static void describe(schema::Entity<Upstream>& e);
};

}  // namespace sluice::entity
