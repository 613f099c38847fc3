// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "gateway/balancer/preferences.h"
#include "gateway/certificates/stapling_terms.h"
#include "gateway/proxy/error_body.h"
#include "http/admission.h"
#include "http/pool.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// What settings decide about proxying; the same for all shards. Each shard has a copy, which Shard::reconfigure()
/// replaces.
struct GatewayOptions {
  std::string product = "kong/3.10.0";  // token in Via and Server (compat_version)
  std::string version = "3.10.0";       // that clients expect
  std::string node_id;
  std::string hostname;
  bool proxies = true;  // false: only others serve what it compiles, and it asks no upstream

  // `headers`: which of its own fields the gateway adds to responses.
  bool server_tokens = true;
  bool latency_tokens = true;
  bool upstream_status_header = false;
  bool request_id_downstream = true;
  bool request_id_upstream = true;
  bool allow_debug_header = false;

  std::vector<Cidr> trusted_ips;
  std::string real_ip_header = "X-Real-IP";
  bool real_ip_recursive = false;
  std::string error_default_type = "text/plain";
  std::shared_ptr<const ErrorTemplates> error_templates;  // null: the built-in forms
  std::map<std::uint16_t, std::uint16_t> port_maps;       // listener's port -> the one that clients see
  std::int64_t tls_timeout_ms = 10'000;                   // for a PROXY header and a handshake
  std::uint64_t client_max_body_size = 0;                 // octets; 0: no limit
  std::size_t upstream_max_header_size = 56 * 1024;       // octets of a response's head
  bool upstream_http2 = false;                            // offered to upstreams over TLS
  std::size_t udp_sessions = 16'384;                      // at a time, on one shard

  StaplingTerms stapling;

  http::ServerOptions server;
  http::Ceilings ceilings;         // of one shard
  std::uint64_t memory_limit = 0;  // octets; 0: that of the control group
  http::PoolOptions pool;
  BalancerPreferences balancing;
};

}  // namespace sluice::gateway
