// SPDX-License-Identifier: Apache-2.0
#include "gateway_options.h"

#include <algorithm>
#include <array>
#include <utility>

#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "sockets.h"

namespace sluice::apps {
namespace {

std::string error_type(settings::ErrorType type) {
  switch (type) {
    case settings::ErrorType::Json:
      return "application/json";
    case settings::ErrorType::Html:
      return "text/html";
    case settings::ErrorType::Xml:
      return "application/xml";
    case settings::ErrorType::PlainText:
      break;
  }
  return "text/plain";
}

/// "3.10.0" of "3.10.0.0".
std::string product_version(std::string_view compat) {
  auto parts = split_list(compat, '.');
  std::string version;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, parts.size()); ++i)
    version.append(i == 0 ? "" : ".").append(parts[i]);
  return version;
}

http::ServerOptions server_options(const settings::Settings& settings) {
  http::ServerOptions server;
  server.head.head_octets = settings.client_max_header_size.count;
  server.head.target_octets = settings.client_max_uri_size.count;
  server.head.fields = settings.client_max_headers;
  server.header_timeout_ms = settings.client_header_timeout.count();
  server.keepalive_timeout_ms = settings.client_keepalive_timeout.count();
  server.body = {settings.client_body_timeout.count(), settings.client_body_min_rate.count};
  server.send_timeout_ms = settings.client_send_timeout.count();
  server.max_streams = settings.client_max_streams;
  server.max_connections = settings.client_max_connections_per_address;
  server.uncounted = settings.trusted_ips;  // who speaks for many clients
  server.max_requests = settings.client_keepalive_requests == 0 ? UINT64_MAX : settings.client_keepalive_requests;
  return server;
}

/// Of one shard.
http::Ceilings ceilings(const settings::Settings& settings) {
  const auto shards = static_cast<std::uint32_t>(shard_count(settings));
  return {.connections = share_of_shard(settings.client_max_connections, shards),
          .requests = share_of_shard(settings.max_requests_in_flight, shards),
          .delay_ms = settings.overload_delay.count()};
}

/// Of one shard. Each session holds a descriptor, and anybody can begin one by a datagram with a forged address; so all
/// of them together get a quarter of the descriptors, and the rest remains for everybody else.
std::size_t udp_sessions(const settings::Settings& settings) {
  const std::size_t shards = shard_count(settings);
  std::size_t whole = settings.stream_udp_sessions;
  rlimit descriptors{};
  if (::getrlimit(RLIMIT_NOFILE, &descriptors) == 0) whole = std::min<std::size_t>(whole, descriptors.rlim_cur / 4);
  const bool any = std::ranges::any_of(settings.stream_listen, &settings::Listener::udp);
  static bool said = false;  // a reload does not change it
  if (any && whole < settings.stream_udp_sessions && !std::exchange(said, true)) {
    log::info("stream.udp_sessions_limited", {{"stream_udp_sessions", settings.stream_udp_sessions},
                                              {"used", whole},
                                              {"descriptors", descriptors.rlim_cur}});
  }
  return std::max<std::size_t>(1, whole / shards);
}

http::PoolOptions pool_options(const settings::Settings& settings) {
  http::PoolOptions pool;
  pool.max_idle = settings.upstream_keepalive_pool_size;
  pool.max_requests = settings.upstream_keepalive_max_requests;
  pool.idle_timeout_ms = settings.upstream_keepalive_idle_timeout.count();
  return pool;
}

}  // namespace

gateway::GatewayOptions gateway_options(const settings::Settings& settings) {
  gateway::GatewayOptions options;
  options.version = product_version(settings.compat_version);
  options.product = "kong/" + options.version;
  options.node_id = settings.node_id;
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  options.hostname = name.data();
  options.proxies = settings.role != settings::Role::ControlPlane;
  options.server_tokens = settings.headers.server || settings.headers.via;
  options.latency_tokens = settings.headers.proxy_latency || settings.headers.upstream_latency;
  options.upstream_status_header = settings.headers.upstream_status;
  options.request_id_downstream = settings.headers.request_id;
  options.request_id_upstream = settings.headers_upstream.request_id;
  options.allow_debug_header = settings.allow_debug_header;
  options.udp_sessions = udp_sessions(settings);
  options.trusted_ips = settings.trusted_ips;
  options.real_ip_header = settings.real_ip_header;
  options.real_ip_recursive = settings.real_ip_recursive;
  options.error_default_type = error_type(settings.error_default_type);
  for (const settings::PortMap& map : settings.port_maps) options.port_maps[map.inside] = map.outside;
  options.client_max_body_size = settings.client_max_body_size.count;
  options.upstream_max_header_size = settings.upstream_max_header_size.count;
  options.upstream_http2 = settings.upstream_http2;
  options.stapling = {settings.ssl_stapling, settings.ssl_stapling_responder};
  options.tls_timeout_ms = settings.client_tls_timeout.count();
  options.server = server_options(settings);
  options.pool = pool_options(settings);
  options.ceilings = ceilings(settings);
  options.balancing = {settings.upstream_slow_start.count(), settings.zone};
  options.memory_limit = settings.memory_limit.count;
  return options;
}

}  // namespace sluice::apps
