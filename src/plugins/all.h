// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::gateway {
class PluginRegistry;
}

// The plugins that this program is built with. Each add_*() stands in the folder of its plugin; add_all() calls them.
namespace sluice::plugins {

void add_acl(gateway::PluginRegistry& registry);
void add_basic_auth(gateway::PluginRegistry& registry);
void add_bot_detection(gateway::PluginRegistry& registry);
void add_correlation_id(gateway::PluginRegistry& registry);
void add_cors(gateway::PluginRegistry& registry);
void add_file_log(gateway::PluginRegistry& registry);
void add_grpc_gateway(gateway::PluginRegistry& registry);
void add_grpc_web(gateway::PluginRegistry& registry);
void add_http_log(gateway::PluginRegistry& registry);
void add_ip_restriction(gateway::PluginRegistry& registry);
void add_key_auth(gateway::PluginRegistry& registry);
void add_mtls_auth(gateway::PluginRegistry& registry);
void add_prometheus(gateway::PluginRegistry& registry);
void add_rate_limiting(gateway::PluginRegistry& registry);
void add_redirect(gateway::PluginRegistry& registry);
void add_request_size_limiting(gateway::PluginRegistry& registry);
void add_request_termination(gateway::PluginRegistry& registry);
void add_request_transformer(gateway::PluginRegistry& registry);
void add_response_transformer(gateway::PluginRegistry& registry);
void add_tls_handshake_modifier(gateway::PluginRegistry& registry);
void add_tls_metadata_headers(gateway::PluginRegistry& registry);
void add_websocket_size_limit(gateway::PluginRegistry& registry);
void add_websocket_validator(gateway::PluginRegistry& registry);

void add_all(gateway::PluginRegistry& registry);

}  // namespace sluice::plugins
