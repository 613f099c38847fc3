// SPDX-License-Identifier: Apache-2.0
#include "plugins/all.h"

namespace sluice::plugins {

// Alphabetical: the order in which plugins run follows from their priorities.
void add_all(gateway::PluginRegistry& registry) {
  add_acl(registry);
  add_basic_auth(registry);
  add_bot_detection(registry);
  add_correlation_id(registry);
  add_cors(registry);
  add_file_log(registry);
  add_grpc_gateway(registry);
  add_grpc_web(registry);
  add_http_log(registry);
  add_ip_restriction(registry);
  add_key_auth(registry);
  add_mtls_auth(registry);
  add_prometheus(registry);
  add_rate_limiting(registry);
  add_redirect(registry);
  add_request_size_limiting(registry);
  add_request_termination(registry);
  add_request_transformer(registry);
  add_response_transformer(registry);
  add_tls_handshake_modifier(registry);
  add_tls_metadata_headers(registry);
  add_websocket_size_limit(registry);
  add_websocket_validator(registry);
}

}  // namespace sluice::plugins
