// SPDX-License-Identifier: Apache-2.0
#include "settings/table.h"

#include "settings/value.h"

namespace sluice::settings {
namespace {

template <class>
struct MemberOf;
template <class T>
struct MemberOf<T Settings::*> {
  using Type = T;
};

/// A row of the table; the calls that follow it add what only some settings have.
class Row {
 public:
  explicit Row(Setting setting) : setting_(setting) {}
  Row& alias(std::string_view name) {
    setting_.alias = name;
    return *this;
  }
  Row& between(std::uint64_t least, std::uint64_t most) {
    setting_.least = least;
    setting_.most = most;
    return *this;
  }
  Row& secret() {
    setting_.secret = true;
    return *this;
  }
  Row& bare_millis() {
    setting_.bare_millis = true;
    return *this;
  }
  operator Setting() const { return setting_; }

 private:
  Setting setting_;
};

template <auto Member>
Row row(std::string_view name, std::string_view fallback, Reload reload, std::string_view doc) {
  using T = MemberOf<decltype(Member)>::Type;
  Setting setting{.name = name, .fallback = fallback, .reload = reload, .doc = doc, .type = TypeName<T>::kName};
  if constexpr (Choice<T>) setting.choices = choices_of<T>();
  setting.read = [](const Setting& self, std::string_view text, Settings& settings) -> Result<> {
    return read_value(self, text, settings.*Member);
  };
  setting.copy = [](const Settings& from, Settings& to) { to.*Member = from.*Member; };
  setting.write = [](const Setting& self, const Settings& settings) { return write_value(self, settings.*Member); };
  return Row(setting);
}

#define ROW(name, ...) row<&Settings::name>(#name, __VA_ARGS__)
constexpr Reload kLive = Reload::Live;
constexpr Reload kRestart = Reload::Restart;

std::vector<Setting> node_rows() {
  return {
      ROW(role, "all", kRestart, "What this node does. `traditional` means `all`."),
      ROW(database, "sqlite", kRestart,
          "Where entities live: in a file below the prefix, in PostgreSQL, or nowhere. With `off` they come from a "
          "declarative file or `POST /config`; that is implied when `declarative_config` is given."),
      ROW(declarative_config, "", kLive,
          "Path of the declarative file (YAML or JSON) that a node without a store loads."),
      ROW(declarative_config_string, "", kLive, "The declarative configuration itself, instead of a path.").secret(),
      ROW(prefix, "/var/lib/sluice", kRestart,
          "Working directory: store, keys, node id, logs, last good configuration."),
      ROW(node_id, "", kRestart, "UUID of this node. Without one it is drawn once and kept in the prefix."),
      ROW(nginx_worker_processes, "auto", kRestart, "Number of shards, each a thread; `auto` is one per core.")
          .alias("nginx_main_worker_processes")
          .between(1, 1024),
      ROW(nginx_user, "", kRestart, "User, and group after a blank, that workers run as when started by root.")
          .alias("nginx_main_user"),
      ROW(plugins, "bundled", kRestart,
          "Plugins that may be used: names, and `bundled` for all that come with Sluice."),
      ROW(compat_version, "3.10.0.0", kRestart,
          "Version that `GET /`, `Server` and `Via` claim to clients of the ecosystem."),
      ROW(compat_edition, "community", kRestart, "Edition that `GET /` claims; Kong Manager needs `community`."),
      ROW(shutdown_timeout, "30s", kRestart, "How long a graceful stop waits for requests in flight.")
          .alias("nginx_main_worker_shutdown_timeout"),
      ROW(shutdown_delay, "0", kRestart,
          "How long a graceful stop goes on accepting, unready already, so that load balancers look elsewhere before "
          "the listeners close."),
      ROW(upgrade_drain_timeout, "5m", kRestart,
          "How long the process that an upgrade replaced may finish requests and streams that it has begun."),
      ROW(supervisor, "on", kRestart,
          "Run the gateway in a worker process that is replaced when it dies, below a small process that keeps the "
          "listeners open. `off` runs everything in one process."),
      ROW(watchdog_timeout, "4s", kRestart,
          "How long a shard may not turn its loop before its stack is logged and the worker aborted; 0 means for "
          "ever."),
      ROW(umask, "0077", kRestart, "Permissions that files of ours never have, in octal."),
      ROW(no_new_privileges, "on", kRestart, "The worker can gain no privilege through a program that it runs."),
      ROW(drop_capabilities, "on", kRestart, "The worker gives up every capability."),
      ROW(core_dumps, "off", kRestart, "Whether a crash may write memory, with keys and credentials, to a file."),
      ROW(seccomp, "on", kRestart,
          "The worker can start no process and use no system call that a gateway has no use for."),
      ROW(landlock, "on", kRestart,
          "The worker can open only files below the prefix, folders that settings name, `writable_paths`, and what "
          "libraries need; and no new TCP listener."),
      ROW(writable_paths, "/tmp, /var/log", kRestart,
          "Folders outside of the prefix where plugins such as file-log may write."),
      ROW(log_level, "notice", kLive,
          "The least severe events that are logged. `crit`, `alert` and `emerg` mean `error`."),
      ROW(log_format, "auto", kRestart, "Form of the log; `auto` is text on a terminal and JSON lines elsewhere."),
      ROW(proxy_error_log, "/dev/stderr", kRestart,
          "Where the log goes: a path, relative to the prefix, or `/dev/stderr`."),
      ROW(proxy_access_log, "logs/access.log", kLive,
          "Access log of the proxy: a path, relative to the prefix, or `off`."),
      ROW(proxy_stream_access_log, "logs/access.log basic", kLive,
          "Access log of stream sessions: a path, relative to the prefix, and the format, which is `basic`; or `off`."),
      ROW(admin_access_log, "logs/admin_access.log", kLive, "Access log of the Admin API: a path or `off`."),
      ROW(status_access_log, "off", kLive, "Access log of the status API: a path or `off`."),
  };
}

std::vector<Setting> store_rows() {
  return {
      ROW(keyring_path, "secrets/keyring", kRestart,
          "File with the keys that secrets in the store are sealed under, relative to the prefix. Made with a new "
          "store; keep a copy."),
      ROW(change_log_retention, "30d", kLive,
          "How far back the history of the store reaches; 0 means for ever. What is older is folded away, but for the "
          "`change_log_keep_versions` newest versions of each control plane."),
      ROW(change_log_keep_versions, "1000", kLive,
          "How many versions of each control plane stay in the history however old they are, so that one that rests "
          "for long has one, too.")
          .between(0, 1'000'000),
      ROW(admin_wait_until_live, "on", kRestart,
          "Answer a write when this node serves it. With `off`, when it is on stable storage, a moment earlier."),
      ROW(pg_host, "127.0.0.1", kRestart, "PostgreSQL: name, address, or the folder of a socket."),
      ROW(pg_port, "5432", kRestart, "Its port.").between(1, 65'535),
      ROW(pg_user, "kong", kRestart, "User, who may create a schema or owns `sluice`."),
      ROW(pg_password, "", kRestart, "The user's password.").secret(),
      ROW(pg_database, "kong", kRestart, "Database. All tables live in its schema `sluice`."),
      ROW(pg_ssl, "off", kRestart, "Encrypt the connection."),
      ROW(pg_ssl_verify, "off", kRestart,
          "Check the server's certificate and name, by the authorities of `lua_ssl_trusted_certificate`."),
      ROW(pg_timeout, "5000", kRestart, "Time to connect, and without a sign of life; in milliseconds without a unit.")
          .bare_millis(),
  };
}

std::vector<Setting> listener_rows() {
  return {
      ROW(proxy_listen, "0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384",
          kRestart,
          "Addresses of the proxy, each with any of: ssl, http2, http3, proxy_protocol, deferred, bind, reuseport, "
          "backlog=N, ipv6only=on|off, so_keepalive=on|off, max_connections=N. `off` for none. http3, which needs ssl, "
          "opens the same port over UDP, too."),
      ROW(stream_listen, "off", kRestart,
          "Addresses for TCP, TLS and UDP sessions, each with any of: ssl, udp, proxy_protocol, bind, reuseport, "
          "backlog=N, ipv6only=on|off, so_keepalive=on|off."),
      ROW(stream_udp_sessions, "16384", kRestart,
          "UDP sessions at a time, divided evenly among the shards. When there are as many, the one that has waited "
          "longest for a first answer makes room; where all have been answered, the newcomer is dropped.")
          .between(1, 1'000'000),
      ROW(admin_listen, "127.0.0.1:8001 reuseport backlog=16384, 127.0.0.1:8444 http2 ssl reuseport backlog=16384",
          kRestart, "Addresses of the Admin API. Others than loopback need `admin_auth=token`."),
      ROW(status_listen, "127.0.0.1:8007 reuseport backlog=16384", kRestart,
          "Addresses of the status API: health, readiness and metrics."),
      ROW(port_maps, "", kRestart,
          "Ports that clients see when something maps ports in front of us, such as `80:8000`."),
      ROW(admin_auth, "off", kRestart,
          "`token` asks every request of the Admin API and the platform API who it is from. `off` serves loopback "
          "only, and "
          "asks nobody until the first account is set up; from then on it is as good as `token`."),
      ROW(enforce_rbac, "off", kRestart,
          "Role-based access control of the Admin API, which this version does not have: `on` refuses to start."),
      ROW(admin_token, "", kLive, "The administrator's token, where no store holds one.").secret(),
      ROW(admin_email, "admin@localhost", kRestart, "Whom `admin_password` lets in."),
      ROW(admin_password, "", kRestart,
          "Makes the first account at the first start, in the place of a set-up link. Not looked at once there is one.")
          .secret(),
      ROW(admin_session_idle, "60m", kLive, "How long a session in the console lasts without a request."),
      ROW(admin_session_lifetime, "12h", kLive, "How long a session in the console lasts at the most."),
      ROW(admin_gui_url, "", kLive, "Origins of the console, allowed by CORS and as `Host`."),
      ROW(admin_max_body_size, "128m", kLive, "Largest body that the Admin API takes, a whole configuration included."),
  };
}

std::vector<Setting> cluster_rows() {
  return {
      ROW(admin_gui_listen, "127.0.0.1:8002 reuseport backlog=16384, 127.0.0.1:8445 http2 ssl reuseport backlog=16384",
          kRestart, "Addresses of the platform API and the console, on a node with a store. As for admin_listen."),
      ROW(admin_gui_ssl_cert, "", kLive, "Their certificates; made up without one."),
      ROW(admin_gui_ssl_cert_key, "", kLive, "The keys of these.").secret(),
      ROW(console_path, "auto", kRestart,
          "Folder with the console's files. `auto` looks for `share/sluice/console` beside the program's folder; `off` "
          "serves the platform API alone."),
      ROW(cluster_listen, "0.0.0.0:8005", kRestart,
          "Where a control plane waits for data planes, always over mutual TLS. Opened when `cluster_cert` is set."),
      ROW(cluster_control_plane, "127.0.0.1:8005", kRestart, "Where a data plane finds its control plane: host:port."),
      ROW(cluster_mtls, "shared", kRestart,
          "How the two know each other: `shared`, by one certificate that both have; `pki`, by certificates of an "
          "authority or such as a control plane has pinned."),
      ROW(cluster_cert, "", kRestart, "Certificate for the link; `sluice hybrid gen_cert` makes one for `shared`."),
      ROW(cluster_cert_key, "", kRestart, "Its key.").secret(),
      ROW(cluster_ca_cert, "", kRestart, "With `pki`: authorities that issue certificates of the other side."),
      ROW(cluster_server_name, "", kRestart,
          "With `pki`: name that the control plane's certificate must have, and that chooses the control plane; the "
          "host by default."),
      ROW(cluster_allowed_common_names, "", kRestart,
          "With `pki`: common names of data planes that may join; any by default."),
      ROW(cluster_dp_labels, "", kRestart, "Labels of a data plane, as key:value, for people."),
      ROW(cluster_data_plane_purge_delay, "14d", kLive,
          "How long a control plane lists a data plane that it has not seen; in seconds without a unit."),
      ROW(cluster_max_payload, "64m", kRestart, "Largest message on the link, once unpacked."),
      ROW(cluster_rpc, "on", kRestart, "Offer protocol 2, which sends changes instead of everything."),
      ROW(cluster_rpc_sync, "on", kRestart, "Send the configuration by protocol 2."),
      ROW(cluster_strict, "on", kRestart,
          "Between two of us: check order and digest of every change, signatures of whole configurations, and call a "
          "link dead after 25 s. Never asked of another product."),
      ROW(cluster_use_proxy, "off", kRestart, "A data plane reaches its control plane through `proxy_server`."),
      ROW(proxy_server, "", kRestart, "Forward proxy that understands CONNECT: http(s)://user:password@host:port.")
          .secret(),
      ROW(proxy_server_ssl_verify, "on", kRestart, "Check the forward proxy's certificate."),
      ROW(cluster_fallback_config_import, "off", kRestart,
          "A data plane without a configuration of its own takes it from `cluster_fallback_config_storage` while the "
          "control plane is away."),
      ROW(cluster_fallback_config_export, "off", kRestart,
          "Keep a signed copy of the configuration in `cluster_fallback_config_storage`."),
      ROW(cluster_fallback_config_storage, "", kRestart,
          "Where: a folder, or s3://bucket/prefix with credentials in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and "
          "another address than Amazon's in AWS_CONFIG_STORAGE_ENDPOINT."),
      ROW(cluster_fallback_config_export_delay, "60s", kLive, "At most one copy in this time."),
  };
}

std::vector<Setting> proxy_rows() {
  return {
      ROW(router_flavor, "traditional_compatible", kRestart, "How routes match."),
      ROW(trusted_ips, "", kLive, "Peers whose forwarding headers are believed."),
      ROW(real_ip_header, "X-Real-IP", kLive,
          "Header that carries the client's address when the peer is trusted; `proxy_protocol` takes it from there.")
          .alias("nginx_proxy_real_ip_header"),
      ROW(real_ip_recursive, "off", kLive,
          "Skip trusted addresses from the right of that header, not only the last one.")
          .alias("nginx_proxy_real_ip_recursive"),
      ROW(headers, "server_tokens, latency_tokens, X-Kong-Request-Id", kLive, "Headers of ours that responses carry."),
      ROW(headers_upstream, "X-Kong-Request-Id", kLive, "Headers of ours that requests to upstreams carry."),
      ROW(error_default_type, "text/plain", kLive, "Form of our error bodies when the request accepts anything."),
      ROW(error_template_html, "", kLive, "Path of a template for HTML error bodies."),
      ROW(error_template_json, "", kLive, "Path of a template for JSON error bodies."),
      ROW(error_template_xml, "", kLive, "Path of a template for XML error bodies."),
      ROW(error_template_plain, "", kLive, "Path of a template for plain error bodies."),
      ROW(allow_debug_header, "off", kLive, "Answer `Kong-Debug: 1` with the names of route and service."),
      ROW(client_max_body_size, "0", kLive, "Largest request body; 0 means no limit, since bodies stream.")
          .alias("nginx_http_client_max_body_size"),
      ROW(client_body_buffer_size, "8k", kLive, "Memory for a request body before a plugin that needs it whole.")
          .alias("nginx_http_client_body_buffer_size"),
      ROW(buffer_max_body_size, "10m", kLive, "Largest body that is buffered when a plugin needs it whole."),
      ROW(client_max_header_size, "32k", kLive, "Largest head of a request."),
      ROW(client_max_headers, "200", kLive, "Most header fields of a request.").between(1, 10'000),
      ROW(client_max_uri_size, "8k", kLive, "Longest request target."),
      ROW(client_max_streams, "100", kLive, "Concurrent HTTP/2 streams of a connection.")
          .alias("nginx_http_http2_max_concurrent_streams")
          .between(1, 10'000),
      ROW(client_max_connections_per_address, "0", kLive,
          "Connections from one address (IPv6: one /64), on each worker (shard); 0 means no limit, since a balancer "
          "that "
          "speaks no PROXY protocol is one address. `trusted_ips` are exempt."),
      ROW(client_keepalive_requests, "1000", kLive, "Requests on one connection; 0 means no limit.")
          .alias("nginx_http_keepalive_requests"),
      ROW(client_keepalive_timeout, "60s", kLive, "How long an idle connection is kept.")
          .alias("nginx_http_keepalive_timeout"),
      ROW(client_header_timeout, "10s", kLive, "Time for the whole head of a request.")
          .alias("nginx_http_client_header_timeout"),
      ROW(client_body_timeout, "30s", kLive, "Longest pause within a request body.")
          .alias("nginx_http_client_body_timeout"),
      ROW(client_body_min_rate, "256", kLive,
          "Octets a second that a request body must come at, over all, until the response begins; 0 means no minimum."),
      ROW(client_send_timeout, "60s", kLive, "Longest time that a client may take no octet of a response.")
          .alias("nginx_http_send_timeout"),
      ROW(client_tls_timeout, "10s", kLive, "Time for a TLS handshake and a PROXY header."),
      ROW(client_max_connections, "0", kLive,
          "Client connections of the node, divided evenly among the shards; 0 means as many as there are descriptors "
          "for. One more closes the longest idle one, and is closed itself where none is idle."),
      ROW(max_requests_in_flight, "0", kLive,
          "Requests at a time, divided evenly among the shards; one more is answered with 503. 0 means no limit."),
      ROW(memory_limit, "0", kLive,
          "Memory of the worker; at 90 % of it new requests are answered with 503. 0 means the limit of the control "
          "group that it runs in, if that has one."),
      ROW(overload_delay, "500ms", kLive,
          "Requests that would wait longer than this for their shard's turn, turn after turn, are answered with 503; 0 "
          "lets them wait."),
      ROW(upstream_keepalive_pool_size, "512", kLive,
          "Idle connections kept per upstream address and shard; 0 keeps none."),
      ROW(upstream_keepalive_max_requests, "10000", kLive, "Requests on one upstream connection; 0 means no limit."),
      ROW(upstream_keepalive_idle_timeout, "60", kLive,
          "How long an idle upstream connection is kept; 0 means for ever."),
      ROW(upstream_max_header_size, "56k", kLive, "Largest head of an upstream's response; between 1k and 56k."),
      ROW(upstream_tls_verify, "on", kLive, "Verify upstreams' certificates where the service does not say."),
      ROW(upstream_http2, "off", kLive,
          "Offer HTTP/2 to upstreams of `https` services; they choose. Services of `grpc` and `grpcs` always use it."),
      ROW(upstream_slow_start, "0", kLive,
          "How long the share of a target grows from a tenth to its weight, once it was added or is healthy again; 0 "
          "gives it all at once."),
      ROW(zone, "", kLive,
          "Where this node runs. Targets that have the tag `zone:` followed by this name are preferred while one of "
          "them "
          "is healthy."),
  };
}

std::vector<Setting> dns_and_tls_rows() {
  return {
      ROW(dns_resolver, "", kRestart, "Name servers, `IP` or `IP:PORT`; empty means those of /etc/resolv.conf."),
      ROW(dns_hostsfile, "/etc/hosts", kRestart, "The hosts file."),
      ROW(dns_order, "LAST, SRV, A, AAAA, CNAME", kRestart,
          "Record types to ask for, in order, until one exists: SRV, A and AAAA. LAST is what succeeded before. CNAME "
          "needs no asking."),
      ROW(dns_valid_ttl, "0", kRestart, "Replaces the TTL of answers; 0 keeps theirs."),
      ROW(dns_stale_ttl, "3600", kRestart, "How long an outdated answer serves while it cannot be renewed."),
      ROW(dns_not_found_ttl, "30", kRestart, "How long a name is remembered as unknown."),
      ROW(dns_error_ttl, "1", kRestart, "How long a failed query is remembered."),
      ROW(dns_cache_size, "10000", kRestart, "Names in the cache.").between(10, 10'000'000),
      ROW(dns_no_sync, "off", kRestart,
          "Send a query for each request that waits for a name, instead of one for all of them; the first answer "
          "counts."),
      ROW(dns_happy_eyeballs, "off", kRestart,
          "Look for a name's addresses of the other family too (AAAA besides A, or the other way round), and connect "
          "to "
          "those as well when the chosen address has not answered within 250 ms (RFC 8305). Requests are still shared "
          "out among the addresses of the first family."),
      ROW(dns_timeout, "2s", kRestart, "Time for one try of a query."),
      ROW(ssl_cert, "", kLive, "Certificates of TLS listeners. Without any, one is made at first start."),
      ROW(ssl_cert_key, "", kLive, "Their keys, in the same order.").secret(),
      ROW(admin_ssl_cert, "", kLive, "Certificates of the Admin API's TLS listeners."),
      ROW(admin_ssl_cert_key, "", kLive, "Their keys.").secret(),
      ROW(status_ssl_cert, "", kLive, "Certificates of the status API's TLS listeners."),
      ROW(status_ssl_cert_key, "", kLive, "Their keys.").secret(),
      ROW(client_ssl, "off", kLive, "Show a client certificate to upstreams whose service has none of its own."),
      ROW(client_ssl_cert, "", kLive, "That certificate."),
      ROW(client_ssl_cert_key, "", kLive, "Its key.").secret(),
      ROW(ssl_cipher_suite, "intermediate", kLive, "Mozilla's profile of ciphers; `custom` takes `ssl_ciphers`."),
      ROW(ssl_ciphers, "", kLive, "Ciphers of TLS 1.2 in OpenSSL's notation, with `ssl_cipher_suite=custom`."),
      ROW(ssl_protocols, "TLSv1.2 TLSv1.3", kLive, "Versions of TLS that clients may use.")
          .alias("nginx_http_ssl_protocols"),
      ROW(ssl_stapling, "off", kLive,
          "Ask the authorities of our certificates whether these are good, and staple what they say to handshakes.")
          .alias("nginx_proxy_ssl_stapling"),
      ROW(ssl_stapling_responder, "", kLive, "An http URL to ask, in place of the one that each certificate names.")
          .alias("nginx_proxy_ssl_stapling_responder"),
      ROW(ssl_session_tickets, "on", kLive, "Session tickets; their keys rotate.")
          .alias("nginx_http_ssl_session_tickets"),
      ROW(ssl_session_timeout, "1d", kLive, "How long a session may be resumed.")
          .alias("nginx_http_ssl_session_timeout"),
      ROW(ssl_session_cache_size, "10m", kRestart,
          "Without effect: sessions are resumed by tickets, which need no memory here, or not at all."),
      ROW(lua_ssl_trusted_certificate, "system", kLive,
          "Authorities that outgoing TLS trusts: `system`, paths or PEM texts."),
      ROW(lua_ssl_verify_depth, "1", kLive, "Longest chain of intermediates.").between(0, 100),
  };
}
#undef ROW

std::vector<Setting> all_rows() {
  std::vector<Setting> rows;
  for (const auto& group :
       {node_rows(), store_rows(), listener_rows(), cluster_rows(), proxy_rows(), dns_and_tls_rows()}) {
    rows.insert(rows.end(), group.begin(), group.end());
  }
  return rows;
}

}  // namespace

std::span<const Setting> describe_all() {
  static const std::vector<Setting> kRows = all_rows();
  return kRows;
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : describe_all()) {
    if (setting.name == name || (!setting.alias.empty() && setting.alias == name)) return &setting;
  }
  return nullptr;
}

std::vector<Change> changes(const Settings& before, const Settings& after) {
  std::vector<Change> list;
  for (const Setting& setting : describe_all()) {
    if (setting.write(setting, before) != setting.write(setting, after)) list.push_back({setting.name, setting.reload});
  }
  return list;
}

std::vector<Change> take_live(Settings& running, const Settings& fresh) {
  std::vector<Change> list = changes(running, fresh);
  for (const Change& change : list) {
    if (change.reload == Reload::Live) find_setting(change.name)->copy(fresh, running);
  }
  return list;
}

}  // namespace sluice::settings
