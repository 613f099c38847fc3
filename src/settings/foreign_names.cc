// SPDX-License-Identifier: Apache-2.0
// Names of kong.conf without a meaning here. Knowing them lets people bring their files and deployments along.
#include <algorithm>

#include "settings/table.h"

namespace sluice::settings {
namespace {

constexpr std::string_view kNames[] = {
    "admin_approved_email",
    "admin_emails_from",
    "admin_emails_reply_to",
    "admin_error_log",
    "admin_gui_access_log",
    "admin_gui_api_url",
    "admin_gui_auth",
    "admin_gui_auth_conf",
    "admin_gui_csp_header",
    "admin_gui_error_log",
    "admin_gui_path",
    "admin_gui_session_conf",
    "admin_ssl_enabled",
    "anonymous_reports",
    "audit_log",
    "cluster_ocsp",
    "cluster_telemetry_endpoint",
    "cluster_telemetry_listen",
    "cluster_telemetry_server_name",
    "db_cache_neg_ttl",
    "db_cache_ttl",
    "db_cache_warmup_entities",
    "db_resurrect_ttl",
    "db_update_frequency",
    "db_update_propagation",
    "dedicated_config_processing",
    "dns_cache_ttl",
    "events_ssl_verify",
    "fips",
    "host_ports",
    "keyring_enabled",
    "konnect_mode",
    "license_data",
    "license_path",
    "lmdb_environment_path",
    "lmdb_map_size",
    "lua_max_post_args",
    "lua_max_req_headers",
    "lua_max_resp_headers",
    "lua_max_uri_args",
    "lua_package_cpath",
    "lua_package_path",
    "lua_socket_pool_size",
    "lua_ssl_protocols",
    "max_queued_batches",
    "mem_cache_size",
    "new_dns_client",
    "nginx_daemon",
    "nginx_optimizations",
    "opentelemetry_tracing",
    "openresty_path",
    "password",
    "pluginserver_names",
    "privileged_agent",
    "proxy_stream_error_log",
    "rbac_auth_header",
    "request_debug",
    "request_debug_token",
    "resolver_address",
    "resolver_error_ttl",
    "resolver_family",
    "resolver_hosts_file",
    "resolver_lru_cache_size",
    "resolver_mem_cache_size",
    "resolver_stale_ttl",
    "resolver_valid_ttl",
    "smtp_mock",
    "ssl_cert_csr_default",
    "ssl_dhparam",
    "ssl_prefer_server_ciphers",
    "ssl_enabled",
    "status_error_log",
    "stream_proxy_ssl_enabled",
    "stream_ssl_cert",
    "stream_ssl_cert_key",
    "tracing_instrumentations",
    "tracing_sampling_rate",
    "tracing_types",
    "untrusted_lua",
    "untrusted_lua_sandbox_environment",
    "untrusted_lua_sandbox_requires",
    "upstream_keepalive",
    "vaults",
    "vitals",
    "wasm",
    "wasm_dynamic_module",
    "wasm_filters",
    "wasm_filters_path",
    "worker_consistency",
    "worker_events_max_payload",
    "worker_state_update_frequency",
};

/// Families of names: nginx directives, and subsystems that come with their own settings.
constexpr std::string_view kPrefixes[] = {
    "nginx_admin_",    "nginx_conf",     "nginx_debug_",
    "nginx_events_",   "nginx_http_",    "nginx_location_",
    "nginx_main_",     "nginx_proxy_",   "nginx_sproxy_",
    "nginx_status_",   "nginx_stream_",  "nginx_supstream_",
    "nginx_upstream_", "nginx_wasm_",    "pg_",
    "pluginserver_",   "portal_",        "smtp_",
    "vault_",          "analytics_",     "keyring_",
    "pg_ro_",          "request_debug_", "declarative_config_encryption",
};

}  // namespace

bool is_foreign_kong_name(std::string_view name) {
  if (find_setting(name) != nullptr) return false;
  return std::ranges::find(kNames, name) != std::end(kNames) ||
         std::ranges::any_of(kPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace sluice::settings
