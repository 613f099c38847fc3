// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/json.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"
#include "settings/listener.h"

namespace sluice::settings {

enum class Role : std::uint8_t { All, ControlPlane, DataPlane };
enum class Database : std::uint8_t { Sqlite, Postgres, Off };
enum class RouterFlavor : std::uint8_t { Traditional, TraditionalCompatible, Expressions };
enum class AdminAuth : std::uint8_t { Off, Token };
enum class ClusterMtls : std::uint8_t { Shared, Pki };
enum class CipherSuite : std::uint8_t { Modern, Intermediate, Custom };
enum class ErrorType : std::uint8_t { PlainText, Json, Html, Xml };
enum class DnsRecord : std::uint8_t { Last, Srv, A, Aaaa, Cname };

/// Number of shards; 0 means one per core.
struct WorkerCount {
  unsigned count = 0;
  friend bool operator==(WorkerCount, WorkerCount) = default;
};

/// A public port in front of us, and the listener's port that it arrives at: `80:8000`.
struct PortMap {
  std::uint16_t outside = 0;
  std::uint16_t inside = 0;
  friend bool operator==(PortMap, PortMap) = default;
};

struct ResolverAddress {
  IpAddress ip;
  std::uint16_t port = 53;
  friend bool operator==(const ResolverAddress&, const ResolverAddress&) = default;
};

/// The headers of our own that responses carry.
struct ResponseHeaders {
  bool server = false;
  bool via = false;
  bool proxy_latency = false;
  bool upstream_latency = false;
  bool response_latency = false;
  bool admin_latency = false;
  bool upstream_status = false;
  bool request_id = false;
  friend bool operator==(const ResponseHeaders&, const ResponseHeaders&) = default;
};
struct UpstreamHeaders {
  bool request_id = false;
  friend bool operator==(UpstreamHeaders, UpstreamHeaders) = default;
};

struct TlsVersions {
  bool v1_2 = false;
  bool v1_3 = false;
  friend bool operator==(TlsVersions, TlsVersions) = default;
};

/// Everything that is configured before a configuration exists. Members are named like the settings; the table in
/// table.cc holds defaults, documentation and bounds. Sizes and counts of 0 mean "unlimited" where the table says so.
struct Settings {
  // The node
  Role role{};
  Database database{};
  std::string declarative_config;
  std::string declarative_config_string;
  std::string prefix;
  std::string node_id;
  WorkerCount nginx_worker_processes;
  std::string nginx_user;
  std::vector<std::string> plugins;
  std::string compat_version;
  std::string compat_edition;
  Millis shutdown_timeout{};
  Millis shutdown_delay{};
  Millis upgrade_drain_timeout{};

  // The processes, and what they give up
  bool supervisor = false;
  Millis watchdog_timeout{};
  std::string umask;
  bool no_new_privileges = false;
  bool drop_capabilities = false;
  bool core_dumps = false;
  bool seccomp = false;
  bool landlock = false;
  std::vector<std::string> writable_paths;

  // The store
  std::string keyring_path;
  Millis change_log_retention{};
  std::uint32_t change_log_keep_versions = 0;
  bool admin_wait_until_live = false;
  std::string pg_host;
  std::uint32_t pg_port = 0;
  std::string pg_user;
  Secret<std::string> pg_password;
  std::string pg_database;
  bool pg_ssl = false;
  bool pg_ssl_verify = false;
  Millis pg_timeout{};

  // Logs
  log::Level log_level{};
  log::Format log_format{};
  std::string proxy_error_log;
  std::string proxy_access_log;
  std::string proxy_stream_access_log;
  std::string admin_access_log;
  std::string status_access_log;

  // Listeners
  std::vector<Listener> proxy_listen;
  std::vector<Listener> stream_listen;
  std::uint32_t stream_udp_sessions = 0;
  std::vector<Listener> admin_listen;
  std::vector<Listener> status_listen;
  std::vector<PortMap> port_maps;

  // The Admin API
  AdminAuth admin_auth{};
  bool enforce_rbac = false;
  Secret<std::string> admin_token;
  std::string admin_email;
  Secret<std::string> admin_password;
  Millis admin_session_idle{};
  Millis admin_session_lifetime{};
  std::vector<std::string> admin_gui_url;
  Bytes admin_max_body_size;

  // The platform API and the console
  std::vector<Listener> admin_gui_listen;
  std::vector<std::string> admin_gui_ssl_cert;
  std::vector<Secret<std::string>> admin_gui_ssl_cert_key;
  std::string console_path;

