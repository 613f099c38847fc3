// SPDX-License-Identifier: Apache-2.0
#include "settings/check.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "base/uuid.h"
#include "settings/account_rules.h"

namespace sluice::settings {
namespace {

using Faults = std::vector<std::string>;

struct Group {
  std::string_view name;
  const std::vector<Listener>& listeners;
};

/// Whether one bind would fail because of the other.
bool collide(const Listener& a, const Listener& b) {
  const bool streams = !a.udp && !b.udp;
  const bool datagrams = (a.udp || a.http3) && (b.udp || b.http3);
  if (a.port != b.port || a.port == 0 || !(streams || datagrams)) return false;
  const bool same_family = a.ip.is_v4() == b.ip.is_v4();
  return a.ip == b.ip || (same_family && (a.ip.is_any() || b.ip.is_any()));
}

void check_collisions(const Settings& settings, Faults& faults) {
  const Group groups[] = {{"proxy_listen", settings.proxy_listen},
                          {"stream_listen", settings.stream_listen},
                          {"admin_listen", settings.admin_listen},
                          {"status_listen", settings.status_listen},
                          {"admin_gui_listen", settings.admin_gui_listen}};
  std::vector<std::pair<std::string_view, Listener>> seen;
  for (const Group& group : groups) {
    for (const Listener& listener : group.listeners) {
      for (const auto& [name, other] : seen) {
        if (!collide(listener, other)) continue;
        faults.push_back(std::string(group.name) + ": " + listener.address() + " is taken by " + other.address() +
                         " of " + std::string(name));
      }
      seen.emplace_back(group.name, listener);
    }
  }
}

/// Flags that mean nothing where they stand would be taken for what they promise.
void check_flags(const Settings& settings, Faults& faults) {
  for (const Listener& listener : settings.stream_listen) {
    const std::string at = "stream_listen: " + listener.address();
    if (listener.http2) faults.push_back(at + ": http2 is for proxy_listen");
    if (listener.http3) faults.push_back(at + ": http3 is for proxy_listen");
    if (listener.deferred) faults.push_back(at + ": deferred would hold up servers that speak first");
    if (listener.udp && listener.ssl) faults.push_back(at + ": udp and ssl exclude each other");
    if (listener.udp && listener.proxy_protocol) faults.push_back(at + ": udp and proxy_protocol exclude each other");
  }
  const Group others[] = {{"proxy_listen", settings.proxy_listen},
                          {"admin_listen", settings.admin_listen},
                          {"status_listen", settings.status_listen},
                          {"admin_gui_listen", settings.admin_gui_listen},
                          {"cluster_listen", settings.cluster_listen}};
  for (const Group& group : others) {
    for (const Listener& listener : group.listeners) {
      if (listener.udp)
        faults.push_back(std::string(group.name) + ": " + listener.address() + ": udp is for stream_listen");
      if (listener.http3 && group.name != "proxy_listen")
        faults.push_back(std::string(group.name) + ": " + listener.address() + ": http3 is for proxy_listen");
    }
  }
}

void check_http3(const Settings& settings, Faults& faults) {
  for (const Listener& listener : settings.proxy_listen) {
    if (!listener.http3) continue;
    const std::string at = "proxy_listen: " + listener.address();
    if (!listener.ssl) faults.push_back(at + ": http3 needs ssl");
    if (listener.proxy_protocol) faults.push_back(at + ": http3 and proxy_protocol exclude each other");
    if (!settings.ssl_protocols.v1_3) faults.push_back(at + ": http3 needs TLSv1.3 in ssl_protocols");
  }
}

void check_logs(const Settings& settings, Faults& faults) {
  const auto words = split_list(settings.proxy_stream_access_log, ' ');
  if (words.size() > 2 || (words.size() == 2 && words[1] != "basic")) {
    faults.emplace_back("proxy_stream_access_log: expected a path, and no format but basic");
  }
}

/// What would look protected, or divided, and is not: better not to start.
void check_available(const Settings& settings, Faults& faults) {
  if (settings.enforce_rbac) {
    faults.emplace_back(
        "enforce_rbac: role-based access control does not exist in this version; protect the Admin API with "
        "admin_auth=token");
  }
}

void check_data_plane(const Settings& settings, Faults& faults) {
  if (settings.cluster_cert.empty()) {
    faults.emplace_back("cluster_cert: required with role=data_plane; it is the control plane's, or of its authority");
  }
  if (settings.database != Database::Off) {
    faults.emplace_back("database: a data plane keeps none; leave it out, or set off");
  }
  if (!settings.declarative_config.empty() || !settings.declarative_config_string.empty()) {
    faults.emplace_back("declarative_config: a data plane gets its configuration from its control plane");
  }
  if (settings.cluster_control_plane.empty()) faults.emplace_back("cluster_control_plane: required");
  if (settings.cluster_use_proxy && settings.proxy_server.empty()) {
    faults.emplace_back("cluster_use_proxy: needs proxy_server");
  }
}

/// What a link between control plane and data plane needs.
void check_cluster(const Settings& settings, Faults& faults) {
  if (settings.cluster_cert.empty() != settings.cluster_cert_key.empty()) {
    faults.emplace_back("cluster_cert: needs cluster_cert_key, and the other way round");
  }
  if (settings.role == Role::ControlPlane && settings.cluster_cert.empty()) {
    faults.emplace_back("cluster_cert: required with role=control_plane; `sluice hybrid gen_cert` makes one");
  }
  if (settings.role == Role::ControlPlane && settings.database == Database::Off) {
    faults.emplace_back("database: a control plane needs a store: sqlite or postgres");
  }
  if (settings.role == Role::DataPlane) check_data_plane(settings, faults);
  const bool fallback = settings.cluster_fallback_config_import || settings.cluster_fallback_config_export;
  if (fallback && settings.cluster_fallback_config_storage.empty()) {
    faults.emplace_back("cluster_fallback_config_storage: required to import or export a copy");
  }
  if (settings.cluster_max_payload.count < (1U << 20)) faults.emplace_back("cluster_max_payload: at least 1m");
}

bool is_octal_mask(std::string_view text) {
  return !text.empty() && text.size() <= 4 && text.find_first_not_of("01234567") == std::string_view::npos;
}

void check_process(const Settings& settings, Faults& faults) {
  if (!is_octal_mask(settings.umask))
    faults.push_back("umask: '" + settings.umask + "': expected up to four octal digits");
  if (settings.watchdog_timeout != Millis(0) && settings.watchdog_timeout < Millis(500)) {
    faults.emplace_back("watchdog_timeout: must be at least 500ms, or 0");
  }
}

void check_accounts(const Settings& settings, Faults& faults) {
  if (!settings.admin_password.empty()) {
    const auto bad_email = email_problem(settings.admin_email);
    if (!bad_email.empty()) faults.push_back("admin_email: " + bad_email);
    const auto bad_password = password_problem(settings.admin_password.reveal(), settings.admin_email);
    if (!bad_password.empty()) faults.push_back("admin_password: " + bad_password);
  }
  constexpr Millis kShortest{60'000};
  if (settings.admin_session_idle < kShortest) faults.emplace_back("admin_session_idle: must be at least 1m");
  if (settings.admin_session_lifetime < settings.admin_session_idle) {
    faults.emplace_back("admin_session_lifetime: must not be shorter than admin_session_idle");
  }
}

void check_admin(const Settings& settings, Faults& faults) {
  if (settings.admin_auth == AdminAuth::Token) {
    if (settings.database == Database::Off && settings.admin_token.empty()) {
      faults.emplace_back("admin_token: required with admin_auth=token and database=off");
    }
    return;
  }
  const auto check_loopback = [&](std::string_view name, const std::vector<Listener>& listeners) {
    for (const Listener& listener : listeners) {
      if (listener.ip.is_loopback()) continue;
      faults.push_back(std::string(name) + ": " + listener.address() +
                       " is open to others; set admin_auth=token or listen on 127.0.0.1");
    }
  };
  check_loopback("admin_listen", settings.admin_listen);
  if (settings.database != Database::Off) check_loopback("admin_gui_listen", settings.admin_gui_listen);
}

template <class Keys>
void check_pairs(std::string_view name, const std::vector<std::string>& certificates, const Keys& keys,
                 Faults& faults) {
  if (certificates.size() == keys.size()) return;
  faults.push_back(std::string(name) + "_key: " + std::to_string(keys.size()) + " keys for " +
                   std::to_string(certificates.size()) + " certificates of " + std::string(name));
}

void check_tls(const Settings& settings, Faults& faults) {
  check_pairs("ssl_cert", settings.ssl_cert, settings.ssl_cert_key, faults);
  check_pairs("admin_ssl_cert", settings.admin_ssl_cert, settings.admin_ssl_cert_key, faults);
  check_pairs("status_ssl_cert", settings.status_ssl_cert, settings.status_ssl_cert_key, faults);
  check_pairs("admin_gui_ssl_cert", settings.admin_gui_ssl_cert, settings.admin_gui_ssl_cert_key, faults);
  if (settings.client_ssl && (settings.client_ssl_cert.empty() || settings.client_ssl_cert_key.empty())) {
    faults.emplace_back("client_ssl: needs client_ssl_cert and client_ssl_cert_key");
  }
  if (settings.ssl_cipher_suite == CipherSuite::Custom && settings.ssl_ciphers.empty()) {
    faults.emplace_back("ssl_cipher_suite: custom needs ssl_ciphers");
  }
  if (!settings.ssl_stapling_responder.empty() && !settings.ssl_stapling_responder.starts_with("http://")) {
    faults.emplace_back("ssl_stapling_responder: has to be an http:// URL");
  }
  if (!settings.ssl_protocols.v1_2 && !settings.ssl_protocols.v1_3) faults.emplace_back("ssl_protocols: none is left");
}

void check_node(const Settings& settings, Faults& faults) {
  if (settings.prefix.empty()) faults.emplace_back("prefix: required");
  if (!settings.node_id.empty() && !Uuid::parse(settings.node_id)) faults.emplace_back("node_id: not a UUID");
  if (!settings.declarative_config.empty() && !settings.declarative_config_string.empty()) {
    faults.emplace_back("declarative_config: excludes declarative_config_string");
  }
  const bool declarative = !settings.declarative_config.empty() || !settings.declarative_config_string.empty();
  if (declarative && settings.database != Database::Off) {
    faults.emplace_back("declarative_config: needs database=off");
  }
}

void check_store(const Settings& settings, Faults& faults) {
  if (settings.keyring_path.empty()) faults.emplace_back("keyring_path: required");
  if (settings.pg_ssl_verify && !settings.pg_ssl) faults.emplace_back("pg_ssl_verify: needs pg_ssl=on");
  if (settings.pg_timeout <= Millis(0)) faults.emplace_back("pg_timeout: every wait needs an end");
}

void check_dns(const Settings& settings, Faults& faults) {
  const bool addresses = std::ranges::any_of(
      settings.dns_order, [](DnsRecord record) { return record == DnsRecord::A || record == DnsRecord::Aaaa; });
  if (!addresses) faults.emplace_back("dns_order: A or AAAA is needed, or no name has an address");
}

void check_ports(const Settings& settings, Faults& faults) {
  std::map<std::uint16_t, std::uint16_t> inside_to_outside;
  for (const PortMap& map : settings.port_maps) {
    if (!inside_to_outside.emplace(map.inside, map.outside).second) {
      faults.push_back("port_maps: port " + std::to_string(map.inside) + " is mapped twice");
    }
  }
}

void check_limits(const Settings& settings, Faults& faults) {
  // A head is parsed where it was received, in a buffer of 64k, and leaves from one together with our own fields.
  for (const auto& [name, size] : {std::pair{"client_max_header_size", settings.client_max_header_size},
                                   std::pair{"upstream_max_header_size", settings.upstream_max_header_size}}) {
    if (size < kibibytes(1) || size > kibibytes(56)) {
      faults.push_back(std::string(name) + ": must be between 1k and 56k");
    }
  }
  if (settings.client_max_uri_size > settings.client_max_header_size) {
    faults.emplace_back("client_max_uri_size: must not exceed client_max_header_size");
  }
  for (const auto& [name, time] :
       {std::pair{"client_header_timeout", settings.client_header_timeout},
        std::pair{"client_body_timeout", settings.client_body_timeout},
        std::pair{"client_send_timeout", settings.client_send_timeout},
        std::pair{"client_tls_timeout", settings.client_tls_timeout}, std::pair{"dns_timeout", settings.dns_timeout}}) {
    if (time <= Millis(0)) faults.push_back(std::string(name) + ": every wait needs an end");
  }
}

}  // namespace

std::vector<std::string> check(const Settings& settings) {
  Faults faults;
  check_node(settings, faults);
  check_available(settings, faults);
  check_cluster(settings, faults);
  check_process(settings, faults);
  check_collisions(settings, faults);
  check_flags(settings, faults);
  check_http3(settings, faults);
  check_logs(settings, faults);
  check_admin(settings, faults);
  check_accounts(settings, faults);
  check_store(settings, faults);
  check_ports(settings, faults);
  check_tls(settings, faults);
  check_dns(settings, faults);
  check_limits(settings, faults);
  return faults;
}

}  // namespace sluice::settings
