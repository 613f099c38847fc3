// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "telemetry/metrics.h"

namespace sluice::telemetry {

/// One address of a target of an upstream, as the balancer sees it.
struct TargetHealth {
  enum class State : std::uint8_t { HealthchecksOff, Healthy, Unhealthy, DnsError };
  std::string upstream;  // name
  std::string target;    // "host:port"
  std::string address;   // "ip:port"; empty when the name has no address
  State state = State::HealthchecksOff;
};

/// A metric of the node as a whole, with one label at most; `sluice_*` names.
struct NodeMetric {
  std::string_view name;
  std::string_view help;
  MetricType type = MetricType::Gauge;  // not Histogram
  double value = 0;
  std::pair<std::string_view, std::string_view> label = {};  // name and value; no name: none
};

/// What is known per node and not per shard: a copy, taken by whoever answers a scrape. Texts may come from anywhere.
struct NodeStats {
  std::string node_id;
  std::string version;  // that clients expect: "3.10.0"
  std::string_view subsystem = "http";

  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_active = 0;   // open client connections
  std::uint64_t connections_reading = 0;  // of these: a request head is arriving
  std::uint64_t connections_writing = 0;  // of these: a request is being served
  std::uint64_t connections_waiting = 0;  // of these: idle between requests
  std::uint64_t requests_total = 0;

  std::uint64_t sessions_accepted = 0;  // of streams
  std::uint64_t sessions_active = 0;    // likewise

  std::uint64_t timers_pending = 0;
  std::uint64_t timers_running = 0;
  bool datastore_reachable = true;

  struct WorkerMemory {
    std::int64_t pid = 0;
    std::uint64_t lua_bytes = 0;  // of the scripting VMs; 0 while there are none
  };
  std::vector<WorkerMemory> workers;
  struct SharedMemory {
    std::string name;  // "kong", "kong_db_cache", ...: what dashboards ask for
    std::uint64_t used_bytes = 0;
    std::uint64_t total_bytes = 0;
  };
  std::vector<SharedMemory> shared;

  std::vector<TargetHealth> targets;  // exported when a prometheus plugin asks for it
  std::vector<NodeMetric> own;        // any order
};

}  // namespace sluice::telemetry
