// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.h"
#include "http/pool.h"
#include "http/server_stream.h"

namespace sluice::gateway {

/// What settings decide about proxying; the same for all shards, fixed while the process runs.
struct GatewayOptions {
  std::string product = "kong/3.10.0";  // token in Via and Server (compat_version)
  std::string version = "3.10.0";       // that clients expect
  std::string node_id;
  std::string hostname;

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
  std::uint64_t client_max_body_size = 0;  // octets; 0: no limit
  bool upstream_tls_verify = true;

  http::ServerOptions server;
  http::PoolOptions pool;
};

}  // namespace sluice::gateway