  // The link between control plane and data planes; certificates and keys as for TLS
  std::vector<Listener> cluster_listen;
  std::string cluster_control_plane;
  ClusterMtls cluster_mtls{};
  std::string cluster_cert;
  Secret<std::string> cluster_cert_key;
  std::string cluster_ca_cert;
  std::string cluster_server_name;
  std::vector<std::string> cluster_allowed_common_names;
  std::vector<std::string> cluster_dp_labels;
  Millis cluster_data_plane_purge_delay{};
  Bytes cluster_max_payload;
  bool cluster_rpc = false;
  bool cluster_rpc_sync = false;
  bool cluster_strict = false;
  bool cluster_use_proxy = false;
  Secret<std::string> proxy_server;
  bool proxy_server_ssl_verify = false;
  bool cluster_fallback_config_import = false;
  bool cluster_fallback_config_export = false;
  std::string cluster_fallback_config_storage;
  Millis cluster_fallback_config_export_delay{};

  // Proxying
  RouterFlavor router_flavor{};
  std::vector<Cidr> trusted_ips;
  std::string real_ip_header;
  bool real_ip_recursive = false;
  ResponseHeaders headers;
  UpstreamHeaders headers_upstream;
  ErrorType error_default_type{};
  std::string error_template_html;
  std::string error_template_json;
  std::string error_template_xml;
  std::string error_template_plain;
  bool allow_debug_header = false;

  // Clients and their limits
  Bytes client_max_body_size;
  Bytes client_body_buffer_size;
  Bytes buffer_max_body_size;
  Bytes client_max_header_size;
  std::uint32_t client_max_headers = 0;
  Bytes client_max_uri_size;
  std::uint32_t client_max_streams = 0;
  std::uint32_t client_max_connections_per_address = 0;
  std::uint32_t client_keepalive_requests = 0;
  Millis client_keepalive_timeout{};
  Millis client_header_timeout{};
  Millis client_body_timeout{};
  Bytes client_body_min_rate;  // a second
  Millis client_send_timeout{};
  Millis client_tls_timeout{};

  // Ceilings; what is over them is shed
  std::uint32_t client_max_connections = 0;
  std::uint32_t max_requests_in_flight = 0;
  Bytes memory_limit;
  Millis overload_delay{};

  // Upstreams
  std::uint32_t upstream_keepalive_pool_size = 0;
  std::uint32_t upstream_keepalive_max_requests = 0;
  Millis upstream_keepalive_idle_timeout{};
  Bytes upstream_max_header_size;
  bool upstream_tls_verify = false;
  bool upstream_http2 = false;
  Millis upstream_slow_start{};
  std::string zone;

  // DNS
  std::vector<ResolverAddress> dns_resolver;
  std::string dns_hostsfile;
  std::vector<DnsRecord> dns_order;
  Millis dns_valid_ttl{};
  Millis dns_stale_ttl{};
  Millis dns_not_found_ttl{};
  Millis dns_error_ttl{};
  std::uint32_t dns_cache_size = 0;
  bool dns_no_sync = false;
  bool dns_happy_eyeballs = false;
  Millis dns_timeout{};

  // TLS; certificates and keys are paths, PEM texts or base64 of PEM texts
  std::vector<std::string> ssl_cert;
  std::vector<Secret<std::string>> ssl_cert_key;
  std::vector<std::string> admin_ssl_cert;
  std::vector<Secret<std::string>> admin_ssl_cert_key;
  std::vector<std::string> status_ssl_cert;
  std::vector<Secret<std::string>> status_ssl_cert_key;
  bool client_ssl = false;
  std::string client_ssl_cert;
  Secret<std::string> client_ssl_cert_key;
  CipherSuite ssl_cipher_suite{};
  std::string ssl_ciphers;
  TlsVersions ssl_protocols;
  bool ssl_stapling = false;
  std::string ssl_stapling_responder;
  bool ssl_session_tickets = false;
  Millis ssl_session_timeout{};
  Bytes ssl_session_cache_size;
  std::vector<std::string> lua_ssl_trusted_certificate;
  std::uint32_t lua_ssl_verify_depth = 0;
};

/// Every default.
Settings defaults();

/// The `configuration` object of `GET /`: each setting by name, secrets as `******`, and the parsed listeners beside.
Json to_json(const Settings& settings);

/// `path` as it stands when absolute, below `prefix` otherwise.
[[nodiscard]] std::string below_prefix(const Settings& settings, std::string_view path);

}  // namespace sluice::settings
